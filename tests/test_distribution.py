"""What others find and install: addresses, citation, forms, workflow, recipe."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from trove_classifiers import classifiers

from conda_recipe import RECIPE, conda_requirement, make_recipe
from constraints import LOWEST, TESTED, declared, lowest_constraints, pinned_constraints

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


def rendered(text: str) -> Any:
    """Return a recipe with its variables filled in, as rattler-build does."""
    environment = jinja2.Environment(
        variable_start_string="${{", variable_end_string="}}", undefined=jinja2.StrictUndefined
    )
    values = dict(yaml.safe_load(text)["context"])
    return yaml.safe_load(environment.from_string(text).render(values | {"PYTHON": "python"}))


def test_the_recipe_is_valid_before_and_after_it_is_rendered() -> None:
    schema = json.loads((ROOT / "tests/fixtures/conda_recipe_schema.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    text = RECIPE.read_text(encoding="utf-8")
    recipe = rendered(text)
    for each in (yaml.safe_load(text), recipe):
        assert [error.message for error in validator.iter_errors(each)] == []
    assert "${{" not in yaml.safe_dump(recipe)
    assert recipe["package"] == {"name": "napari-colorgan", "version": "0.1.0"}
    assert recipe["source"]["url"].endswith("/napari_colorgan-0.1.0.tar.gz")
    assert {"python 3.11.*", "pip"} <= set(recipe["requirements"]["host"])
    # What the schema can't say is what conda-forge's own linter asks for.
    assert (ROOT / recipe["about"]["license_file"]).is_file()
    assert recipe["extra"]["recipe-maintainers"]
    assert recipe["build"]["number"] == 0
    # The schema does find what is wrong.
    assert list(validator.iter_errors({**recipe, "packages": {}}))
    assert list(validator.iter_errors({**recipe, "build": {"noarch": "snake"}}))


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


def test_the_lowest_versions_are_those_that_are_declared() -> None:
    assert LOWEST.read_text(encoding="utf-8") == lowest_constraints(declared(PROJECT))
    named = {Requirement(line).name for line in _lines(LOWEST)}
    wanted = {canonicalize_name(each.name) for each in declared(PROJECT)}
    # napari[all] is napari once more; every other requirement has a lower bound.
    assert named == wanted


def test_tested_versions_are_there_for_every_requirement_and_high_enough() -> None:
    pinned = {}
    for line in _lines(TESTED):
        (pin,) = Requirement(line).specifier
        pinned[Requirement(line).name] = pin.version
    for requirement in declared(PROJECT):
        name = canonicalize_name(requirement.name)
        # Readers of microscopes' files are chosen by their users.
        if name != "bioio":
            assert requirement.specifier.contains(pinned[name], prereleases=True), name


def test_constraints_follow_what_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = {
        "a": ("1.0+cpu", ["b[x]>=1", "c; extra == 'y'"]),
        "b": ("2", ["d; extra == 'x'", "a"]),
        "d": ("3", []),
    }
    monkeypatch.setattr("constraints.version", lambda name: packages[name][0])
    monkeypatch.setattr("constraints.requires", lambda name: packages[name][1])
    text = pinned_constraints([Requirement("a>=0.1")])
    assert text.splitlines()[1:] == ["a==1.0", "b==2", "d==3"]


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_the_rules_of_the_community_are_there() -> None:
    conduct = (ROOT / "CODE_OF_CONDUCT.md").read_text(encoding="utf-8")
    assert "Contributor Covenant" in conduct
    assert (ROOT / "SECURITY.md").is_file()
