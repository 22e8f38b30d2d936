"""Area averages against torch's adaptive pooling and plain means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.io.pyramid import area_average, pyramid_shapes


@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    factors=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    samples=st.sampled_from([(), (3,)]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
)
def test_whole_factors_give_block_means(rows, columns, factors, samples, dtype):
    shape = (rows * factors[0], columns * factors[1], *samples)
    plane = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    blocks = plane.reshape(rows, factors[0], columns, factors[1], *samples).astype(float)
    means = blocks.mean(axis=(1, 3))
    small = area_average(plane, (rows, columns))
    assert small.dtype == plane.dtype
    assert small.shape == (rows, columns, *samples)
    tolerance = 1e-4 if dtype == "float32" else 0.5 + 1e-4
    np.testing.assert_allclose(small, means, atol=tolerance, rtol=0)


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_any_factor_keeps_constants_and_covers_every_pixel(rows, columns, data):
    shape = (data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns)))
    constant = np.full((rows, columns), 65535, np.uint16)
    np.testing.assert_array_equal(area_average(constant, shape), np.full(shape, 65535))
    spot = np.zeros((rows, columns), np.float32)
    spot[data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))] = 1
    small = area_average(spot, shape)
    assert np.count_nonzero(small) == 1


def test_a_large_plane_is_averaged_in_strips():
    plane = np.random.default_rng(1).integers(0, 256, (1500, 70, 3)).astype(np.uint8)
    expected = plane.reshape(750, 2, 35, 2, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(area_average(plane, (750, 35)), expected, atol=0.5)


@pytest.mark.parametrize(
    ("shape", "shapes"),
    [
        ((10, 10), [(10, 10)]),
        ((1024, 1024), [(1024, 1024)]),
        ((2049, 1500), [(2049, 1500), (1024, 750)]),
        ((1, 5000), [(1, 5000), (1, 2500), (1, 1250), (1, 625)]),
    ],
)
def test_pyramid_levels_halve_down_to_1024(shape, shapes):
    assert pyramid_shapes(shape) == shapes


def test_white_stays_white_where_the_sum_is_rounded_up():
    white = np.full((14, 37), 65535, np.uint16)
    np.testing.assert_array_equal(area_average(white, (1, 1)), [[65535]])
