"""Display lightness against scikit-image and plain formulas, for every kind of value."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.color import rgb2lab

from example_counts import examples
from napari_colorgan.axes import Axes
from napari_colorgan.errors import InputError
from napari_colorgan.inference.display import DisplayRange

RANDOM = np.random.default_rng(0)
REAL = ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]


def gray_lightness(shown):
    """Return L* of display values 0…1 by scikit-image."""
    shown = np.asarray(shown, float)
    return rgb2lab(np.stack([shown] * 3, axis=-1))[..., 0]


def expected(plane, display):
    """Return L* by the formula of contrast limits and gamma, in exact arithmetic where needed."""
    values = plane.astype(np.longdouble)
    span = np.longdouble(display.high) - np.longdouble(display.low)
    with np.errstate(over="ignore"):
        shown = (values - np.longdouble(display.low)) / span
    shown = np.where(np.isnan(shown), 0, np.clip(shown, 0, 1)) ** np.longdouble(display.gamma)
    return gray_lightness(shown.astype(float))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("order", ["<", ">"])
@settings(max_examples=examples(25))
@given(data=st.data())
def test_every_dtype_is_shown_as_the_limits_say(dtype, order, data):
    dtype = np.dtype(dtype).newbyteorder(order)
    plane = data.draw(npst.arrays(dtype, npst.array_shapes(min_dims=2, max_dims=2, max_side=6)))
    if dtype.kind == "f":
        top = float(np.finfo(dtype).max) / 4
        limit = st.floats(-top, top, width=8 * dtype.itemsize)
    elif dtype.kind == "b":
        limit = st.floats(-1, 2, width=16)
    else:
        info = np.iinfo(dtype)
        limit = st.integers(info.min, info.max).map(float)
    low, high = data.draw(limit), data.draw(limit)
    if abs(high - low) <= 1e-6 * max(abs(high), abs(low)):
        high = low + max(1.0, abs(low))
    display = DisplayRange(low, high, data.draw(st.sampled_from([1.0, 0.5, 2.2])))
    lightness = display.lightness(plane)
    assert (lightness.dtype, lightness.shape) == (np.float32, plane.shape)
    # Doubles themselves don't hold values beyond 2**53, nor their place in a narrow range.
    tolerance = 0.01 if display.gamma >= 1 else 0.05
    np.testing.assert_allclose(lightness, expected(plane, display), atol=tolerance, rtol=0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_integer_level_is_within_the_colour_law(dtype):
    top = np.iinfo(dtype).max
    plane = np.arange(top + 1).astype(dtype).reshape(256, -1)
    lightness = DisplayRange(0, top).lightness(plane)
    np.testing.assert_allclose(lightness, gray_lightness(plane / top), atol=1e-3)
    assert lightness[0, 0] == pytest.approx(0, abs=1e-5)
    assert lightness[-1, -1] == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize(("high", "shown"), [(5e-324, [0, 0, 100]), (-5e-324, [100, 0, 0])])
def test_a_range_too_narrow_for_its_half_still_has_a_direction(high, shown):
    lightness = DisplayRange(0.0, high).lightness(np.array([[-1.0, 0.0, 1.0]]))
    np.testing.assert_allclose(lightness[0], shown, atol=0.01)


def test_what_is_not_a_number_is_black_and_infinities_are_the_limits():
    plane = np.array([[np.nan, -np.inf, np.inf, -5.0, 7.0]], np.float32)
    np.testing.assert_allclose(DisplayRange(-5, 7).lightness(plane), [[0, 0, 100, 0, 100]])
    np.testing.assert_allclose(DisplayRange(7, -5).lightness(plane), [[0, 100, 0, 100, 0]])


@pytest.mark.parametrize("dtype", ["bool", "u1", ">u2", "i4", "f4"])
def test_gray_on_display_has_the_lightness_that_is_colorized(dtype):
    plane = (RANDOM.random((40, 30)) * 300).astype(dtype)
    for display in (DisplayRange(20, 240, 0.7), DisplayRange(240, 20)):
        shown = display.shown(plane)
        assert (shown.dtype, shown.shape) == (np.float32, plane.shape)
        np.testing.assert_allclose(gray_lightness(shown), display.lightness(plane), atol=1e-2)


@given(npst.arrays(np.float32, (3, 4), elements=st.floats(-10, 10, width=32)))
def test_exchanged_limits_invert(plane):
    display = DisplayRange(-2.5, 4.0)
    mirrored = np.float32(1.5) - plane
    np.testing.assert_allclose(
        display.inverted.lightness(plane), display.lightness(mirrored), atol=2e-3
    )


def test_equal_limits_are_a_step():
    plane = np.array([[1, 2, 3]], np.int32)
    np.testing.assert_allclose(DisplayRange(2, 2).lightness(plane), [[0, 0, 100]])


def test_limits_far_apart_do_not_overflow():
    top = float(np.finfo(float).max)
    plane = np.array([[-top, 0, top]])
    half = gray_lightness([[0.5]])[0, 0]
    np.testing.assert_allclose(
        DisplayRange(-top, top).lightness(plane), [[0, half, 100]], atol=0.01
    )


@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64", ">u2"])
def test_colour_has_its_own_lightness_whatever_its_alpha(samples, dtype):
    rgb = RANDOM.random((40, 30, samples))
    high = 1.0 if np.dtype(dtype).kind == "f" else 255.0
    stored = (rgb * high).astype(dtype)
    truth = rgb2lab(np.clip(stored[..., :3].astype(float) / high, 0, 1))[..., 0]
    lightness = DisplayRange(0, high).lightness(stored)
    np.testing.assert_allclose(lightness, truth, atol=2e-3)


def test_colour_agrees_with_the_one_that_renders():
    torch = pytest.importorskip("torch")
    from napari_colorgan.core.color import rgb_to_lab

    rgb = RANDOM.random((50, 40, 3), dtype=np.float32)
    truth = rgb_to_lab(torch.from_numpy(rgb).permute(2, 0, 1))[0].numpy()
    np.testing.assert_allclose(DisplayRange(0, 1).lightness(rgb), truth, atol=1e-3)


@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_a_part_is_shown_as_in_the_whole(rows, columns, data):
    plane = RANDOM.normal(size=(rows, columns))
    display = DisplayRange(-1, 2, 0.7)
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    part = display.lightness(plane[top:, left:])
    np.testing.assert_array_equal(part, display.lightness(plane)[top:, left:])


def test_planes_of_many_strips_are_whole():
    plane = RANDOM.random((1500, 700))
    lightness = DisplayRange(0, 1).lightness(plane)
    np.testing.assert_allclose(lightness, gray_lightness(plane), atol=1e-3)
    turned = DisplayRange(0, 1).lightness(plane.T)
    np.testing.assert_array_equal(turned, lightness.T)


@pytest.mark.parametrize("dtype", ["complex64", "U3", "O", "datetime64[s]"])
def test_values_that_are_no_real_numbers_are_refused(dtype):
    plane = np.zeros((2, 2), dtype)
    with pytest.raises(InputError, match="real numbers"):
        DisplayRange(0, 1).lightness(plane)
    with pytest.raises(InputError, match="real numbers"):
        DisplayRange.estimate(plane, Axes("YX"))


@pytest.mark.parametrize(
    "limits", [(np.nan, 1), (0, np.inf), (0, 1, 0), (0, 1, -1), (0, 1, np.nan)]
)
def test_limits_that_cannot_be_are_refused(limits):
    with pytest.raises(InputError, match="gamma above 0"):
        DisplayRange(*map(float, limits))


@pytest.mark.parametrize(
    ("values", "dtype", "limits"),
    [
        ([3, 40], "uint8", (0, 255)),
        ([0, 1], "bool", (0, 1)),
        ([300, 4000], "uint16", (300, 4000)),
        ([-5, 9], "int8", (-5, 9)),
        ([0.2, 0.7], "float32", (0, 1)),
        ([0.0, 1.0], "float64", (0, 1)),
        ([-0.25, 0.5], "float64", (-0.25, 0.5)),
        ([0.5, 1.25], "float16", (0.5, 1.25)),
        ([-(2**62), 2**62], "int64", (-(2**62), 2**62)),
        ([np.nan, np.inf, -3.0, -np.inf, 8.0], "float64", (-3, 8)),
        ([np.nan, np.nan], "float64", (0, 1)),
        ([7, 7], "uint16", (0, 7)),
        ([0, 0], "uint16", (0, 1)),
        ([-7, -7], "int32", (-7, 1)),
    ],
)
def test_the_range_is_estimated_from_dtype_and_values(values, dtype, limits):
    stack = np.array([values]).astype(dtype)
    display = DisplayRange.estimate(stack, Axes("YX"))
    assert (display.low, display.high, display.gamma) == (*limits, 1)


@pytest.mark.parametrize(
    ("dtype", "limits"), [("uint8", (0, 255)), ("uint16", (0, 65535)), ("float32", (0, 1))]
)
def test_colours_are_shown_over_their_whole_range(dtype, limits):
    stack = np.full((4, 5, 3), 0.5 if dtype == "float32" else 100, dtype)
    display = DisplayRange.estimate(stack, Axes("YXS"))
    assert (display.low, display.high) == limits


def test_colours_above_one_are_shown_from_black_and_alpha_is_no_colour():
    stack = np.full((4, 5, 4), 40.0, np.float32)
    stack[0, 0, :3] = 200
    stack[..., 3] = 1000
    display = DisplayRange.estimate(stack, Axes("YXS"))
    assert (display.low, display.high) == (0, 200)


@pytest.mark.parametrize(("planes", "read"), [(5, 5), (16, 16), (1000, 16)])
def test_few_planes_are_read_the_first_and_last_among_them(planes, read):
    seen = []

    def plane(block_info):
        ((number, _), *_) = block_info[None]["array-location"]
        seen.append(number)
        return np.full((1, 4, 4), number, np.uint16)

    stack = dask.array.map_blocks(
        plane, chunks=((1,) * planes, (4,), (4,)), dtype=np.uint16, meta=np.empty((0, 0, 0))
    )
    display = DisplayRange.estimate(stack.astype(np.uint16), Axes("ZYX"))
    assert (display.low, display.high) == (0, planes - 1)
    assert len(set(seen)) == read


@pytest.mark.parametrize("letters", ["YX", "XY", "YXT", "TYZX", "TCZYX"])
def test_the_whole_stack_counts_whatever_its_axes(letters):
    stack = np.zeros((2,) * len(letters), np.int16)
    stack.flat[-1] = 500
    stack.flat[0] = -20
    display = DisplayRange.estimate(stack, Axes(letters))
    assert (display.low, display.high) == (-20, 500)
