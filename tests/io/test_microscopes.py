"""Microscopes' own formats are called by their names, and read where bioio is installed."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import dask.array
import numpy as np
import pytest

from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack

if TYPE_CHECKING:
    from pathlib import Path

VALUES = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 1, 3, 4, 5)


class FakeImage:
    """What is used of ``bioio.BioImage``, which the tests do without."""

    scenes = ("first", "second")
    dims = SimpleNamespace(order="TCZYX")
    physical_pixel_sizes = SimpleNamespace(Z=2.0, Y=0.5, X=0.25)
    time_interval = timedelta(seconds=30)

    def __init__(self, path: object) -> None:
        self.scene = 0

    def set_scene(self, number: int) -> None:
        self.scene = number

    @property
    def dask_data(self) -> dask.array.Array:
        return dask.array.from_array(VALUES + self.scene)


@pytest.fixture
def czi(tmp_path: Path) -> Path:
    path = tmp_path / "cells.czi"
    path.write_bytes(b"ZISRAWFILE" + bytes(300))
    return path


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"ZISRAWFILE", "Zeiss.*bioio-czi"),
        (b"\xda\xce\xbe\x0a", "Nikon.*bioio-nd2"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"NRRD0004", "NRRD"),
        (bytes(208) + b"MAP ", "MRC"),
    ],
)
def test_without_bioio_the_format_and_what_to_install_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes, what: str
) -> None:
    monkeypatch.setitem(sys.modules, "bioio", None)
    (tmp_path / "a").write_bytes(start + bytes(300))
    with pytest.raises(FileError, match=what):
        read_stack(tmp_path / "a")


def test_bioio_reads_scenes_sizes_and_planes(czi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bioio")
    module.BioImage = FakeImage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bioio", module)
    stack = read_stack(czi)
    assert (stack.axes.letters, stack.scale) == ("TZYX", (30.0, 2.0, 0.5, 0.25))
    assert "2 images" in stack.notices[0]
    np.testing.assert_array_equal(stack.data[1], VALUES[1, 0])
    second = read_stack(czi, image="second")
    np.testing.assert_array_equal(second.data[0, 2], VALUES[0, 0, 2] + 1)
