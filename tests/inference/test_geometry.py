from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.inference.geometry import Geometry

sides = st.integers(1, 40_000)


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((512, 512), (256, 256)),
        ((300, 600), (256, 512)),
        ((4000, 1000), (1024, 256)),
        ((1, 1), (4, 4)),
        ((20, 30), (80, 120)),
        ((100, 30_000), (42, 12_541)),
    ],
)
def test_fit_brings_the_short_side_to_the_working_size_within_reason(
    shape: tuple[int, int], seen: tuple[int, int]
) -> None:
    geometry = Geometry.of(shape, "fit", 256, 32)
    assert (geometry.scaled_height, geometry.scaled_width) == seen


@given(sides, sides, st.integers(32, 512))
def test_fit_costs_no_more_for_larger_planes(height: int, width: int, working_size: int) -> None:
    geometry = Geometry.of((height, width), "fit", working_size, 32)
    assert geometry.scaled_height * geometry.scaled_width <= 9 * working_size**2 + 40_000
    assert min(geometry.scaled_height, geometry.scaled_width) <= working_size


@given(sides, sides, st.sampled_from(["fit", "native", 0.01, 0.37, 1.0, 16.0]))
def test_padding_is_the_least_on_the_stride_grid(height: int, width: int, scale: object) -> None:
    geometry = Geometry.of((height, width), scale, 256, 32)  # type: ignore[arg-type]
    for padded, seen in zip(
        geometry.padded, (geometry.scaled_height, geometry.scaled_width), strict=True
    ):
        assert padded % 32 == 0
        assert 0 <= padded - seen < 32
        assert seen >= 1


def test_native_and_numbers() -> None:
    native = Geometry.of((101, 67), "native", 256, 32)
    assert (native.scaled_height, native.scaled_width) == (101, 67)
    assert native.cell(8) == (8, 8)
    half = Geometry.of((100, 66), 0.5, 256, 32)
    assert (half.scaled_height, half.scaled_width) == (50, 33)
    assert half.cell(8) == (16, 16)


@given(sides, sides, st.sampled_from([32, 128]))
def test_the_centre_is_on_the_stride_grid_and_inside(height: int, width: int, stride: int) -> None:
    geometry = Geometry.of((height, width), "native", 256, stride)
    for window, size in zip(geometry.centre(256), geometry.padded, strict=True):
        assert window.start % stride == 0
        assert window.stop - window.start == min(256, size)
        assert window.stop <= size
        assert abs(window.start + window.stop - size) <= 2 * stride
