"""The whole way with a network: any axes, dtype and values keep their lightness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from example_counts import examples
from napari_colorgan import colorize, load_model
from napari_colorgan.axes import Axes
from napari_colorgan.inference.display import DisplayRange

# The colour law's bounds on |ΔL*|, by the result's bit depth.
BOUNDS = {"uint8": 0.3, "uint16": 0.01, "float32": 0.01}
TOP = {"uint8": 255, "uint16": 65535, "float32": 1}


@pytest.fixture(scope="module")
def model(tiny_model_file):
    return load_model(tiny_model_file)


@st.composite
def images(draw):
    letters = draw(st.sampled_from(["YX", "ZYX", "TZYX", "TCZYX"]))
    letters = "".join(draw(st.permutations(letters + draw(st.sampled_from(["", "S"])))))
    sizes = {c: draw(st.integers(1, 2)) for c in "TCZ"} | {"S": draw(st.sampled_from([3, 4]))}
    sizes |= {c: draw(st.one_of(st.integers(1, 3), st.integers(30, 45))) for c in "YX"}
    dtype = draw(
        st.sampled_from(["?", "u1", "i1", "u2", ">u2", "i2", "i4", "u8", "f2", "f4", "f8"])
    )
    elements = {}
    if dtype.startswith("f"):
        width = 8 * int(dtype[1])
        elements["elements"] = st.one_of(
            st.floats(-100, 100, width=width), st.sampled_from([np.nan, np.inf, -np.inf])
        )
    shape = tuple(sizes[c] for c in letters)
    return Axes(letters), draw(npst.arrays(dtype, shape, fill=None, **elements))


@settings(max_examples=examples(60))
@given(
    case=images(), dtype=st.sampled_from(sorted(BOUNDS)), scale=st.sampled_from([None, "native"])
)
def test_anything_is_colorized_and_keeps_its_lightness(model, case, dtype, scale):
    axes, stack = case
    rgb = colorize(stack, model, axes=axes.letters, dtype=dtype, scale=scale, device="cpu")
    assert (rgb.shape, rgb.dtype) == (axes.output_shape(stack.shape), dtype)
    assert np.isfinite(rgb).all()
    display, shown = DisplayRange.estimate(stack, axes), DisplayRange(0, TOP[dtype])
    for index in axes.plane_indices(stack.shape):
        before = display.lightness(axes.read_plane(stack, index))
        after = shown.lightness(axes.output.read_plane(rgb, index))
        # The tables that lightness is looked up in add up to 0.001 on either side.
        assert np.abs(after - before).max() <= BOUNDS[dtype] + 0.002
