"""Hint maps: drawing into them, and the statistics of those drawn for training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_colorgan.errors import InputError
from napari_colorgan.guidance.hints import (
    MOST_SPREAD_HINTS,
    HintMap,
    sample_hints,
    sample_spread_hints,
)


def test_rectangle_is_cut_at_the_plane_and_leaves_the_original() -> None:
    empty = HintMap.empty(6, 8)
    marked = empty.with_rectangle(-2, 5, 4, 10, (20.0, -30.0))
    assert empty.weight.sum() == 0
    assert marked.weight.sum() == 2 * 3
    assert np.array_equal(marked.ab[:, 0, 5], [20.0, -30.0])


def test_planes_are_padded_and_empty_where_nothing_is_known() -> None:
    hint = HintMap(np.full((2, 2, 2), 55.0, np.float32), np.array([[1, 0], [0, 0.5]], np.float32))
    planes = hint.resized((2, 2)).to_tensor((4, 3))
    assert planes.shape == (3, 4, 3)
    assert planes[:, 0, 0].tolist() == [55.0, 55.0, 1.0]
    assert planes[:, 1, 1].tolist() == [55.0, 55.0, 0.5]
    assert planes[:, 0, 1].tolist() == [0.0, 0.0, 0.0]
    assert planes.count_nonzero() == 6


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match="hint map"):
        HintMap(np.zeros((2, 3, 3), np.float32), np.zeros((3, 4), np.float32))


def test_sampled_hints_follow_the_published_statistics() -> None:
    ab = torch.rand(400, 2, 128, 128, generator=torch.Generator().manual_seed(0)) - 0.5
    hints = sample_hints(ab, torch.Generator().manual_seed(1), unguided=0.25)
    guided = hints[:, 2].sum(dim=(1, 2)) > 0
    assert guided.float().mean().item() == pytest.approx(0.75, abs=0.07)
    assert set(hints[:, 2].unique().tolist()) == {0.0, 1.0}
    # The mean of a geometric number (p = 1/8) is 8, that of a square of side 1…9 is 31.7;
    # marks overlap near the centre, so the painted area stays a little below the product.
    area = hints[guided, 2].sum(dim=(1, 2)).mean().item()
    assert 0.75 * 8 * 31.7 < area < 1.1 * 8 * 31.7
    rows = hints[:, 2].sum(dim=(0, 2))
    centre = (rows * torch.arange(128)).sum() / rows.sum()
    assert centre.item() == pytest.approx(63.5, abs=3)


def test_sampled_hint_has_the_mean_colour_of_its_patch() -> None:
    ab = torch.zeros(1, 2, 64, 64)
    ab[:, 0], ab[:, 1] = 0.3, -0.4
    hints = sample_hints(ab, torch.Generator().manual_seed(3), unguided=0.0)
    marked = hints[0, 2] == 1
    assert marked.any()
    assert torch.allclose(hints[0, 0][marked], torch.tensor(0.3))
    assert torch.allclose(hints[0, 1][marked], torch.tensor(-0.4))
    assert (hints[0, :2][:, ~marked] == 0).all()


def test_same_seed_same_hints() -> None:
    ab = torch.rand(4, 2, 32, 32)
    first = sample_hints(ab, torch.Generator().manual_seed(7), unguided=0.5)
    assert torch.equal(first, sample_hints(ab, torch.Generator().manual_seed(7), unguided=0.5))


def test_hints_to_learn_propagation_from_are_few_or_many_and_anywhere() -> None:
    ab = torch.rand(40, 2, 48, 64, generator=torch.Generator().manual_seed(1))
    hints = sample_spread_hints(ab, torch.Generator().manual_seed(2))
    covered = hints[:, 2].mean(dim=(1, 2))
    assert 0 < covered.min() < 0.02 < 0.3 < covered.max()
    assert MOST_SPREAD_HINTS >= 100
    assert (hints[:, 2].sum(dim=0) > 0).float().mean() > 0.95
    # One hint's colour is the mean of its square.
    alone = int(covered.argmin())
    rows, columns = hints[alone, 2].nonzero().T
    square = (slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    torch.testing.assert_close(
        hints[alone, :2][square].mean(dim=(1, 2)), ab[alone][square].mean(dim=(1, 2))
    )
    # Another process, which has the last pictures of the batch, samples the same for them.
    last = sample_spread_hints(ab[30:], torch.Generator().manual_seed(2), skipped=30)
    assert torch.equal(last, hints[30:])
