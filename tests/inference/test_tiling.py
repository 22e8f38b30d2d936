from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.inference.tiling import TileGrid

units = st.integers(1, 40)


@st.composite
def grids(draw: st.DrawFn) -> tuple[TileGrid, int]:
    stride = draw(st.sampled_from([8, 32]))
    halo = draw(st.integers(0, 4)) * stride
    height, width = draw(units) * stride, draw(units) * stride
    smallest = (stride + 2 * halo) ** 2
    limit = draw(st.integers(smallest, smallest + height * width))
    grid = TileGrid.plan(height, width, max_pixels=limit, stride=stride, halo=halo)
    assert grid is not None
    return grid, limit


@given(grids())
def test_tiles_cover_the_plane_once(planned: tuple[TileGrid, int]) -> None:
    grid, _ = planned
    covered = np.zeros((grid.height, grid.width), int)
    for tile in grid:
        covered[tile.write] += 1
    assert (covered == 1).all()


@given(grids())
def test_tiles_lie_on_the_stride_grid_with_their_halo(planned: tuple[TileGrid, int]) -> None:
    grid, _ = planned
    for tile in grid:
        for read, write, crop, size in zip(
            tile.read, tile.write, tile.crop, (grid.height, grid.width), strict=True
        ):
            assert not any(edge % grid.stride for edge in (read.start, read.stop, write.start))
            assert read.start == max(write.start - grid.halo, 0)
            assert read.stop == min(write.stop + grid.halo, size)
            assert read.start + crop.start == write.start
            assert read.start + crop.stop == write.stop


@given(grids())
def test_no_tile_reads_more_than_the_limit(planned: tuple[TileGrid, int]) -> None:
    grid, limit = planned
    read = [np.prod([side.stop - side.start for side in tile.read]) for tile in grid]
    assert max(read) <= grid.largest <= limit
    assert sum(read) <= grid.pixels


def test_a_plane_that_fits_is_one_tile() -> None:
    grid = TileGrid.plan(4096, 2048, max_pixels=4096 * 2048, stride=32, halo=256)
    assert grid is not None
    (tile,) = grid
    assert tile.read == tile.write == (slice(0, 4096), slice(0, 2048))


def test_tiles_are_few_and_near_square() -> None:
    grid = TileGrid.plan(12000, 12000, max_pixels=4096**2, stride=32, halo=256)
    assert grid is not None
    assert (grid.rows, grid.columns) == (3, 4)
    assert grid.pixels < 1.3 * 12000**2


def test_a_limit_below_the_smallest_tile_has_no_grid() -> None:
    assert TileGrid.plan(4096, 4096, max_pixels=512**2, stride=32, halo=256) is None


def test_planning_is_quick_for_huge_planes_and_tiny_tiles() -> None:
    grid = TileGrid.plan(30016, 30016, max_pixels=544**2, stride=32, halo=256)
    assert grid is not None
    assert grid.largest <= 544**2


def test_sizes_off_the_stride_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="stride"):
        TileGrid(100, 64, 1, 1, 32, 0)
