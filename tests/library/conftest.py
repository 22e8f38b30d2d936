"""A library with a model of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_colorgan.library.folders import ModelFolders
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.store import ModelLibrary

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def library(tiny_model_file: Path, tmp_path: Path) -> ModelLibrary:
    """Return a library with a bundled, an own and a shared model."""
    library = ModelLibrary()
    folders = ModelFolders(library.folders.own, tmp_path / "shared", tmp_path / "bundled")
    library.folders = folders
    for folder, name in ((folders.bundled, "natural"), (folders.shared, "group stain")):
        assert folder is not None
        folder.mkdir()
        (folder / (name + MODEL_SUFFIX)).write_bytes(tiny_model_file.read_bytes())
    library.duplicate("natural", "étude 1")
    return library
