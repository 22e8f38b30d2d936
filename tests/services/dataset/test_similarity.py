"""Planes that look alike stay together, and the usual ones are told from the odd ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_colorgan.services.dataset.similarity import (
    MOST_SETS,
    describe,
    group_similar,
    most_central,
    sample_similar,
)

# Five images of two tiles each, and one far from all.
PAIRS = [(image + 0.01 * tile, 0.0) for image in (1, 2, 3, 4, 5) for tile in (0, 1)]


def test_a_descriptor_is_lightness_and_colour() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (1, 64, 64), dtype=np.uint8)
    gray = torch.from_numpy(values).repeat(3, 1, 1)
    descriptor = describe(gray)
    assert len(descriptor) == 6
    assert np.allclose([descriptor[1], descriptor[2], descriptor[4], descriptor[5]], 0.0, atol=1e-4)
    red = gray.clone()
    red[1:] //= 2
    assert describe(red)[1] > 0.1
    # What a model sees of a pair is not a colour.
    assert describe(torch.cat([gray, gray[:1]])) == descriptor


def test_unusual_ones_are_left() -> None:
    assert most_central([(0.0,), (9.0,), (0.1,), (-0.2,)], 2) == [0, 2]


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_an_image_are_drawn_together(seed: int) -> None:
    one, other = sample_similar(PAIRS, 2, seed)
    assert other == one + 1
    assert one % 2 == 0


def test_a_draw_depends_on_the_seed_and_has_what_was_asked_for() -> None:
    descriptors = np.random.default_rng(1).random((100, 6)).tolist()
    draws = [sample_similar(descriptors, 21, seed) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert all(len(set(draw)) == 21 and draw == sorted(draw) for draw in draws)


def test_many_are_drawn_from_several_lots() -> None:
    # Ten images of ten tiles; a draw of twenty from one place would tell of two of them.
    descriptors = [(float(image), 0.01 * tile) for image in range(10) for tile in range(10)]
    assert len({place // 10 for place in sample_similar(descriptors, 20, 0)}) >= MOST_SETS - 1


def test_groups_are_images() -> None:
    groups = group_similar(PAIRS, 5)
    assert sorted(groups) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert len(group_similar(PAIRS, 3)) == 3
    assert sorted(place for group in group_similar(PAIRS, 3) for place in group) == list(range(10))


def test_what_descriptors_the_same_is_one_group() -> None:
    assert group_similar([(1.0, 2.0)] * 4, 3) == [[0, 1, 2, 3]]
