"""Colours carried between planes and pictures: to what is alike, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_colorgan.core.observations import Cells
from napari_colorgan.core.transfer import Likeness, ObservedColors, carry_colors

SIZE = (2, 3)


def cells() -> Cells:
    embedding = torch.tensor([[0.0], [0.0], [0.0], [5.0], [5.0], [9.0]])
    position = torch.cartesian_prod(torch.arange(2.0), torch.arange(3.0))
    return Cells(embedding, position, torch.ones(6))


def observed(*embeddings: float, likeness: Likeness) -> ObservedColors:
    count = len(embeddings)
    ab = torch.stack([torch.arange(1.0, count + 1) * 10, torch.zeros(count)], dim=1)
    positions = torch.zeros(count, 2)
    return ObservedColors(torch.tensor(embeddings)[:, None], positions, ab, likeness=likeness)


def test_each_cell_takes_the_colour_of_what_is_like_it() -> None:
    source = observed(0.0, 5.0, likeness=Likeness(embedding_range=0.5, enough=0.1))
    carried = carry_colors(cells(), SIZE, [source])
    assert torch.allclose(carried.ab[0, 0, 0], torch.full((3,), 10.0), atol=1e-3)
    assert torch.allclose(carried.ab[0, 0, 1, :2], torch.full((2,), 20.0), atol=1e-3)
    assert (carried.share[0, 0, 0] > 0.99).all()
    assert carried.share[0, 0, 1, 2] < 1e-3
    predicted = torch.full((1, 2, *SIZE), 7.0)
    applied = carried.applied(predicted)
    assert applied[0, 0, 1, 2] == pytest.approx(7.0, abs=0.01)
    assert applied[0, 0, 0, 0] == pytest.approx(10.0, abs=0.05)


def test_it_is_the_weighted_mean_of_the_textbook() -> None:
    likeness = Likeness(embedding_range=3.0, position_range=1.5, anywhere=0.2, enough=2.0)
    source = observed(0.5, 4.0, 8.0, likeness=likeness)
    here = cells()
    carried = carry_colors(here, SIZE, [source], strength=0.5)
    unlike = (here.embedding - source.embedding.T) ** 2 / 2
    apart = torch.cdist(here.position, source.position) ** 2 / 2
    weights = torch.exp(-unlike / 3.0) * (0.8 * torch.exp(-apart / 1.5**2) + 0.2)
    means = weights @ source.ab / weights.sum(1, keepdim=True)
    assert torch.allclose(carried.ab[0].flatten(1).T, means, atol=1e-4)
    share = 0.5 * (1 - torch.exp(-weights.sum(1) / 2.0))
    assert torch.allclose(carried.share.flatten(), share, atol=1e-5)


def test_pictures_share_and_changes_are_added() -> None:
    likeness = Likeness(enough=1e-3)
    one = observed(0.0, likeness=likeness)
    two = replace(one, ab=one.ab + 10, weight=3.0)
    carried = carry_colors(cells(), SIZE, [one, two])
    assert carried.ab[0, 0, 0, 0] == pytest.approx(17.5)
    change = carry_colors(cells(), SIZE, [replace(one, is_change=True)])
    assert change.share.max() == 0
    applied = change.applied(torch.full((1, 2, *SIZE), 3.0))
    assert applied[0, 0, 0, 0] == pytest.approx(13.0, abs=0.1)
    assert applied[0, 0, 1, 2] == pytest.approx(3.0, abs=1e-3)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = observed(0.5, 4.0, 8.0, likeness=Likeness(position_range=1.0))
    whole = carry_colors(cells(), SIZE, [source])
    monkeypatch.setattr("napari_colorgan.core.transfer._PAIRS_PER_CHUNK", 6)
    assert torch.allclose(carry_colors(cells(), SIZE, [source]).ab, whole.ab)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_predicted_colours_make_none_surer(strength: float) -> None:
    one = ObservedColors(torch.zeros(1, 1), torch.zeros(1, 2), torch.full((1, 2), 10.0))
    guessed = replace(one, is_predicted=True)
    for sources, part in (([one], 1.0), ([guessed], 0.0), ([one, guessed], 0.5)):
        carried = carry_colors(cells(), SIZE, sources, strength)
        assert torch.allclose(carried.known, part * carried.share)
        assert torch.equal(carried.enlarged((4, 6)).known.amax(), carried.known.amax())
