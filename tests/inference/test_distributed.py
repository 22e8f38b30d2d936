"""The lazy way gives what the eager way gives, a plane at a time."""

from __future__ import annotations

import pickle
import threading

import dask
import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from fakes import FakePredictor, colorized
from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.distributed import colorize_dask

RANGE = DisplayRange(0, 255)
RANDOM = np.random.default_rng(0)


def eager(stack, axes, dtype="uint8"):
    colors, uncertainty, _ = colorized(stack, axes, FakePredictor(dtype=dtype), RANGE)
    return colors, uncertainty


@settings(max_examples=examples(30))
@given(
    letters=st.sampled_from(["YX", "XY", "YXS", "SYX", "ZYX", "YXT", "TYZX", "TZYXS", "TCZYX"]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    chunk=st.integers(1, 4),
    scheduler=st.sampled_from(["synchronous", "threads"]),
    data=st.data(),
)
def test_lazy_equals_eager(letters, dtype, chunk, scheduler, data):
    axes = Axes(letters)
    shape = tuple(3 if letter == "S" else data.draw(st.integers(1, 4)) for letter in letters)
    stack = RANDOM.integers(0, 256, shape).astype(dtype)
    lazy = dask.array.from_array(stack, chunks=chunk)
    rgb, uncertainty = colorize_dask(
        lazy, axes, FakePredictor(dtype=dtype), RANGE, dtype, uncertainty=True
    )
    expected = eager(stack, axes, dtype)
    assert (rgb.shape, rgb.dtype) == (expected[0].shape, expected[0].dtype)
    assert (uncertainty.shape, uncertainty.dtype) == (expected[1].shape, np.float32)
    found = dask.compute(rgb, uncertainty, scheduler=scheduler)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_a_chunk_is_a_plane_and_only_what_is_asked_for_is_predicted():
    stack = dask.array.from_array(RANDOM.integers(0, 256, (50, 8, 9), dtype=np.uint8))
    predictor = FakePredictor()
    rgb, unsure = colorize_dask(stack, Axes("ZYX"), predictor, RANGE, np.uint8)
    assert unsure is None
    assert rgb.chunks == ((1,) * 50, (8,), (9,), (3,))
    assert predictor.batches == []
    rgb[7].compute(scheduler="synchronous")
    assert predictor.batches == [1]


def test_colours_and_uncertainties_computed_together_are_predicted_once():
    predictor = FakePredictor()
    stack = np.zeros((6, 8, 9), np.uint8)
    both = colorize_dask(stack, Axes("ZYX"), predictor, RANGE, np.uint8, uncertainty=True)
    dask.compute(*both, scheduler="synchronous")
    assert len(predictor.batches) == 6


def test_any_array_is_taken():
    stack = RANDOM.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    rgb, _ = colorize_dask(stack, Axes("ZYX"), FakePredictor(), RANGE, np.uint8)
    np.testing.assert_array_equal(rgb.compute(scheduler="threads"), eager(stack, Axes("ZYX"))[0])


class Jealous(FakePredictor):
    """Fails if two threads predict at once."""

    def __init__(self):
        super().__init__()
        self.free = True

    def predict(self, planes, display, guides):
        assert self.free
        self.free = False
        threading.Event().wait(0.002)
        self.free = True
        return super().predict(planes, display, guides)


def test_one_thread_at_a_time_predicts():
    predictor = Jealous()
    stack = np.zeros((20, 4, 4), np.uint8)
    rgb, _ = colorize_dask(stack, Axes("ZYX"), predictor, RANGE, np.uint8)
    rgb.compute(scheduler="threads", num_workers=4)
    assert len(predictor.batches) == 20


def test_it_can_be_sent_to_other_processes():
    stack = RANDOM.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    rgb, _ = colorize_dask(stack, Axes("ZYX"), FakePredictor(), RANGE, np.uint8)
    there = pickle.loads(pickle.dumps(rgb))
    np.testing.assert_array_equal(
        there.compute(scheduler="synchronous"), eager(stack, Axes("ZYX"))[0]
    )


def test_a_broken_plane_fails_alone():
    class Broken(FakePredictor):
        def predict(self, planes, display, guides):
            if planes[0].max() == 3:
                msg = "broken"
                raise ValueError(msg)
            return super().predict(planes, display, guides)

    stack = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    rgb, _ = colorize_dask(stack, Axes("ZYX"), Broken(), RANGE, np.uint8)
    rgb[:3].compute(scheduler="synchronous")
    with pytest.raises(ValueError, match="broken"):
        rgb.compute(scheduler="synchronous")


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(AxesError):
        colorize_dask(np.zeros((3, 4, 5)), Axes("YX"), FakePredictor(), RANGE, np.uint8)
