"""Pictures of other kinds are told from those of training."""

from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.familiarity import Familiarity, fit_familiarity, pool_features
from napari_colorgan.errors import ModelError


def clouds(count: int, centre: float, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, 40, generator=rng) * torch.linspace(0.1, 3.0, 40) + centre


def test_others_are_unlike_and_familiar_ones_pass() -> None:
    familiarity = fit_familiarity(clouds(400, 0.0, 0), clouds(60, 1.0, 1))
    passed = familiarity.strangeness(clouds(400, 0.0, 2)) <= 0
    flagged = familiarity.strangeness(clouds(400, 1.0, 3)) > 0
    assert passed.float().mean() > 0.93
    assert flagged.float().mean() > 0.95


def test_text_round_trip() -> None:
    familiarity = fit_familiarity(clouds(50, 0.0, 0), clouds(20, 1.0, 1))
    again = Familiarity.from_text(familiarity.to_text())
    pooled = clouds(5, 0.5, 4)
    assert torch.allclose(again.strangeness(pooled), familiarity.strangeness(pooled), atol=1e-3)


@pytest.mark.parametrize("text", ["", "AAAA", "?", "AADAfwAAwH8="])
def test_what_is_no_weights_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="familiarity"):
        Familiarity.from_text(text)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match="40 weights"):
        Familiarity((1.0, 2.0), 0.0).strangeness(clouds(1, 0.0, 0))


def test_only_coarse_features_count() -> None:
    fine, coarse = torch.ones(2, 3, 8, 8), torch.rand(2, 5, 2, 3)
    pooled = pool_features([fine, coarse], 64)
    assert pooled.shape == (2, 10)
    assert torch.allclose(pooled[:, :5], coarse.mean(dim=(2, 3)))
    assert torch.allclose(pooled[:, 5:], coarse.flatten(2).std(dim=2, correction=0))
