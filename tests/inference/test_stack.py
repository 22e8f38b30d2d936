"""Stacks are walked plane by plane, whatever their axes and arrays."""

from __future__ import annotations

from itertools import pairwise

import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakePredictor, colorized, tinted
from napari_colorgan.axes import ArrayTarget, Axes
from napari_colorgan.errors import AxesError, MemoryLimitError
from napari_colorgan.events import PlaneDone, Started
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.stack import colorize_stack, work_units

RANGE = DisplayRange(0, 255)
RANDOM = np.random.default_rng(0)


@st.composite
def stacks(draw):
    outer = draw(st.lists(st.sampled_from("TCZP"), max_size=3, unique=True))
    samples = draw(st.sampled_from([[], ["S"]]))
    letters = draw(st.permutations([*outer, "Y", "X", *samples]))
    sizes = {letter: draw(st.integers(1, 4)) for letter in letters}
    sizes["S"] = draw(st.sampled_from([3, 4]))
    shape = tuple(sizes[letter] for letter in letters)
    dtype = draw(st.sampled_from(["uint8", "bool", "uint16", "int32", "float32", ">f8"]))
    return Axes("".join(letters)), RANDOM.integers(0, 256, shape).astype(dtype)


@given(stacks(), st.integers(1, 5))
def test_every_plane_lands_in_its_place(case, batch):
    axes, stack = case
    predictor = FakePredictor(batch)
    colors, uncertainty, events = colorized(stack, axes, predictor, RANGE)
    indices = list(axes.plane_indices(stack.shape))
    count = len(indices)
    assert events == [
        Started(count, "plane"),
        *(PlaneDone(done, count, index) for done, index in enumerate(indices, 1)),
    ]
    assert sum(predictor.batches) == count
    assert set(predictor.batches[:-1]) <= {batch}
    for index in indices:
        plane = axes.read_plane(stack, index)
        np.testing.assert_array_equal(axes.output.read_plane(colors, index), tinted(plane, RANGE))
        np.testing.assert_array_equal(
            axes.scalar.read_plane(uncertainty, index), 1 - RANGE.lightness(plane) / 100
        )


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_lazy_arrays_give_what_numpy_gives(kind):
    stack = RANDOM.integers(0, 256, (3, 4, 5, 6), dtype=np.uint8)
    axes = Axes("TZYX")
    lazy = dask.array.from_array(stack, chunks=2) if kind == "dask" else zarr.array(stack)
    expected = np.zeros(axes.output_shape(stack.shape), np.uint8)
    list(colorize_stack(stack, axes, FakePredictor(), RANGE, ArrayTarget(expected, axes)))
    target = zarr.zeros(expected.shape, dtype=np.uint8)
    list(colorize_stack(lazy, axes, FakePredictor(), RANGE, ArrayTarget(target, axes)))
    np.testing.assert_array_equal(target[...], expected)


class Counted:
    """An array that counts how many of its planes are alive at once."""

    def __init__(self, shape):
        self.shape, self.dtype = shape, np.dtype(np.uint8)
        self.read = []

    def __getitem__(self, selection):
        self.read.append(selection[0])
        return np.full(self.shape[1:], selection[0], np.uint8)


def test_no_plane_is_read_before_its_batch():
    stack = Counted((10, 4, 4))
    axes = Axes("ZYX")
    target = np.zeros((10, 4, 4, 3), np.uint8)
    job = colorize_stack(stack, axes, FakePredictor(batch=2), RANGE, ArrayTarget(target, axes))
    next(job)
    assert stack.read == []
    for done in range(1, 11):
        next(job)
        assert stack.read == list(range(2 * -(-done // 2)))


def test_chosen_planes_alone_in_their_order():
    stack = Counted((10, 4, 4))
    target = np.zeros((10, 4, 4, 3), np.uint8)
    wanted = [(7,), (2,), (3,)]
    events = list(
        colorize_stack(
            stack,
            Axes("ZYX"),
            FakePredictor(),
            RANGE,
            ArrayTarget(target, Axes("ZYX")),
            indices=wanted,
        )
    )
    assert [event.index for event in events[1:]] == wanted
    assert events[0] == Started(3, "plane")
    assert np.flatnonzero(target.any(axis=(1, 2, 3))).tolist() == [2, 3, 7]


def test_closing_stops_before_the_next_batch():
    stack = Counted((10, 4, 4))
    target = np.zeros((10, 4, 4, 3), np.uint8)
    job = colorize_stack(
        stack, Axes("ZYX"), FakePredictor(batch=2), RANGE, ArrayTarget(target, Axes("ZYX"))
    )
    for _, _ in pairwise(range(4)):
        next(job)
    job.close()
    assert len(stack.read) == 2


def test_without_uncertainty_the_target_stays_as_it_is():
    stack = np.zeros((2, 4, 4), np.uint8)
    axes = Axes("ZYX")
    predictor = FakePredictor(uncertainty=False)
    _, uncertainty, _ = colorized(stack, axes, predictor, RANGE)
    assert (uncertainty == -1).all()


def test_axes_that_do_not_fit_are_refused_before_anything_is_read():
    job = colorize_stack(
        Counted((3, 4, 4)),
        Axes("YX"),
        FakePredictor(),
        RANGE,
        ArrayTarget(np.zeros(()), Axes("ZYX")),
    )
    with pytest.raises(AxesError):
        next(job)


def test_planes_too_large_to_read_are_said():
    class Huge(Counted):
        def __getitem__(self, selection):
            raise MemoryError

    job = colorize_stack(
        Huge((3, 4, 4)), Axes("ZYX"), FakePredictor(), RANGE, ArrayTarget(np.zeros(()), Axes("ZYX"))
    )
    with pytest.raises(MemoryLimitError, match="4 × 4"):
        list(job)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_units_are_whole_batches_and_whole_blocks(size):
    indices = [(t, z) for t in range(3) for z in range(5)]
    plain = work_units(indices, size)
    assert [index for unit in plain for index in unit] == indices
    assert {len(unit) for unit in plain[:-1]} == {size}

    def block_of(index):
        return (index[0] // 2, index[1] // 2)

    units = work_units(indices, size, block_of)
    assert sorted(index for unit in units for index in unit) == indices
    assert all(len(unit) >= size for unit in units[:-1])
    for block in {block_of(index) for index in indices}:
        holders = [n for n, unit in enumerate(units) if any(block_of(i) == block for i in unit)]
        assert len(holders) == 1
    # Whoever makes a unit makes the same batches of it.
    stack = np.zeros((3, 5, 4, 6), np.uint8)

    def batches(units):
        predictor = FakePredictor(size)
        target = ArrayTarget(np.zeros((3, 5, 4, 6, 3), np.uint8), Axes("TZYX"))
        job = colorize_stack(stack, Axes("TZYX"), predictor, RANGE, target, units=units)
        assert sum(isinstance(event, PlaneDone) for event in job) == sum(map(len, units))
        return predictor.batches

    assert batches(units) == [n for unit in units for n in batches([unit])]
