"""Planes come from chunks that are read once each."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from napari_colorgan.axes import Axes
from napari_colorgan.inference import stack as stack_module
from napari_colorgan.inference.stack import PlaneReader
from napari_colorgan.io import read_stack

RANDOM = np.random.default_rng(0)


@settings(max_examples=examples(60))
@given(
    letters=st.sampled_from(["YX", "XYS", "ZYX", "YXT", "TYZX", "TCZYX", "SZYX"]),
    kind=st.sampled_from(["numpy", "dask", "zarr", "sharded"]),
    data=st.data(),
)
def test_every_plane_is_what_it_is_without_chunks(letters, kind, data):
    axes = Axes(letters)
    shape = tuple(3 if c == "S" else data.draw(st.integers(1, 5)) for c in letters)
    chunks = tuple(data.draw(st.integers(1, size)) for size in shape)
    array = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    stack = {
        "numpy": lambda: array,
        "dask": lambda: dask.array.from_array(array, chunks=chunks),
        "zarr": lambda: zarr.array(array, chunks=chunks),
        "sharded": lambda: zarr.create_array(
            {}, data=array, chunks=chunks, shards=tuple(2 * chunk for chunk in chunks)
        ),
    }[kind]()
    reader = PlaneReader(stack, axes)
    for index in data.draw(st.permutations(list(axes.plane_indices(shape)))):
        np.testing.assert_array_equal(reader.read(index), axes.read_plane(array, index))


class Counted:
    """An array in chunks that notes what is asked of it."""

    def __init__(self, shape, chunks):
        self.shape, self.chunks, self.dtype = shape, chunks, np.dtype(np.uint8)
        self.asked = []
        self.values = RANDOM.integers(0, 256, shape, dtype=np.uint8)

    def __getitem__(self, selection):
        self.asked.append(selection)
        return self.values[selection]


@pytest.mark.parametrize("chunks", [(4, 8, 9), ((4, 4, 2), (8,), (9,))])
def test_a_chunk_is_read_once_for_all_its_planes(chunks):
    stack = Counted((10, 8, 9), chunks)
    reader = PlaneReader(stack, Axes("ZYX"))
    for index in range(10):
        reader.read((index,))
    assert [(each[0].start, each[0].stop) for each in stack.asked] == [(0, 4), (4, 8), (8, 10)]


def test_chunks_of_a_plane_or_less_are_left_alone():
    stack = Counted((3, 8, 9), (1, 4, 4))
    reader = PlaneReader(stack, Axes("ZYX"))
    reader.read((2,))
    assert stack.asked == [(2, slice(None), slice(None))]


def test_large_chunks_are_read_plane_by_plane(monkeypatch):
    monkeypatch.setattr(stack_module, "LARGEST_CHUNK", 8 * 9 * 4)
    stack = Counted((10, 8, 9), (5, 8, 9))
    reader = PlaneReader(stack, Axes("ZYX"))
    reader.read((2,))
    assert stack.asked == [(2, slice(None), slice(None))]


def test_a_chunk_that_fails_is_not_taken_for_read():
    stack = Counted((4, 8, 9), (2, 8, 9))
    reader = PlaneReader(stack, Axes("ZYX"))
    reader.read((0,))
    values, stack.values = stack.values, None
    with pytest.raises(TypeError):
        reader.read((2,))
    stack.values = values
    np.testing.assert_array_equal(reader.read((3,)), values[3])
    np.testing.assert_array_equal(reader.read((0,)), values[0])


def test_files_tell_their_chunks(tmp_path):
    zarr.create_array(str(tmp_path / "a.zarr"), data=np.zeros((6, 8, 9)), chunks=(3, 8, 9))
    assert read_stack(tmp_path / "a.zarr").data.chunks == (3, 8, 9)
    np.save(tmp_path / "a.npy", np.zeros((6, 8, 9)))
    assert read_stack(tmp_path / "a.npy").data.chunks is None
