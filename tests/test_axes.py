"""Axes against numpy's own indexing."""

from __future__ import annotations

from itertools import permutations

import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError, InputError


@st.composite
def axes_and_shapes(draw):
    outer = draw(st.lists(st.sampled_from("TCZP"), max_size=3, unique=True))
    samples = draw(st.sampled_from([[], ["S"]]))
    letters = draw(st.permutations([*outer, "Y", "X", *samples]))
    sizes = {letter: draw(st.integers(1, 4)) for letter in letters}
    sizes["S"] = draw(st.sampled_from([3, 4]))
    return Axes("".join(letters)), tuple(sizes[letter] for letter in letters)


def numbered(shape):
    return np.arange(np.prod(shape)).reshape(shape)


def moved(axes, array):
    """Return the array with its axes in the order outer, Y, X, S by numpy alone."""
    order = [axes.letters.index(c) for c in axes.outer + "YX" + "S" * axes.has_samples]
    return array.transpose(order)


@given(axes_and_shapes())
def test_planes_are_those_of_a_transposed_array(case):
    axes, shape = case
    array = numbered(shape)
    expected = moved(axes, array)
    indices = list(axes.plane_indices(shape))
    assert indices == list(np.ndindex(expected.shape[: len(axes.outer)]))
    assert len(indices) == axes.plane_count(shape)
    for index in indices:
        np.testing.assert_array_equal(axes.read_plane(array, index), expected[index])


@given(axes_and_shapes())
def test_written_planes_land_where_they_were_read(case):
    axes, shape = case
    scalar = np.full(axes.output_shape(shape, samples=0), -1)
    colour = np.full(axes.output_shape(shape), -1)
    source = numbered(scalar.shape)
    for index in axes.plane_indices(shape):
        plane = axes.scalar.read_plane(source, index)
        axes.write_plane(scalar, index, plane)
        axes.write_plane(colour, index, np.stack([plane, plane + 1000, plane + 2000], axis=-1))
    np.testing.assert_array_equal(scalar, source)
    np.testing.assert_array_equal(colour, np.stack([source, source + 1000, source + 2000], -1))


@pytest.mark.parametrize("letters", ["".join(p) for p in permutations("ZYX")])
@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_other_arrays_are_read_and_written_like_numpy(letters, kind):
    axes = Axes(letters)
    array = numbered((2, 3, 4))
    lazy = dask.array.from_array(array) if kind == "dask" else zarr.array(array)
    target = zarr.zeros(axes.output_shape(array.shape), dtype=array.dtype)
    for index in axes.plane_indices(array.shape):
        plane = axes.read_plane(lazy, index)
        assert type(plane) is np.ndarray
        np.testing.assert_array_equal(plane, axes.read_plane(array, index))
        axes.write_plane(target, index, plane[..., np.newaxis].repeat(3, axis=-1))
    np.testing.assert_array_equal(target[..., 1], array)


def test_only_one_plane_is_read():
    read = []

    def load(block_info):
        read.append(block_info[None]["chunk-location"])
        return np.zeros((1, 4, 4))

    stack = dask.array.map_blocks(
        load, chunks=((1,) * 9, (4,), (4,)), dtype=float, meta=np.zeros(())
    )
    Axes("ZYX").read_plane(stack, (5,))
    assert read == [(5, 0, 0)]


@pytest.mark.parametrize(
    ("shape", "rgb", "letters"),
    [
        ((5, 6), False, "YX"),
        ((2, 5, 6), False, "ZYX"),
        ((3, 2, 5, 6), False, "TZYX"),
        ((3, 2, 2, 5, 6), False, "TCZYX"),
        ((5, 6, 3), True, "YXS"),
        ((2, 5, 6, 4), True, "ZYXS"),
        ((3, 2, 2, 5, 6, 3), True, "TCZYXS"),
    ],
)
def test_usual_axes(shape, rgb, letters):
    axes = Axes.for_shape(shape, rgb=rgb)
    assert axes.letters == letters
    assert axes.has_samples is rgb
    assert axes.plane_shape(shape) == (5, 6)


def test_output_axes_put_samples_last():
    axes = Axes("SXZY")
    assert axes.output.letters == "XZYS"
    assert axes.scalar.letters == "XZY"
    assert axes.output_shape((3, 7, 2, 5)) == (7, 2, 5, 3)
    assert axes.output_shape((3, 7, 2, 5), samples=0) == (7, 2, 5)


@pytest.mark.parametrize("letters", ["", "Y", "ZX", "YXX", "yx", "Y X", "ÄYX", "1YX", "ABCDYX"])
def test_impossible_letters_are_refused(letters):
    with pytest.raises(AxesError, match="Expected"):
        Axes(letters)


@pytest.mark.parametrize("shape", [(), (7,), (1, 2, 3, 4, 5, 6), (0, 4), (3, 4, 0)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(InputError):
        Axes.for_shape(shape)


@pytest.mark.parametrize(
    ("letters", "shape"),
    [("ZYX", (4, 4)), ("YX", (2, 4, 4)), ("YXS", (4, 4, 2)), ("SYX", (5, 4, 4)), ("YX", (4, 0))],
)
def test_axes_that_do_not_fit_are_refused(letters, shape):
    with pytest.raises(AxesError):
        Axes(letters).check(shape)


def test_an_index_of_the_wrong_length_is_refused():
    with pytest.raises(AxesError, match=r"along the axes .TZ."):
        Axes("TZYX").read_plane(np.zeros((2, 2, 3, 3)), (1,))
