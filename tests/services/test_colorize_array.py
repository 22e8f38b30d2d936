"""``napari_colorgan.colorize``: arrays in, arrays out."""

from __future__ import annotations

import inspect

import dask.array
import numpy as np
import pytest
import zarr

from fakes import tinted
from napari_colorgan import colorize
from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError, InputError, ModelError
from napari_colorgan.events import PlaneDone
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.arrays.inputs import guess_axes
from napari_colorgan.settings import declared

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 256, (4, 7, 9), dtype=np.uint8)
TINTED = np.stack([tinted(plane, DisplayRange(0, 255)) for plane in STACK])

pytestmark = pytest.mark.usefixtures("engine")


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr", "list of lists", "memory map"])
def test_all_kinds_of_arrays(kind, tmp_path):
    image = STACK
    if kind == "dask":
        image = dask.array.from_array(STACK, chunks=2)
    elif kind == "zarr":
        image = zarr.array(STACK)
    elif kind == "list of lists":
        image = STACK.tolist()
    elif kind == "memory map":
        np.save(tmp_path / "a.npy", STACK)
        image = np.load(tmp_path / "a.npy", mmap_mode="r")
    limits = (0, 255) if kind == "list of lists" else None
    rgb = colorize(image, "fake", contrast_limits=limits)
    assert type(rgb) is np.ndarray
    np.testing.assert_array_equal(rgb, TINTED)


def test_a_single_plane():
    np.testing.assert_array_equal(colorize(STACK[0], "fake"), TINTED[0])


def test_axes_may_be_named_in_any_order():
    moved = np.moveaxis(STACK, 0, 2)
    rgb = colorize(moved, "fake", axes=" yxz")
    np.testing.assert_array_equal(np.moveaxis(rgb, 2, 0), TINTED)


@pytest.mark.parametrize(
    ("shape", "letters"),
    [
        ((8, 9), "YX"),
        ((8, 9, 3), "YXS"),
        ((8, 9, 4), "YXS"),
        ((8, 9, 5), "ZYX"),
        ((2, 8, 9, 3), "ZYXS"),
        ((3, 3), "YX"),
        ((2, 2, 3), "ZYX"),
        ((2, 3, 4, 8, 9, 3), "TCZYXS"),
    ],
)
def test_axes_are_guessed(shape, letters):
    assert guess_axes(shape) == Axes(letters)


def test_colour_is_coloured_anew():
    rgb = RANDOM.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(colorize(rgb, "fake"), tinted(rgb, DisplayRange(0, 255)))


@pytest.mark.parametrize("gamma", [1.0, 0.5])
def test_contrast_limits_and_gamma_count(gamma):
    rgb = colorize(STACK, "fake", contrast_limits=(200, 20), gamma=gamma)
    np.testing.assert_array_equal(rgb[1], tinted(STACK[1], DisplayRange(200, 20, gamma)))


def test_gamma_alone_keeps_the_estimated_limits():
    stack = STACK.astype(np.int32) * 10
    display = DisplayRange(stack.min(), stack.max(), 2.0)
    rgb = colorize(stack, "fake", gamma=2)
    np.testing.assert_array_equal(rgb[2], tinted(stack[2], display))


def test_uncertainty_comes_as_a_second_array():
    rgb, unsure = colorize(STACK, "fake", uncertainty=True)
    np.testing.assert_array_equal(rgb, TINTED)
    assert (unsure.shape, unsure.dtype) == (STACK.shape, np.float32)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_bit_depth_can_be_chosen(dtype):
    assert colorize(STACK, "fake", dtype=dtype).dtype == dtype


def test_a_pyramid_gives_a_pyramid():
    levels = [np.zeros((4, 8, 8), np.uint8), np.zeros((4, 4, 4), np.uint8)]
    colors, unsure = colorize(levels, "fake", uncertainty=True)
    assert [level.shape for level in colors] == [(4, 8, 8, 3), (4, 4, 4, 3)]
    assert [level.shape for level in unsure] == [(4, 8, 8), (4, 4, 4)]


def test_events_are_passed_on():
    events = []
    colorize(STACK, "fake", on_event=events.append)
    assert events[-1] == PlaneDone(4, 4, (3,))


@pytest.mark.parametrize("as_dask", [True, False])
def test_lazily(as_dask, engine):
    image = dask.array.from_array(STACK) if as_dask else STACK
    rgb, unsure = colorize(image, "fake", lazy=True, uncertainty=True)
    assert isinstance(rgb, dask.array.Array)
    assert rgb.chunksize == (1, 7, 9, 3)
    assert engine.predictors[0].batches == []
    np.testing.assert_array_equal(rgb.compute(scheduler="synchronous"), TINTED)
    assert unsure.shape == STACK.shape


def test_a_pyramid_cannot_be_lazy():
    with pytest.raises(InputError, match="one array"):
        colorize([np.zeros((8, 8)), np.zeros((4, 4))], "fake", lazy=True)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"axes": "YX"}, AxesError),
        ({"axes": "ZZX"}, AxesError),
        ({"model": "unknown"}, ModelError),
        ({"scale": "huge"}, InputError),
        ({"temperature": 2}, InputError),
        ({"strength": -1}, InputError),
        ({"dtype": "int8"}, InputError),
        ({"contrast_limits": (0, np.nan)}, InputError),
        ({"gamma": 0}, InputError),
        ({"memory_limit": 0}, InputError),
    ],
)
def test_settings_that_cannot_be_are_refused(options, error):
    with pytest.raises(error):
        colorize(STACK, **{"model": "fake", **options})


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (1, 1, 1, 1, 1, 1)])
def test_shapes_that_cannot_be_are_refused(shape):
    with pytest.raises(AxesError):
        colorize(np.zeros(shape), "fake")


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 1, 1, 1, 1)])
def test_single_pixels_are_fine(shape):
    assert colorize(np.zeros(shape), "fake").shape == (*shape, 3)


def test_every_setting_is_an_argument() -> None:
    parameters = inspect.signature(colorize).parameters
    for name, field in declared(PredictionSettings).items():
        assert parameters[name].default == field.default
        assert f"\n    {name} : " in colorize.__doc__


def test_former_names_of_settings_are_accepted(engine) -> None:
    with pytest.warns(DeprecationWarning, match="is deprecated") as warned:
        colorize(STACK, "fake", saturation=1.5, vividness=0.5)  # type: ignore[call-arg]
    assert [str(each.message).split(";")[0] for each in warned] == [
        "saturation = 1.5 is deprecated",
        "vividness = 0.5 is deprecated",
    ]
    (settings,) = engine.settings
    assert (settings.strength, settings.temperature) == (1.5, pytest.approx(10**-0.5))
    with pytest.raises(InputError, match="either strength or saturation"):
        colorize(STACK, "fake", saturation=1.5, strength=1.5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'saturated'"):
        colorize(STACK, "fake", saturated=1.5)  # type: ignore[call-arg]
