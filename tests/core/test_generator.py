"""Generators: shapes, hints, contradictions, and a pretrained encoder that keeps its answers."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_colorgan.core.color import AB_SCALE, in_gamut
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.core.networks.heads import DistributionHead, gamut_bins
from napari_colorgan.core.prediction import pool_hints
from napari_colorgan.errors import ConfigError
from predicting import network_colors

SMALL = GeneratorConfig(decoder_channels=(16, 8), output_stride=8)
PIX2PIX = GeneratorConfig(
    architecture="pix2pix", decoder_channels=(4,), output_stride=1, head="regression"
)


def planes(height: int = 64, width: int = 96, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    lightness = torch.rand(batch, 1, height, width, generator=rng) * 2 - 1
    return lightness, torch.zeros(batch, 3, height, width)


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (SMALL, (64, 96)),
        (dataclasses.replace(SMALL, context_channels=8), (64, 96)),
        (GeneratorConfig(decoder_channels=(16, 8, 8)), (64, 96)),
        (GeneratorConfig(decoder_channels=(16, 8), output_stride=8, skips=False), (64, 96)),
        (
            GeneratorConfig(
                encoder="resnet18",
                decoder_channels=(16, 16, 8, 8, 8),
                output_stride=1,
                head="regression",
            ),
            (64, 96),
        ),
        (PIX2PIX, (128, 256)),
        (
            GeneratorConfig(
                architecture="pix2pix",
                decoder_channels=(4,),
                output_stride=1,
                head="regression",
                skips=False,
                dropout=0.5,
            ),
            (128, 256),
        ),
    ],
)
def test_answer_has_the_output_grid_and_stays_within_the_scale(
    config: GeneratorConfig, size: tuple[int, int]
) -> None:
    generator = build_generator(config).eval()
    lightness, hints = planes(*size)
    with torch.inference_mode():
        ab, uncertainty = network_colors(generator, lightness, hints)
    grid = (size[0] // config.output_stride, size[1] // config.output_stride)
    assert ab.shape == (2, 2, *grid)
    assert ab.abs().max() <= 1.0
    if config.head == "distribution":
        assert uncertainty is not None
        assert uncertainty.shape == (2, 1, *grid)
        assert 0.0 <= uncertainty.min() <= uncertainty.max() <= 1.0
    else:
        assert uncertainty is None


@pytest.mark.parametrize(("config", "coarsest"), [(SMALL, 4), (PIX2PIX, 1)])
def test_stride_is_how_far_the_network_shrinks_its_input(
    config: GeneratorConfig, coarsest: int
) -> None:
    generator = build_generator(config).eval()
    with torch.inference_mode():
        features = generator.encode(*planes(128, 256, batch=1))
    assert features[-1].shape[-2:] == (coarsest, 2 * coarsest)
    assert generator.stride == config.stride == 128 // coarsest


def test_forward_is_decode_of_encode() -> None:
    generator = build_generator(SMALL).eval()
    lightness, hints = planes()
    with torch.inference_mode():
        features = generator.encode(lightness, hints)
        assert torch.equal(
            generator.decode(features, lightness, hints), generator(lightness, hints)
        )


def test_new_hint_stem_leaves_the_encoder_as_it_was() -> None:
    generator = build_generator(SMALL).eval()
    lightness, hints = planes()
    marked = hints.clone()
    marked[:, :, 10:20, 10:20] = 0.5
    with torch.inference_mode():
        plain, hinted = generator.encode(lightness, hints), generator.encode(lightness, marked)
    assert all(torch.equal(a, b) for a, b in zip(plain, hinted, strict=True))


def test_context_carries_a_hint_far_beyond_its_place() -> None:
    torch.manual_seed(0)
    reach = {}
    for channels in (0, 16):
        config = dataclasses.replace(SMALL, context_channels=channels)
        generator = build_generator(config).eval()
        lightness, hints = planes(32, 512, batch=1)
        marked = hints.clone()
        marked[:, :, :8, :8] = 0.5
        with torch.inference_mode():
            change = generator(lightness, marked) - generator(lightness, hints)
        reach[channels] = (
            int(change.abs().amax(dim=(0, 1, 2)).nonzero().max()) * SMALL.output_stride
        )
    assert reach[0] < 100 < reach[16]


def test_hint_is_the_answer_where_it_lies_and_sure() -> None:
    generator = build_generator(SMALL).eval()
    lightness, hints = planes()
    hints[:, 0, 16:32, 16:32], hints[:, 1, 16:32, 16:32] = 0.25, -0.5
    hints[:, 2, 16:32, 16:32] = 1.0
    with torch.inference_mode():
        ab, uncertainty = network_colors(generator, lightness, hints)
    assert torch.allclose(ab[:, 0, 2:4, 2:4], torch.tensor(0.25))
    assert torch.allclose(ab[:, 1, 2:4, 2:4], torch.tensor(-0.5))
    assert uncertainty is not None
    assert uncertainty[:, :, 2:4, 2:4].abs().max() == 0.0


def test_pooled_hints_are_weighted_means() -> None:
    hints = torch.zeros(1, 3, 8, 8)
    hints[0, :, 0, 0] = torch.tensor([0.4, -0.2, 1.0])
    hints[0, :, 0, 1] = torch.tensor([0.8, 0.2, 0.5])
    ab, weight = pool_hints(hints, 4)
    assert ab[0, :, 0, 0].tolist() == pytest.approx([(0.4 + 0.4) / 1.5, (-0.2 + 0.1) / 1.5])
    assert weight[0, 0, 0, 0].item() == pytest.approx(2 * 1.5 / 16)
    assert weight[0, 0, 1, 1] == 0.0


def test_bins_are_the_grid_cells_that_some_lightness_shows() -> None:
    bins = gamut_bins(10)
    assert (bins % 10 == 0).all()
    levels = torch.linspace(1, 99, 197)
    for ab in bins[::17]:
        lab = torch.stack([levels, *(torch.full_like(levels, float(v)) for v in ab)])[..., None]
        assert in_gamut(lab).any()
    # No lightness shows a strong cyan-blue of this chroma.
    assert not ((bins == torch.tensor([-80.0, -80.0])).all(dim=1)).any()
    assert ((bins == 0.0).all(dim=1)).sum() == 1


def test_temperature_leads_from_the_mean_to_the_mode() -> None:
    head = DistributionHead(4, 10)
    raw = torch.randn(1, len(head.bins), 2, 2, generator=torch.Generator().manual_seed(1))
    probabilities = raw.softmax(dim=1)
    mean = torch.stack(
        [
            sum(probabilities[:, q] * head.bins[q, c] for q in range(len(head.bins)))
            for c in range(2)
        ],
        dim=1,
    )
    assert torch.allclose(head.colors(raw, 1.0), mean, atol=1e-6)
    mode = head.bins[raw.argmax(dim=1)].permute(0, 3, 1, 2)
    assert torch.allclose(head.colors(raw, 1e-3), mode, atol=1e-4)
    assert head.bins.abs().max() * AB_SCALE <= 110


def test_uncertainty_is_one_for_no_idea_and_zero_for_certainty() -> None:
    head = DistributionHead(4, 10)
    flat = torch.zeros(1, len(head.bins), 1, 1)
    sure = flat.clone()
    sure[:, 3] = 100.0
    assert head.uncertainty(flat).item() == pytest.approx(1.0, abs=1e-6)
    assert head.uncertainty(sure).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"architecture": "vit"}, "architecture"),
        ({"head": "softmax"}, "head"),
        ({"output_stride": 3}, "output_stride"),
        ({"decoder_channels": ()}, "decoder_channels"),
        ({"dropout": 1.0}, "dropout"),
        ({"bin_size": 1}, "bin_size"),
        ({"architecture": "pix2pix"}, "head"),
        ({"colour": "red"}, "generator.colour"),
    ],
)
def test_unusable_setting_is_refused_by_name(values: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        GeneratorConfig.from_dict(values)


def test_unknown_encoder_is_refused() -> None:
    config = GeneratorConfig(encoder="no_such_net", decoder_channels=(8, 8), output_stride=8)
    with pytest.raises(ConfigError, match="no_such_net"):
        build_generator(config)


def test_levels_that_do_not_reach_the_output_are_refused() -> None:
    with pytest.raises(ConfigError, match="decoder_channels"):
        build_generator(GeneratorConfig(decoder_channels=(8,), output_stride=8))


def test_config_round_trip() -> None:
    assert GeneratorConfig.from_dict(SMALL.to_dict()) == SMALL
