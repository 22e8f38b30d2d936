"""Planes that look alike stay together, and the usual ones are told from the odd ones."""

from __future__ import annotations

import numpy as np
import pytest

from napari_colorgan.services.tuning.similarity import (
    MOST_LOTS,
    group_similar,
    look_of,
    most_central,
    sample_similar,
)

# Five images of two tiles each, and one far from all.
PAIRS = [(image + 0.01 * tile, 0.0) for image in (1, 2, 3, 4, 5) for tile in (0, 1)]


def test_a_look_is_lightness_and_colour() -> None:
    rng = np.random.default_rng(0)
    gray = np.repeat(rng.integers(0, 256, (1, 64, 64), dtype=np.uint8), 3, axis=0)
    look = look_of(gray)
    assert len(look) == 6
    assert np.allclose([look[1], look[2], look[4], look[5]], 0.0, atol=1e-4)
    red = gray.copy()
    red[1:] //= 2
    assert look_of(red)[1] > 0.1
    # What a model sees of a pair is not a colour.
    assert look_of(np.concatenate([gray, gray[:1]])) == look


def test_unusual_ones_are_left() -> None:
    assert most_central([(0.0,), (9.0,), (0.1,), (-0.2,)], 2) == [0, 2]


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_an_image_are_drawn_together(seed: int) -> None:
    one, other = sample_similar(PAIRS, 2, seed)
    assert other == one + 1
    assert one % 2 == 0


def test_a_draw_depends_on_the_seed_and_has_what_was_asked_for() -> None:
    looks = np.random.default_rng(1).random((100, 6)).tolist()
    draws = [sample_similar(looks, 21, seed) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert all(len(set(draw)) == 21 and draw == sorted(draw) for draw in draws)


def test_many_are_drawn_from_several_lots() -> None:
    # Ten images of ten tiles; a draw of twenty from one place would tell of two of them.
    looks = [(float(image), 0.01 * tile) for image in range(10) for tile in range(10)]
    assert len({place // 10 for place in sample_similar(looks, 20, 0)}) >= MOST_LOTS - 1


def test_groups_are_images() -> None:
    groups = group_similar(PAIRS, 5)
    assert sorted(groups) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert len(group_similar(PAIRS, 3)) == 3
    assert sorted(place for group in group_similar(PAIRS, 3) for place in group) == list(range(10))


def test_what_looks_the_same_is_one_group() -> None:
    assert group_similar([(1.0, 2.0)] * 4, 3) == [[0, 1, 2, 3]]
