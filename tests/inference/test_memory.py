from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.inference.geometry import Geometry
from napari_colorgan.inference.memory import MemoryPlan


def plan(limit: int) -> MemoryPlan:
    return MemoryPlan(
        limit=limit,
        network_bytes=300,
        result_bytes=3,
        stride=32,
        output_stride=8,
        halo=64,
        batch_pixels=2**18,
    )


def native(height: int, width: int) -> Geometry:
    return Geometry.of((height, width), "native", 256, 32)


def test_small_planes_go_in_batches_and_large_ones_alone() -> None:
    assert plan(10**9).batch_size(native(256, 256)) == 4
    assert plan(10**9).batch_size(native(64, 64)) == 64
    assert plan(10**9).batch_size(native(4000, 4000)) == 1
    assert plan(3 * 10**7).batch_size(native(256, 256)) == 1


@given(st.integers(10**8, 10**10), st.integers(1, 20_000), st.integers(1, 20_000))
def test_tiles_and_results_stay_within_the_limit(limit: int, height: int, width: int) -> None:
    geometry, memory = native(height, width), plan(limit)
    try:
        grid = memory.grid(geometry)
    except MemoryLimitError:
        smallest = min((2 * 64 + 32) ** 2, geometry.pixels)
        assert smallest * 300 + 4 * geometry.pixels + 2**26 > limit
    else:
        assert grid.largest * 300 + 3 * height * width <= limit


def test_running_out_halves_batches_then_tiles_then_ends() -> None:
    memory, geometry = plan(10**9), native(512, 512)
    assert "at most 2 planes" in str(memory.reduce_memory(geometry, 5))
    assert memory.batch_size(native(64, 64)) == 2
    assert "planes" in str(memory.reduce_memory(geometry, 2))
    sizes = [memory.grid(geometry).largest]
    while memory.reduce_memory(geometry, 1):
        sizes.append(memory.grid(geometry).largest)
    assert len(sizes) > 2
    assert sizes == sorted(sizes, reverse=True)
    with pytest.raises(MemoryLimitError):
        memory.grid(geometry)


@pytest.mark.parametrize(("limit", "remedy"), [(10**8, "scale 'fit'"), (10**7, "crop")])
def test_the_remedy_is_one_that_helps(limit: int, remedy: str) -> None:
    memory = plan(limit)
    memory.network_bytes = 10**6
    with pytest.raises(MemoryLimitError, match=remedy):
        memory.grid(native(1000, 1000))
