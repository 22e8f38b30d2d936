"""A film opens as one lazy layer with its step in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array
import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.io import stack_writer
from napari_colorgan.widgets.layer_files.reader import get_film_reader, read_images

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("av")


def test_a_film_is_a_lazy_stack_with_its_time_scale(tmp_path: Path) -> None:
    shape = (5, 16, 24, 3)
    with stack_writer(
        tmp_path / "a.mkv",
        shape,
        "uint8",
        Axes("TYXS"),
        scale=(0.04, 1.0, 1.0),
        units=("second", "pixel", "pixel"),
    ) as target:
        for number in range(5):
            target.write((number,), np.full(shape[1:], number * 40, np.uint8))
    assert get_film_reader([str(tmp_path / "a.tif")]) is None
    assert get_film_reader(str(tmp_path / "a.mkv")) is read_images
    ((data, attributes, kind),) = read_images(str(tmp_path / "a.mkv"))
    assert (kind, attributes["rgb"], data.shape) == ("image", True, shape)
    assert isinstance(data, dask.array.Array)
    assert attributes["scale"] == pytest.approx((0.04, 1, 1))
    assert tuple(map(str, attributes["units"])) == ("second", "pixel", "pixel")
    np.testing.assert_array_equal(np.asarray(data[3]), 120)
