"""What others find and install: addresses, citation, forms, workflow, recipe."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from trove_classifiers import classifiers

from conda_recipe import RECIPE, conda_requirement, make_recipe

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def setup() -> dict[str, Any]:
    """Return the names of setup.py, which isn't run as a program here."""
    return runpy.run_path(str(ROOT / "setup.py"))


def test_the_page_on_pypi_has_no_relative_address(setup: dict[str, Any]) -> None:
    source = PROJECT["urls"]["Source Code"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = setup["absolute"](readme, source)
    addresses = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(addresses) > 5
    assert [a for a in addresses if not re.match(r"https?://|#", a)] == []
    # Each picture and page is there.
    for address in addresses:
        if address.startswith(f"{source}/"):
            path = re.sub(r"^(raw|blob)/HEAD/", "", address.removeprefix(f"{source}/"))
            assert (ROOT / path.partition("#")[0]).exists(), path
    assert f"]({source}/raw/HEAD/docs/images/photograph-after.jpg)" in text


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("![a b](docs/x.JPG)", "![a b](BASE/raw/HEAD/docs/x.JPG)"),
        ("[a](docs/x.md#part)", "[a](BASE/blob/HEAD/docs/x.md#part)"),
        ("[a](https://b.org/c.png)", "[a](https://b.org/c.png)"),
        ("[a](#part) [b](mailto:c@d.e)", "[a](#part) [b](mailto:c@d.e)"),
        (
            "| ![a](x.png) | ![b](y.svg) |",
            "| ![a](BASE/raw/HEAD/x.png) | ![b](BASE/raw/HEAD/y.svg) |",
        ),
    ],
)
def test_relative_addresses_become_absolute(
    setup: dict[str, Any], markdown: str, expected: str
) -> None:
    assert setup["absolute"](markdown, "BASE") == expected


def test_classifiers_are_known_and_pythons_are_named() -> None:
    assert set(PROJECT["classifiers"]) <= set(classifiers)


def test_the_citation_names_the_paper() -> None:
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source Code"]
    assert citation["url"] == PROJECT["urls"]["Documentation"]
    assert {"title", "message", "authors"} <= set(citation)
    years = {reference["title"]: reference["year"] for reference in citation["references"]}
    assert years["Colorization of grayscale images in deep learning"] == 2022
    for reference in citation["references"]:
        assert {"type", "title", "authors", "year"} <= set(reference), reference


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_issue_forms_are_complete(path: Path) -> None:
    form = read(str(path.relative_to(ROOT)))
    if path.name == "config.yml":
        addresses = [link["url"] for link in form["contact_links"]]
        assert PROJECT["urls"]["Documentation"] in addresses
        assert PROJECT["urls"]["User Support"] in addresses
        return
    assert {"name", "description", "body"} <= set(form)
    names = [part["id"] for part in form["body"]]
    assert len(names) == len(set(names))
    for part in form["body"]:
        assert part["type"] in {"textarea", "input", "dropdown", "checkboxes", "markdown"}
        assert part["attributes"]["label"]
        if part["type"] in {"dropdown", "checkboxes"}:
            assert part["attributes"]["options"]


def test_the_release_needs_no_secret() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    publish = workflow["jobs"]["publish"]
    # Only the job that publishes has an identity, and it runs none of our code.
    assert publish["permissions"] == {"id-token": "write"}
    assert all("run" not in step for step in publish["steps"])
    assert "id-token" not in workflow["jobs"]["build"]["permissions"]
    runs = [step.get("run", "") for step in workflow["jobs"]["build"]["steps"]]
    script = next(run.split()[1] for run in runs if run.startswith("bash "))
    checks = (ROOT / script).read_text(encoding="utf-8")
    assert "twine check --strict" in checks
    assert "check_wheel_contents" in checks


def test_updates_are_looked_for() -> None:
    ecosystems = {
        update["package-ecosystem"] for update in read(".github/dependabot.yml")["updates"]
    }
    assert ecosystems == {"github-actions", "pip"}


def test_the_recipe_follows_the_project() -> None:
    text = RECIPE.read_text(encoding="utf-8")
    assert text == make_recipe(SETTINGS)
    recipe = yaml.safe_load(text)
    run = [line.split()[0] for line in recipe["requirements"]["run"]]
    assert len(run) == len(set(run))
    assert {"python", "napari", "pytorch", "dask-core", "matplotlib-base"} <= set(run)
    assert "torch" not in run
    assert recipe["build"]["noarch"] == "python"
    assert recipe["context"]["python_min"] == "3.11"


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("dask[array]>=2024.1", "dask-core >=2024.1"),
        ("torch>=2.5", "pytorch >=2.5"),
        ("numpy", "numpy"),
        ("ome-zarr>=0.11,<1", "ome-zarr >=0.11,<1"),
    ],
)
def test_requirements_in_conda_s_words(requirement: str, expected: str) -> None:
    assert conda_requirement(requirement) == expected


def test_the_rules_of_the_community_are_there() -> None:
    conduct = (ROOT / "CODE_OF_CONDUCT.md").read_text(encoding="utf-8")
    assert "Contributor Covenant" in conduct
    assert (ROOT / "SECURITY.md").is_file()
