from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from example_counts import examples
from napari_colorgan.core.resampling import Resampling, resample, resample_padded

sizes = st.integers(1, 70)


def noise(height: int, width: int) -> torch.Tensor:
    return torch.rand(height, width, generator=torch.Generator().manual_seed(0))


def whole(plane: torch.Tensor, height: int, width: int) -> torch.Tensor:
    rows, columns = Resampling(plane.shape[0], height), Resampling(plane.shape[1], width)
    window = (slice(0, height), slice(0, width))
    return resample(lambda r, c: plane[r, c], rows, columns, window)


@pytest.mark.parametrize("factor", [1, 2, 3, 8])
def test_shrinking_by_an_integer_averages_areas(factor: int) -> None:
    plane = noise(5 * factor, 21 * factor)
    torch.testing.assert_close(whole(plane, 5, 21), F.avg_pool2d(plane[None], factor)[0])


def test_enlarging_is_bilinear() -> None:
    plane = noise(5, 7)
    expected = F.interpolate(plane[None, None], (40, 21), mode="bilinear", align_corners=False)
    torch.testing.assert_close(whole(plane, 40, 21), expected[0, 0])


@given(sizes, sizes, sizes, sizes)
@settings(max_examples=examples(60))
def test_a_constant_stays_and_the_mean_of_a_shrunk_plane_too(
    height: int, width: int, new_height: int, new_width: int
) -> None:
    plane = noise(height, width)
    found = whole(torch.full((height, width), 37.5), new_height, new_width)
    torch.testing.assert_close(found, torch.full((new_height, new_width), 37.5))
    if new_height <= height and new_width <= width:
        torch.testing.assert_close(whole(plane, new_height, new_width).mean(), plane.mean())


@given(sizes, sizes, sizes, sizes, st.data())
@settings(max_examples=examples(60))
def test_windows_equal_the_whole(
    height: int, width: int, new_height: int, new_width: int, data: st.DataObject
) -> None:
    plane = noise(height, width)
    top = data.draw(st.integers(0, new_height - 1))
    left = data.draw(st.integers(0, new_width - 1))
    bottom = data.draw(st.integers(top + 1, new_height))
    right = data.draw(st.integers(left + 1, new_width))
    window = (slice(top, bottom), slice(left, right))
    rows, columns = Resampling(height, new_height), Resampling(width, new_width)
    found = resample(lambda r, c: plane[r, c], rows, columns, window)
    torch.testing.assert_close(found, whole(plane, new_height, new_width)[window])


@given(sizes, st.integers(0, 3), st.integers(1, 3))
@settings(max_examples=examples(60))
def test_padding_mirrors(size: int, start: int, units: int) -> None:
    column = torch.arange(size, dtype=torch.float32)[:, None]
    window = slice(start * 32, (start + units) * 32)
    side = Resampling(size, size)
    found = resample_padded(
        lambda r, c: column[r, c], side, Resampling(1, 1), (window, slice(0, 1))
    )
    # A plane a pixel tall is mirrored again and again.
    period = torch.cat([column, column[1:-1].flip(0)]).flatten()
    expected = period.repeat(window.stop // len(period) + 1)[window]
    assert found.flatten().tolist() == expected.tolist()
