"""Losses against hand-computed values, and their gradients against differences."""

from __future__ import annotations

import math

import pytest
import torch

from napari_colorgan.core import losses
from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.networks.heads import DistributionHead, gamut_bins

BINS = gamut_bins(10) / AB_SCALE


def encode(ab: torch.Tensor, bins: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    head = DistributionHead(1, 10)
    head.bins = bins
    return head.soft_encode(ab)


def test_l1_times_100_is_in_percent_of_110() -> None:
    ab = torch.zeros(1, 2, 4, 4)
    target = torch.full_like(ab, 5.5 / 110)
    assert losses.l1(ab, target).item() * 100 == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("kind", "real", "expected"),
    [
        ("vanilla", True, math.log(1 + math.exp(-0.3))),
        ("vanilla", False, math.log(1 + math.exp(0.3))),
        ("lsgan", True, 0.49),
        ("lsgan", False, 0.09),
        ("hinge", True, 0.7),
        ("hinge", False, 1.3),
    ],
)
def test_discriminator_loss(kind: str, real: bool, expected: float) -> None:
    logits = torch.full((2, 1, 3, 3), 0.3)
    value = losses.discriminator_loss(logits, real=real, kind=kind)
    assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("vanilla", math.log(1 + math.exp(-0.3))), ("lsgan", 0.49), ("hinge", -0.3)],
)
def test_generator_adversarial_loss(kind: str, expected: float) -> None:
    value = losses.generator_adversarial_loss(torch.full((2, 1, 3, 3), 0.3), kind=kind)
    assert value.item() == pytest.approx(expected)


def test_soft_encoding_spreads_a_colour_over_its_five_nearest_bins() -> None:
    ab = torch.tensor([12.0, -7.0]).view(1, 2, 1, 1) / AB_SCALE
    indices, shares = encode(ab, BINS)
    chosen = (BINS[indices[0, :, 0, 0]] * AB_SCALE).round()
    assert chosen[0].tolist() == [10.0, -10.0]
    distances = (chosen - torch.tensor([12.0, -7.0])).norm(dim=1)
    everything = (BINS * AB_SCALE - torch.tensor([12.0, -7.0])).norm(dim=1)
    assert torch.allclose(distances, everything.sort().values[:5], atol=1e-3)
    expected = torch.exp(-(distances**2) / 50)
    assert torch.allclose(shares[0, :, 0, 0], expected / expected.sum(), atol=1e-4)


def test_classification_of_uniform_logits_is_the_log_of_the_bins() -> None:
    logits = torch.zeros(1, len(BINS), 2, 2)
    value = losses.classification(logits, encode(torch.zeros(1, 2, 2, 2), BINS))
    assert value.item() == pytest.approx(math.log(len(BINS)))


def test_rare_colours_weigh_more_in_classification() -> None:
    logits = torch.zeros(1, len(BINS), 1, 2)
    gray = int((BINS == 0).all(dim=1).nonzero())
    logits[:, gray] = 5.0  # right for the first pixel, wrong for the second
    target = torch.zeros(1, 2, 1, 2)
    target[0, 0, 0, 1] = 60 / AB_SCALE
    weights = torch.ones(len(BINS))
    plain = losses.classification(logits, encode(target, BINS), weights)
    assert plain.item() == pytest.approx(losses.classification(logits, encode(target, BINS)).item())
    weights[gray] = 0.1
    assert losses.classification(logits, encode(target, BINS), weights) > plain


FIVE = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 20.0], [-30.0, 0.0], [0.0, -40.0]]) / AB_SCALE


def by_hand(logits: list[float], ab: tuple[float, float]) -> float:
    """Return a pixel's cross-entropy over the five bins, number by number."""
    squares = [(110 * a - ab[0]) ** 2 + (110 * b - ab[1]) ** 2 for a, b in FIVE.tolist()]
    shares = [math.exp(-s / 50) for s in squares]
    total = sum(math.exp(v) for v in logits)
    logs = [v - math.log(total) for v in logits]
    return -sum(s * v for s, v in zip(shares, logs, strict=True)) / sum(shares)


