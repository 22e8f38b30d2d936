"""Detail: nothing at first, linear in its weights, and hints keep their places."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig, extended
from napari_colorgan.core.resampling import enlarge
from napari_colorgan.errors import ConfigError
from predicting import network_colors

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator

PLAIN = GeneratorConfig(decoder_channels=(8, 8), output_stride=8)
PIX2PIX = GeneratorConfig(
    architecture="pix2pix", decoder_channels=(4,), output_stride=1, head="regression"
)


def build(**changes: object) -> Generator:
    torch.manual_seed(0)
    return build_generator(dataclasses.replace(PLAIN, detail=True, **changes)).eval()


def weighted(**changes: object) -> Generator:
    generator = build(**changes)
    assert generator.detail is not None
    for weight in generator.detail.parameters():
        torch.nn.init.normal_(weight, std=0.02)
    return generator


@pytest.fixture
def lightness() -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.rand(2, 1, 64, 96, generator=rng) * 2 - 1


@pytest.mark.parametrize("stride", [4, 8])
def test_at_first_it_changes_nothing_but_the_grid(lightness: torch.Tensor, stride: int) -> None:
    channels = (8, 8) if stride == 8 else (8, 8, 8)
    generator = build(decoder_channels=channels, output_stride=stride)
    hints = torch.zeros(2, 3, 64, 96)
    with torch.inference_mode():
        ab, uncertainty = network_colors(generator, lightness, hints)
        raw = generator(lightness, hints)
        assert torch.allclose(ab, enlarge(generator.head.colors(raw), (32, 48)))
    assert generator.fine_stride == 2
    assert uncertainty is not None
    assert uncertainty.shape == (2, 1, 64 // stride, 96 // stride)


@pytest.mark.parametrize("surroundings", [False, True])
def test_it_is_the_terms_times_the_weights(lightness: torch.Tensor, *, surroundings: bool) -> None:
    generator = weighted(detail_surroundings=surroundings)
    stage = generator.detail
    assert stage is not None
    hints = torch.zeros(2, 3, 64, 96)
    with torch.inference_mode():
        features = generator.encode(lightness, hints)
        own = generator.head.colors(generator.decode(features, lightness, hints))
        terms = stage.terms(features, lightness, own)
        weights = torch.cat(list(stage.parameters()), dim=1)
        expected = enlarge(own, (32, 48)) + torch.einsum("kn,bnhw->bkhw", weights, terms)
        found = enlarge(stage.mix(own), (32, 48)) + stage(features, lightness)
        assert torch.allclose(found, expected, atol=1e-5)
        assert torch.allclose(network_colors(generator, lightness, hints)[0], expected, atol=1e-5)
    assert (found - enlarge(own, (32, 48))).abs().mean() > 0.005


def test_a_table_reads_lightness_alone() -> None:
    generator = build()
    stage = generator.detail
    assert stage is not None
    knots = stage.tables[0]
    stage.weight[0, knots.start : knots.stop] = torch.linspace(-0.3, 0.3, len(knots))
    levels = torch.linspace(-1, 1, 48).repeat_interleave(2).expand(1, 1, 64, 96).contiguous()
    with torch.inference_mode():
        told = stage(generator.encode(levels, torch.zeros(1, 3, 64, 96)), levels)
    # A straight line through the knots is what a straight line of lightness becomes.
    assert torch.allclose(told[0, 0, 5], torch.linspace(-0.3, 0.3, 48), atol=1e-5)
    assert torch.equal(told[0, 1], torch.zeros(32, 48))


def test_the_cells_around_are_what_scipy_finds_them_to_be(lightness: torch.Tensor) -> None:
    generator = build(detail_surroundings=True)
    stage = generator.detail
    assert stage is not None
    own = lightness[:1].unflatten(-1, (48, 2)).unflatten(-3, (32, 2)).mean(dim=(-3, -1))
    count = stage.weight.shape[1]
    with torch.inference_mode():
        pyramid = generator.encode(lightness[:1], torch.zeros(1, 3, 64, 96))
        terms = stage.terms(pyramid, lightness[:1], torch.zeros(1, 2, 8, 12))[0, count:].numpy()
    plane = own[0, 0].numpy()
    assert np.allclose(terms[0], shifted(plane, -2, -2) - plane, atol=1e-6)
    assert np.allclose(terms[12], shifted(plane, 0, 1) - plane, atol=1e-6)
    for first, side in ((24, 5), (29, 9)):
        mean, squares = (ndimage.uniform_filter(p, side, mode="nearest") for p in (plane, plane**2))
        assert np.allclose(terms[first], np.sqrt(squares - mean**2), atol=1e-5)
        assert np.allclose(terms[first + 1], mean - plane, atol=1e-5)
        assert np.allclose(terms[first + 2], abs(mean - plane), atol=1e-5)
        highest = ndimage.maximum_filter(plane, side, mode="nearest")
        lowest = ndimage.minimum_filter(plane, side, mode="nearest")
        assert np.allclose(terms[first + 3], highest - plane, atol=1e-6)
        assert np.allclose(terms[first + 4], lowest - plane, atol=1e-6)


def shifted(plane: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the cells that lie so many rows and columns farther, the border's repeated."""
    padded = np.pad(plane, 2, mode="edge")
    height, width = plane.shape
    return padded[2 + rows : 2 + rows + height, 2 + columns : 2 + columns + width]


