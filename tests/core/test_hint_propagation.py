"""Hints reach the cells that are like theirs, and only those."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.core.networks.hint_propagation import (
    MAX_OBSERVATIONS,
    Cells,
    HintPropagation,
    Observations,
)
from predicting import network_colors

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator

STRIDE = 8


@pytest.fixture
def propagation() -> HintPropagation:
    torch.manual_seed(0)
    return HintPropagation({4: 3, 8: 5, 16: 6}, 4).eval()


@pytest.fixture
def with_terms() -> HintPropagation:
    torch.manual_seed(0)
    return HintPropagation({4: 3, 8: 5, 16: 6}, 4, terms=True).eval()


@pytest.fixture(params=["first release", "terms"])
def either(request: pytest.FixtureRequest) -> HintPropagation:
    torch.manual_seed(0)
    return HintPropagation({4: 3, 8: 5, 16: 6}, 4, terms=request.param == "terms").eval()


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(decoder_channels=(8, 8), output_stride=STRIDE, spread_channels=6)
    return build_generator(config).eval()


def two_things(height: int = 16, width: int = 16) -> torch.Tensor:
    """Return embeddings (5, h, w) of a plane with one thing left and another one right."""
    embedding = torch.zeros(5, height, width)
    embedding[0, :, width // 2 :] = 8.0
    return embedding


def one_hint(height: int, width: int, row: int, column: int) -> tuple[torch.Tensor, torch.Tensor]:
    ab, weight = torch.zeros(2, height, width), torch.zeros(1, height, width)
    ab[:, row, column] = torch.tensor([0.4, -0.2])
    weight[:, row, column] = 1.0
    return ab, weight


def test_a_hint_colours_what_is_like_its_place(propagation: HintPropagation) -> None:
    ab, std = torch.zeros(2, 16, 16), torch.full((1, 16, 16), 0.1)
    with torch.no_grad():
        propagation.log_common_share.fill_(-6.0)
        propagation.log_near_share.fill_(-6.0)
        found, residual_std = propagation(ab, std, two_things(), *one_hint(16, 16, 4, 3), STRIDE)
    like, unlike = found[:, 12, 5], found[:, 12, 12]
    torch.testing.assert_close(found[:, 4, 3], torch.tensor([0.4, -0.2]), atol=0.03, rtol=0)
    assert like[0] > 0.25
    assert like[1] < -0.12
    assert unlike.abs().max() < 0.02
    assert residual_std[0, 4, 3] < 0.3 < 0.9 < residual_std[0, 12, 12]
    assert residual_std[0, 4, 3] < residual_std[0, 12, 5]


def test_without_hints_nothing_changes(propagation: HintPropagation) -> None:
    ab = torch.randn(2, 6, 9)
    nothing = torch.zeros(2, 6, 9), torch.zeros(1, 6, 9)
    found, residual_std = propagation(
        ab, torch.ones(1, 6, 9), torch.randn(5, 6, 9), *nothing, STRIDE
    )
    assert torch.equal(found, ab)
    assert torch.equal(residual_std, torch.ones(1, 6, 9))


def test_where_the_network_is_sure_hints_change_little(propagation: HintPropagation) -> None:
    std = torch.full((1, 16, 16), 0.1)
    std[:, 8:] = 0.001
    with torch.no_grad():
        found, _ = propagation(
            torch.zeros(2, 16, 16), std, torch.zeros(5, 16, 16), *one_hint(16, 16, 4, 4), 8
        )
    assert found[0, 7, 4] > 10 * found[0, 9, 4] > 0


def test_equal_cells_and_contradicting_hints_are_solved(propagation: HintPropagation) -> None:
    hint_ab, weight = torch.randn(2, 4, 4), torch.ones(1, 4, 4)
    with torch.no_grad():
        found, _ = propagation(
            torch.zeros(2, 4, 4), torch.ones(1, 4, 4), torch.zeros(5, 4, 4), hint_ab, weight, 1
        )
    assert torch.isfinite(found).all()


def test_many_hints_are_thinned_out(propagation: HintPropagation) -> None:
    side = 40
    assert side * side > 2 * MAX_OBSERVATIONS
    hint_ab, weight = torch.full((2, side, side), 0.3), torch.ones(1, side, side)
    with torch.no_grad():
        found, _ = propagation(
            torch.zeros(2, side, side),
            torch.ones(1, side, side),
            torch.zeros(5, side, side),
            hint_ab,
            weight,
            STRIDE,
        )
    torch.testing.assert_close(found, hint_ab, atol=0.05, rtol=0)


def test_gradients_reach_every_parameter(either: HintPropagation) -> None:
    features = [torch.randn(1, n, s, s) for n, s in ((3, 16), (5, 8), (6, 4))]
    ab = torch.randn(1, 2, 8, 8) / 10
    embedding = either.embed(features, torch.rand(1, 1, 64, 64), ab, STRIDE)
    assert embedding.shape == (1, 5 if either.terms is None else 7, 8, 8)
    found, _ = either(ab[0], torch.full((1, 8, 8), 0.2), embedding[0], *one_hint(8, 8, 2, 2), 8)
    found.square().sum().backward()
    for name, parameter in either.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_generator_propagates_hints_and_keeps_what_has_no_hint(generator: Generator) -> None:
    lightness, hints = torch.rand(2, 1, 64, 96) * 2 - 1, torch.zeros(2, 3, 64, 96)
    with torch.no_grad():
        before, uncertainty = network_colors(generator, lightness, hints)
        hints[0, :2, 16:24, 16:24], hints[0, 2, 16:24, 16:24] = 0.5, 1.0
        after, lower_uncertainty = network_colors(generator, lightness, hints)
    assert torch.equal(before[1], after[1])
    torch.testing.assert_close(after[0, :, 2, 2], torch.full((2,), 0.5))
    assert (after - before)[0].abs().amax(dim=0).min() > 0
    assert uncertainty is not None
    assert lower_uncertainty is not None
    assert lower_uncertainty[0, 0, 2, 2] == 0
    assert (lower_uncertainty[0] <= uncertainty[0]).all()


def some_cells(propagation: HintPropagation, seed: int) -> tuple[Cells, Observations]:
    rng = torch.Generator().manual_seed(seed)
    std = torch.rand(1, 6, 9, generator=rng) + 0.1
    width = 5 if propagation.terms is None else 7
    cells = propagation.cells(std, torch.randn(width, 6, 9, generator=rng), STRIDE)
    at = torch.randperm(54, generator=rng)[:12]
    residual = torch.randn(12, 2, generator=rng)
    return cells, Observations(cells.at(at), residual, torch.ones(12))


def test_one_more_observation_is_one_more_row(either: HintPropagation) -> None:
    with torch.no_grad():
        cells, all_at_once = some_cells(either, 1)

        def part(start: int, stop: int) -> Observations:
            chosen = torch.arange(start, stop)
            return Observations(
                all_at_once.cells.at(chosen),
                all_at_once.residual[chosen],
                all_at_once.weight[chosen],
            )

        posterior = either.condition(part(0, 9))
        for start, stop in ((9, 10), (10, 12)):
            posterior = either.extend(posterior, part(start, stop))
        expected = either.condition(all_at_once)
        torch.testing.assert_close(posterior.factor, expected.factor, atol=1e-4, rtol=1e-4)
        for found, whole in zip(
            either.evaluate(posterior, cells),
            either.evaluate(expected, cells),
            strict=True,
        ):
            torch.testing.assert_close(found, whole, atol=1e-3, rtol=1e-3)


def test_the_posterior_is_the_textbook_one(either: HintPropagation) -> None:
    with torch.no_grad():
        cells, observations = some_cells(either, 2)
        mean, share = either.evaluate(either.condition(observations), cells)
        prior = either.covariance(cells, cells).double()
        cross = either.covariance(cells, observations.cells).double()
        noise = either.log_noise.exp() * observations.cells.scale**2
        inner = either.covariance(observations.cells, observations.cells) + noise.diag()
        solved = torch.linalg.solve(inner.double(), cross.T).T
        variance = prior - solved @ cross.T
    torch.testing.assert_close(
        mean.double(), solved @ observations.residual.double(), atol=1e-3, rtol=1e-3
    )
    expected = (variance.diag() / prior.diag()).clamp_min(0.0).sqrt()
    torch.testing.assert_close(share.double(), expected, atol=5e-3, rtol=0)
    torch.testing.assert_close(either.variance(cells).double(), prior.diag(), atol=1e-6, rtol=1e-5)


def test_what_is_wrong_everywhere_alike_is_learned_from_two_hints(
    with_terms: HintPropagation,
) -> None:
    assert with_terms.terms is not None
    rng = torch.Generator().manual_seed(3)
    ab = torch.randn(2, 12, 12, generator=rng) * 0.3
    std, lightness = torch.full((1, 12, 12), 0.02), torch.rand(1, 1, 96, 96, generator=rng)
    features = [torch.randn(1, n, s, s, generator=rng) for n, s in ((3, 24), (5, 12), (6, 6))]
    truth, weight = torch.stack([0.5 * ab[0], 0.3 * ab[0] + ab[1]]), torch.zeros(1, 12, 12)
    weight[0, 2, 3] = weight[0, 8, 9] = weight[0, 5, 1] = 1.0
    with torch.no_grad():
        with_terms.terms.log_linear_share.fill_(6.0)
        embedding = with_terms.embed(features, lightness, ab[None], STRIDE)[0]
        found, left = with_terms(ab, std, embedding, truth * weight, weight, STRIDE)
        with_terms.terms.log_linear_share.fill_(-20.0)
        without, _ = with_terms(ab, std, embedding, truth * weight, weight, STRIDE)
    assert (found - truth).square().mean() < 0.02 * (ab - truth).square().mean()
    assert (without - truth).square().mean() > 0.5 * (ab - truth).square().mean()
    assert left.max() < 0.5


def test_barriers_stop_what_all_of_a_plane_has_in_common(with_terms: HintPropagation) -> None:
    with torch.no_grad():
        cells, _ = some_cells(with_terms, 4)
        side = torch.zeros(54, 1)
        side[27:] = 20.0
        covariance = with_terms.covariance(*[replace(cells, side=side)] * 2)
    assert covariance[:27, 27:].abs().max() < 1e-6 < covariance[:27, :27].abs().min()


def test_files_keep_the_names_of_the_first_release(generator: Generator) -> None:
    stored = generator.state_dict()
    single = {"lightness", "reach", "near_reach", "near", "common", "noise", "exponent"}
    assert {f"spreader.{name}" for name in single} <= stored.keys()
    assert "spreader.projections.0.weight" in stored
    assert not any("hint_propagation" in name for name in stored)
    names = dict(generator.named_parameters())
    assert stored["spreader.near"] is not stored["spreader.near_reach"]
    assert torch.equal(stored["spreader.near"], names["hint_propagation.log_near_share"])
    other = build_generator(generator.config)
    other.load_state_dict({name: value + 1 for name, value in stored.items()})
    assert torch.equal(
        other.get_parameter("hint_propagation.log_range"),
        names["hint_propagation.log_range"] + 1,
    )
    assert list(other.state_dict()) == list(stored)


def test_likeness_between_planes_does_not_depend_on_what_hints_have_learned(
    propagation: HintPropagation, with_terms: HintPropagation
) -> None:
    embedding = torch.randn(20, 7)
    assert torch.equal(propagation.appearance(embedding[:, :5]), embedding[:, :5])
    features = [torch.randn(1, n, s, s) for n, s in ((3, 16), (5, 8), (6, 4))]
    lightness, ab = torch.rand(1, 1, 64, 64), torch.randn(1, 2, 8, 8) / 10

    def appearance() -> torch.Tensor:
        vectors = with_terms.embed(features, lightness, ab, STRIDE)
        return with_terms.appearance(vectors[0].flatten(1).T)

    with torch.no_grad():
        before = appearance()
        assert before.shape == (64, 5)
        for projection in with_terms.projections:
            projection.weight *= 3
        with_terms.log_lightness_weight += torch.log(torch.tensor(3.0))
        assert with_terms.terms is not None
        with_terms.terms.log_color_weight.fill_(5.0)
        torch.testing.assert_close(appearance(), before)