def test_classification_is_what_paper_and_pencil_say() -> None:
    colours = [(1.0, 0.0), (-29.0, 1.0)]
    scores = [[0.5, -1.0, 2.0, 0.0, 1.0], [1.0, 0.0, -1.0, 3.0, 0.2]]
    logits = torch.tensor(scores).T.reshape(1, 5, 1, 2)
    target = torch.tensor(colours).T.reshape(1, 2, 1, 2) / AB_SCALE
    first, second = (by_hand(s, c) for s, c in zip(scores, colours, strict=True))
    plain = losses.classification(logits, encode(target, FIVE))
    assert plain.item() == pytest.approx((first + second) / 2, rel=1e-5)
    # The first pixel's nearest bin counts 1, the second's 4.
    weights = torch.tensor([1.0, 9.0, 9.0, 4.0, 9.0])
    weighted = losses.classification(logits, encode(target, FIVE), weights)
    assert weighted.item() == pytest.approx((first + 4 * second) / 5, rel=1e-5)


def test_classification_of_parts_is_that_of_the_whole() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = 5 * torch.randn(4, len(BINS), 3, 3, generator=rng)
    target = torch.rand(4, 2, 3, 3, generator=rng) - 0.5
    weights = torch.rand(len(BINS), generator=rng) ** 4
    whole = losses.classification(logits, encode(target, BINS), weights)
    mean = weights[encode(target, BINS)[0][:, 0]].mean()
    parts = [
        losses.classification(part, encode(colours, BINS), weights, mean)
        for part, colours in zip(logits.chunk(2), target.chunk(2), strict=True)
    ]
    assert torch.stack(parts).mean().item() == pytest.approx(whole.item(), rel=1e-5)
    apart = [
        losses.classification(part, encode(colours, BINS), weights)
        for part, colours in zip(logits.chunk(2), target.chunk(2), strict=True)
    ]
    assert torch.stack(apart).mean().item() != pytest.approx(whole.item(), rel=1e-3)


def test_gradients_of_classification_match_differences() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(1, len(BINS), 1, 2, dtype=torch.float64, generator=rng, requires_grad=True)
    target = torch.rand(1, 2, 1, 2, generator=rng) - 0.5
    weights = torch.rand(len(BINS), dtype=torch.float64, generator=rng)
    for given in (None, weights):
        assert torch.autograd.gradcheck(
            lambda v, w=given: losses.classification(v, encode(target, BINS), w), logits
        )
    mean = torch.tensor(0.3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda v: losses.classification(v, encode(target, BINS), weights, mean), logits
    )


def test_rarity_weights_have_mean_one_over_the_data() -> None:
    frequencies = torch.tensor([0.7, 0.2, 0.1, 0.0])
    for strength in (0.0, 0.5, 1.0):
        weights = losses.rarity_weights(frequencies, strength)
        assert (weights * frequencies).sum().item() == pytest.approx(1.0)
    by_hand = 1 / (0.5 * frequencies + 0.125)
    by_hand /= (by_hand * frequencies).sum()
    assert torch.allclose(losses.rarity_weights(frequencies, 1.0), by_hand)


def test_gradients_match_differences() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 1, 2, 2, dtype=torch.float64, generator=rng, requires_grad=True)
    ab = torch.randn(1, 2, 2, 2, dtype=torch.float64, generator=rng, requires_grad=True)
    target = torch.randn(1, 2, 2, 2, dtype=torch.float64, generator=rng)
    for kind in ("vanilla", "lsgan", "hinge"):
        for real in (True, False):
            assert torch.autograd.gradcheck(
                lambda v, r=real, k=kind: losses.discriminator_loss(v, real=r, kind=k), logits
            )
        assert torch.autograd.gradcheck(
            lambda v, k=kind: losses.generator_adversarial_loss(v, kind=k), logits
        )
    assert torch.autograd.gradcheck(lambda v: losses.l1(v, target), ab)


def test_gradient_of_classification_is_softmax_minus_truth() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(1, len(BINS), 1, 1, generator=rng, requires_grad=True)
    target = torch.tensor([20.0, 30.0]).view(1, 2, 1, 1) / AB_SCALE
    losses.classification(logits, encode(target, BINS)).backward()
    indices, shares = encode(target, BINS)
    truth = torch.zeros(len(BINS)).index_add(0, indices.flatten(), shares.flatten())
    expected = logits.detach().flatten().softmax(0) - truth
    assert torch.allclose(logits.grad.flatten(), expected, atol=1e-6)