def test_the_cells_around_can_be_added_to_a_model_that_lacks_them(
    lightness: torch.Tensor,
) -> None:
    base = weighted()
    config = extended(base.config, GeneratorConfig(detail=True, detail_surroundings=True))
    assert config == dataclasses.replace(base.config, detail_surroundings=True)
    more = build_generator(config).eval()
    more.load_state_dict(more.state_dict() | base.state_dict())
    none = torch.zeros(2, 3, 64, 96)
    with torch.inference_mode():
        found, expected = (network_colors(each, lightness, none)[0] for each in (more, base))
    assert torch.equal(found, expected)
    with pytest.raises(ConfigError, match="detail_surroundings to be false without detail"):
        dataclasses.replace(PLAIN, detail_surroundings=True)
    assert not extended(PIX2PIX, config).detail_surroundings


@pytest.mark.parametrize("spread_channels", [0, 4])
def test_hints_keep_their_places(lightness: torch.Tensor, spread_channels: int) -> None:
    generator = weighted(spread_channels=spread_channels)
    hints = torch.zeros(2, 3, 64, 96)
    hints[:, :, 16:32, 16:24] = torch.tensor([0.3, -0.2, 1.0]).view(3, 1, 1)
    with torch.inference_mode():
        ab, uncertainty = network_colors(generator, lightness, hints)
        none, _ = network_colors(generator, lightness, torch.zeros_like(hints))
    expected = torch.tensor([0.3, -0.2]).view(2, 1, 1).expand(2, 8, 4)
    assert torch.allclose(ab[0, :, 8:16, 8:12], expected, atol=1e-6)
    assert (none[0, :, 8:16, 8:12] - expected).abs().mean() > 0.05
    assert uncertainty is not None
    assert uncertainty[0, 0, 2:4, 2].abs().max() < 1e-6


def test_a_spreader_corrects_the_answer_as_it_will_be(lightness: torch.Tensor) -> None:
    # A hint that says what is answered anyway changes next to nothing, detail or not.
    generator = weighted(spread_channels=4)
    none = torch.zeros(2, 3, 64, 96)
    with torch.inference_mode():
        answer, _ = network_colors(generator, lightness, none)
        hints = none.clone()
        said = answer[:, :, 8:12, 8:12].mean(dim=(2, 3))
        hints[:, :2, 16:24, 16:24], hints[:, 2, 16:24, 16:24] = said[:, :, None, None], 1.0
        again, _ = network_colors(generator, lightness, hints)
    away = torch.ones(32, 48, dtype=torch.bool)
    away[8:12, 8:12] = False
    assert (again - answer)[..., away].abs().max() < 0.005 < 0.1 * answer[..., away].abs().max()


@pytest.mark.parametrize("config", [PIX2PIX, GeneratorConfig(output_stride=2)])
def test_fine_answers_have_none(config: GeneratorConfig) -> None:
    with pytest.raises(ConfigError, match="detail to be false with an output_stride below 4"):
        dataclasses.replace(config, detail=True)


def test_what_can_be_added_to_trained_weights() -> None:
    wanted = GeneratorConfig(spread_channels=7, detail=True)
    both = extended(PLAIN, wanted)
    assert both == dataclasses.replace(PLAIN, spread_channels=7, detail=True)
    assert extended(both, GeneratorConfig(spread_channels=3)) == both
    assert extended(PIX2PIX, GeneratorConfig(detail=True)) == PIX2PIX
    # Dropout has no weights: a recipe's is taken, a base's is kept where the recipe has none.
    dropping = extended(both, GeneratorConfig(dropout=0.2))
    assert dropping == dataclasses.replace(both, dropout=0.2)
    assert extended(dropping, GeneratorConfig()) == dropping
