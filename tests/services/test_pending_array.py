"""A result under way reads as gray where it isn't done, however it is indexed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_colorgan.axes import ArrayTarget, Axes
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.services.arrays.pending_array import PendingColors, PlanesDone, gray_of

FULL = DisplayRange(0, 255)
UINT8 = np.dtype(np.uint8)


@pytest.mark.parametrize("letters", ["TZYX", "YXTZ", "TXZY"])
@pytest.mark.parametrize(
    "key", [..., 0, (slice(None), 1), (1, slice(0, 2), ..., 0), (..., 2), (slice(1, 2),), -1]
)
def test_any_selection(letters: str, key: Any) -> None:
    axes = Axes(letters)
    stack = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 6), dtype=np.uint8)
    block = PlaneBlock.whole(axes, stack.shape)
    done = PlanesDone(block)
    array = np.zeros(block.output_shape(3), np.uint8)
    pending = PendingColors(array, stack, done, FULL)
    expected = np.repeat(stack[..., None], 3, axis=-1)
    target, full = ArrayTarget(array, axes), ArrayTarget(expected, axes)
    for index in block.indices()[:3]:
        plane = np.full((*axes.plane_shape(stack.shape), 3), 77, np.uint8)
        for each in (target, full):
            each.write(index, plane)
        done.mark(index)
    np.testing.assert_array_equal(pending[key], expected[key])
    np.testing.assert_array_equal(np.asarray(pending), expected)
    assert not array[expected != 77].any()  # nothing gray in the result itself


def test_what_is_missing_begins_at_the_plane_on_view() -> None:
    done = PlanesDone(PlaneBlock(Axes("ZYX"), (9, 2, 2), (2,), (6,)))
    done.mark((3,))
    assert done.missing((4,)) == [(4,), (5,), (2,)]
    assert (3,) in done
    assert not done.complete


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.int64, bool])
def test_gray_is_what_napari_shows(dtype: Any) -> None:
    plane = np.array([[0, 1, 50, 100]]).astype(dtype)
    display = DisplayRange(0, 100, 0.5)
    shown = np.clip(plane.astype(float) / 100, 0, 1) ** 0.5
    np.testing.assert_allclose(gray_of(display, plane, UINT8) / 255, shown, atol=0.003)
    floats = gray_of(display, plane, np.dtype(np.float32))
    np.testing.assert_allclose(floats, shown, atol=1e-5)


def test_gray_of_rgb_has_its_lightness() -> None:
    plane = np.array([[[255, 0, 0], [128, 128, 128]]], np.uint8)
    gray = gray_of(FULL, plane, UINT8)
    np.testing.assert_allclose(FULL.lightness(gray), FULL.lightness(plane), atol=0.3)
