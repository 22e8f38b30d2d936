"""What the package needs at run time is in the wheel."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import napari_colorgan

PACKAGE = Path(napari_colorgan.__file__).parent
ROOT = Path(__file__).parent.parent


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


def test_base_dependencies_bring_no_qt_backend() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for dependency in settings["project"]["dependencies"]:
        assert not re.match(r"(pyqt\d|pyside|napari\[)", dependency.lower())
