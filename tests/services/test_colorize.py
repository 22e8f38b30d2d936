"""Colorizing a stack: targets, pyramids, notices, origin, and stopping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from example_counts import examples
from fakes import tinted
from napari_colorgan.axes import ArrayTarget, Axes
from napari_colorgan.errors import AxesError, InputError, MemoryLimitError, ModelError
from napari_colorgan.events import Notice, PlaneDone, Started, run
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import area_average
from napari_colorgan.services.arrays import disk_array
from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.services.arrays.disk_array import DiskArray, results_folder
from napari_colorgan.services.colorize import ColorizeRequest, colorize_job

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 256, (4, 7, 9), dtype=np.uint8)
ZYX = Axes("ZYX")
RANGE = DisplayRange(0, 255)


def request(stack=STACK, axes=ZYX, **options):
    chosen = {key: options.pop(key) for key in ("dtype", "uncertainty") if key in options}
    return ColorizeRequest(stack, axes, "fake", PredictionSettings(**chosen), **options)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_stack_is_colorized_into_a_new_array(engine, dtype):
    result = run(colorize_job(request(dtype=dtype)))
    np.testing.assert_array_equal(result.rgb, [tinted(plane, RANGE, dtype) for plane in STACK])
    assert result.uncertainty is None
    assert engine.predictors[0].batches == [2, 2]


def test_a_display_range_that_is_given_counts(engine):
    display = DisplayRange(200, 50, 0.5)
    result = run(colorize_job(request(display=display)))
    np.testing.assert_array_equal(result.rgb[3], tinted(STACK[3], display))


def test_uncertainty_comes_if_it_is_asked_for(engine):
    result = run(colorize_job(request(uncertainty=True)))
    assert (result.uncertainty.shape, result.uncertainty.dtype) == (STACK.shape, np.float32)
    np.testing.assert_array_equal(result.uncertainty[1], 1 - RANGE.lightness(STACK[1]) / 100)


def test_targets_that_are_given_are_filled(engine):
    colors = np.zeros((*STACK.shape, 3), np.uint8)
    uncertainty = np.zeros(STACK.shape, np.float32)
    targets = ArrayTarget(colors, ZYX), ArrayTarget(uncertainty, ZYX)
    filled = request(uncertainty=True, target=targets[0], uncertainty_target=targets[1])
    result = run(colorize_job(filled))
    assert (result.rgb, result.uncertainty) == targets
    assert colors.any()
    assert uncertainty.any()


def test_a_block_is_colorized_into_its_own_array(engine):
    block = PlaneBlock(ZYX, STACK.shape, (1,), (3,))
    array = np.zeros(block.output_shape(), np.uint8)
    wanted = request(indices=block.indices((2,)), target=ArrayTarget(array, ZYX, block.starts))
    events = list(colorize_job(wanted))
    assert [event.index for event in events[1:]] == [(2,), (1,)]
    np.testing.assert_array_equal(array, [tinted(STACK[i], RANGE) for i in (1, 2)])


def test_the_origin_is_told(engine):
    metadata = run(colorize_job(request(dtype="uint16"))).metadata
    assert metadata["model"] == "fake"
    assert metadata["version"] == "2"
    assert metadata["sha256"] == "ab" * 32
    assert metadata["colour"] == "predicted, not measured"
    assert metadata["software"].startswith("napari-colorgan ")
    display = {"low": 0.0, "high": 255.0, "gamma": 1.0, "negative": False}
    assert metadata["display"] == display
    # What was left to the card is filled in.
    assert metadata["settings"]["scale"] == 0.5
    assert metadata["settings"]["temperature"] == 10**-0.25
    assert metadata["settings"]["dtype"] == "uint16"


def test_notices_come_before_the_plane_during_which_they_arose(engine):
    engine.notices = ["Memory ran out.", "The CPU takes over."]
    events = list(colorize_job(request()))
    assert events[0] == Started(4, "plane")
    assert events[1:3] == [Notice("Memory ran out."), Notice("The CPU takes over.")]
    assert [type(event) for event in events[3:]] == [PlaneDone] * 4


def test_a_large_result_is_on_the_disk(engine, monkeypatch):
    monkeypatch.setattr(disk_array, "free_system_memory", lambda: 4 * STACK.nbytes)
    result = run(colorize_job(request(uncertainty=True)))
    assert isinstance(result.rgb, DiskArray)
    assert isinstance(result.uncertainty, DiskArray)
    assert result.rgb.chunks == (1, 7, 9, 3)
    np.testing.assert_array_equal(result.rgb, [tinted(plane, RANGE) for plane in STACK])


def test_closing_leaves_nothing_on_the_disk(engine, monkeypatch):
    monkeypatch.setattr(disk_array, "free_system_memory", lambda: 0)
    job = colorize_job(request())
    next(job)
    next(job)
    assert len(list(results_folder().iterdir())) == 1
    job.close()
    del job
    assert list(results_folder().iterdir()) == []
    assert len(engine.predictors[0].batches) == 1


def test_an_error_ends_the_job_and_leaves_nothing_on_the_disk(engine, monkeypatch):
    monkeypatch.setattr(disk_array, "free_system_memory", lambda: 0)
    error = MemoryLimitError(expected="more", got="less", action="Buy some.")
    engine.error = (lambda plane: plane is not None, error)
    with pytest.raises(MemoryLimitError):
        run(colorize_job(request()))
    error.__traceback__ = None
    assert list(results_folder().iterdir()) == []


@st.composite
def pyramids(draw):
    letters = "".join(draw(st.permutations(draw(st.sampled_from(["YX", "ZYX", "TZYX"])))))
    sizes = {"Y": draw(st.integers(4, 12)), "X": draw(st.integers(4, 12)), "Z": 5, "T": 2}
    shape = [sizes[letter] for letter in letters]
    levels = [RANDOM.integers(0, 256, shape, dtype=np.uint8)]
    thins = "Z" in letters and draw(st.booleans())
    for factor in (2, 4):
        smaller = [
            max(1, -(-sizes[c] // factor)) if c in ("YXZ" if thins else "YX") else sizes[c]
            for c in letters
        ]
        levels.append(np.zeros(smaller, np.uint8))
    return Axes(letters), levels


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=pyramids())
def test_a_pyramid_gives_a_pyramid(engine, case):
    axes, levels = case
    result = run(colorize_job(request(levels, axes, uncertainty=True)))
    full = run_plain(axes, levels[0])
    np.testing.assert_array_equal(result.rgb[0], full)
    for level, rgb, unsure in zip(levels, result.rgb, result.uncertainty, strict=True):
        assert rgb.shape == axes.output_shape(level.shape)
        assert unsure.shape == axes.output_shape(level.shape, 0)


def run_plain(axes, stack):
    colors = np.zeros(axes.output_shape(stack.shape), np.uint8)
    for index in axes.plane_indices(stack.shape):
        axes.write_plane(colors, index, tinted(axes.read_plane(stack, index), RANGE))
    return colors


def test_lower_levels_are_averages(engine):
    levels = [RANDOM.integers(0, 256, (3, 16, 12), dtype=np.uint8)]
    levels += [np.zeros((3, 8, 6), np.uint8), np.zeros((3, 4, 3), np.uint8)]
    result = run(colorize_job(request(levels, uncertainty=True)))
    for plane in range(3):
        half = area_average(result.rgb[0][plane], (8, 6))
        np.testing.assert_array_equal(result.rgb[1][plane], half)
        np.testing.assert_array_equal(result.rgb[2][plane], area_average(half, (4, 3)))
        half = area_average(result.uncertainty[0][plane], (8, 6))
        np.testing.assert_array_equal(result.uncertainty[1][plane], half)


def test_a_level_with_fewer_planes_takes_the_first_of_those_it_stands_for(engine):
    levels = [RANDOM.integers(0, 256, (5, 8, 8), dtype=np.uint8), np.zeros((3, 4, 4), np.uint8)]
    result = run(colorize_job(request(levels)))
    for plane, source in enumerate((0, 2, 4)):
        expected = area_average(result.rgb[0][source], (4, 4))
        np.testing.assert_array_equal(result.rgb[1][plane], expected)


@pytest.mark.parametrize(
    "shapes", [[], [(4, 4), (8, 8)], [(4, 4), (4, 4)], [(8, 4), (4, 8)], [(1, 9, 9), (2, 4, 4)]]
)
def test_what_is_no_pyramid_is_refused(engine, shapes):
    axes = Axes("ZYX" if shapes and len(shapes[0]) == 3 else "YX")
    levels = [np.zeros(shape, np.uint8) for shape in shapes]
    with pytest.raises(InputError, match="levels of a pyramid"):
        run(colorize_job(request(levels, axes)))


@pytest.mark.parametrize(
    ("stack", "letters", "error"),
    [
        (np.zeros((4, 4)), "ZYX", AxesError),
        (np.zeros((0, 4)), "YX", AxesError),
        (np.zeros((4, 4, 5)), "YXS", AxesError),
        (np.zeros((4, 4), complex), "YX", InputError),
        (np.array([["a", "b"]]), "YX", InputError),
    ],
)
def test_arrays_that_cannot_be_colorized_are_refused(engine, stack, letters, error):
    with pytest.raises(error):
        run(colorize_job(request(stack, Axes(letters))))
    assert engine.predictors == []


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(ModelError, match="unnatural"):
        run(colorize_job(ColorizeRequest(STACK, ZYX, "unnatural")))


def test_the_whole_way_with_a_network(tiny_library):
    rng = np.random.default_rng(1)
    stack = rng.integers(0, 4000, (3, 40, 70)).astype(np.uint16)
    settings_ = PredictionSettings(device="cpu", dtype="float32", uncertainty=True)
    result = run(colorize_job(ColorizeRequest(stack, ZYX, "tiny", settings_)))
    display = DisplayRange.estimate(stack, ZYX)
    for plane, rgb in zip(stack, result.rgb, strict=True):
        difference = DisplayRange(0, 1).lightness(rgb) - display.lightness(plane)
        assert np.abs(difference).max() < 0.02
        assert np.ptp(rgb, axis=-1).max() > 0.01  # it has colour
    assert 0 <= result.uncertainty.min() <= result.uncertainty.max() <= 1
