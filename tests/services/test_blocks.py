"""Blocks of planes against numpy's own slicing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.axes import ArrayTarget, Axes
from napari_colorgan.errors import InputError
from napari_colorgan.services.arrays.blocks import PlaneBlock

LETTERS = ["YX", "XY", "ZYX", "YXT", "TYZX", "TCZYX", "ZYXS", "YSXT"]


@st.composite
def blocks(draw):
    axes = Axes(draw(st.sampled_from(LETTERS)))
    shape = tuple(3 if letter == "S" else draw(st.integers(1, 5)) for letter in axes.letters)
    ranges = [
        sorted((draw(st.integers(0, size - 1)), draw(st.integers(1, size))))
        for size in axes.outer_shape(shape)
    ]
    starts = tuple(a if a < b else a - 1 for a, b in ranges)
    return PlaneBlock(axes, shape, starts, tuple(b for _, b in ranges))


@given(blocks(), st.sampled_from([3, 0]))
def test_a_blocks_array_is_a_slice_of_the_whole_result(block, samples):
    axes = block.axes
    whole = np.zeros(axes.output_shape(block.shape, samples), np.int64)
    part = np.zeros(block.output_shape(samples), np.int64)
    target = ArrayTarget(part, axes, block.starts)
    for number, index in enumerate(block.indices(), 1):
        rows, columns = axes.plane_shape(block.shape)
        plane = np.arange(rows * columns).reshape(rows, columns) + number * 100
        plane = plane[..., None] * np.array([1, 2, 3]) if samples else plane
        axes.write_plane(whole, index, plane)
        target.write(index, plane)
    ranges = dict(zip(axes.outer, zip(block.starts, block.stops, strict=True), strict=True))
    cut = tuple(slice(*ranges.get(letter, (None,))) for letter in axes.scalar.letters)
    np.testing.assert_array_equal(part, whole[cut])
    assert [c.start or 0 for c in cut] == list(block.origin)


@given(blocks())
def test_every_plane_comes_once_the_wanted_one_first(block):
    indices = block.indices()
    assert indices == sorted(set(indices))
    assert len(indices) == np.prod(block.sizes, dtype=int)
    for first in indices:
        ordered = block.indices(first)
        assert ordered[0] == first
        assert sorted(ordered) == indices
    assert block.indices((99,) * len(block.starts)) == indices


def test_whole_and_single_blocks():
    axes, shape = Axes("TYZX"), (4, 8, 3, 9)
    assert PlaneBlock.whole(axes, shape).output_shape() == (4, 8, 3, 9, 3)
    single = PlaneBlock.single(axes, shape, (2, 1))
    assert single.output_shape(0) == (1, 8, 1, 9)
    assert single.origin == (2, 0, 1, 0)
    assert single.output_shape(3, (4, 5), (2, 1)) == (2, 4, 1, 5, 3)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (2, 1), (-1, 2), (0, 5), (4, 5)])
def test_ranges_outside_the_stack_are_refused(start, stop):
    with pytest.raises(InputError, match="ranges of planes"):
        PlaneBlock(Axes("ZYX"), (4, 8, 9), (start,), (stop,))
