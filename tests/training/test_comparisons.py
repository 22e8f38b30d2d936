"""Every comparison of the paper is one setting, and each does what it says."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.discriminator import DiscriminatorConfig, PatchGANDiscriminator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import StepData
from napari_colorgan.training.pictures.data import Batch

if TYPE_CHECKING:
    from torch import Tensor, nn

UNET = {"decoder_channels": (8, 8), "output_stride": 8, "head": "regression"}
PIX2PIX = {
    "architecture": "pix2pix",
    "decoder_channels": (4,),
    "output_stride": 1,
    "head": "regression",
}
BATCH = 2


def make_phase(
    kind: str = "supervised",
    *,
    generator: dict[str, Any] = UNET,
    discriminator: dict[str, Any] | None = None,
    freeze_statistics: bool = True,
    **phase: Any,
) -> Phase:
    """Return a phase on a small U-Net or pix2pix, and a small discriminator."""
    torch.manual_seed(0)
    phase = {"adversarial": float(kind == "adversarial"), "l1": 10.0, **phase}
    config = TrainingConfig(
        generator=GeneratorConfig(**generator),
        discriminator=DiscriminatorConfig(filters=4, downs=1, **(discriminator or {})),
        data=DataConfig(size=128),
        phases=(PhaseConfig(kind, batch_size=BATCH, lr=1e-3, **phase),),
        freeze_statistics=freeze_statistics,
    )
    judge = PatchGANDiscriminator(config.discriminator)
    return Phase(config, 0, build_generator(config.generator), judge)


def make_data(*, lightness: float | None = None, error: float | None = None) -> StepData:
    """Return random patches of 128 px; of one lightness, or one distance from gray, if given."""
    rng = torch.Generator().manual_seed(0)
    level = torch.rand(BATCH, 1, 128, 128, generator=rng) * 2 - 1
    ab = torch.rand(BATCH, 2, 128, 128, generator=rng) - 0.5
    level = level if lightness is None else torch.full_like(level, lightness)
    ab = ab if error is None else torch.full_like(ab, error)
    return StepData(0, Batch(level, ab), torch.zeros(BATCH, 3, 128, 128), None)


def state(module: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(module.state_dict())


def changed(before: dict[str, Tensor], module: nn.Module) -> set[str]:
    return {k for k, v in module.state_dict().items() if not torch.equal(v, before[k])}


@pytest.mark.parametrize("architecture", [UNET, PIX2PIX])
@pytest.mark.parametrize("skips", [True, False])
def test_skips_carry_fine_features_to_the_decoder(
    architecture: dict[str, Any], skips: bool
) -> None:
    network = build_generator(GeneratorConfig(**{**architecture, "skips": skips})).eval()
    data = make_data()
    with torch.no_grad():
        features = network.encode(data.batch.lightness, data.hints)
        answer = network.decode(features, data.batch.lightness, data.hints)
        finer = [f + 1.0 for f in features[:-1]]
        moved = network.decode([*finer, features[-1]], data.batch.lightness, data.hints)
    assert torch.equal(answer, moved) is not skips


@pytest.mark.parametrize("architecture", [UNET, PIX2PIX])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_is_noise_while_training_only(architecture: dict[str, Any], dropout: float) -> None:
    network = build_generator(GeneratorConfig(**{**architecture, "dropout": dropout}))
    data = make_data()
    for training in (True, False):
        network.train(training)
        with torch.no_grad():
            answers = [network(data.batch.lightness, data.hints) for _ in range(2)]
        noisy = not torch.equal(*answers)
        assert noisy is (training and dropout > 0)


@pytest.mark.parametrize("conditional", [True, False])
def test_unconditional_discriminator_is_blind_to_lightness(conditional: bool) -> None:
    # One step from the same start, on the same colours at two lightnesses: the generator is
    # frozen in its answers by a head of zeros.
    found = []
    for lightness in (-0.9, 0.9):
        phase = make_phase("discriminator", discriminator={"conditional": conditional})
        torch.nn.init.zeros_(phase.generator.head.projection.weight)
        found.append(phase.step(make_data(lightness=lightness), 1.0))
    assert (found[0] == found[1]) is not conditional


def test_without_an_adversary_only_the_generator_learns() -> None:
    phase = make_phase()
    generator, judge = state(phase.generator), state(phase.discriminator)
    losses = phase.step(make_data(), 1.0)
    assert set(losses) == {"G L1", "G"}
    assert changed(generator, phase.generator)
    assert not changed(judge, phase.discriminator)


def test_with_an_adversary_both_learn() -> None:
    phase = make_phase("adversarial")
    generator, judge = state(phase.generator), state(phase.discriminator)
    losses = phase.step(make_data(), 1.0)
    assert set(losses) == {"D fake", "D real", "D", "G GAN", "G L1", "G"}
    assert losses["D"] == pytest.approx((losses["D fake"] + losses["D real"]) / 2)
    assert losses["G"] == pytest.approx(losses["G GAN"] + losses["G L1"])
    assert changed(generator, phase.generator)
    assert changed(judge, phase.discriminator)


def test_discriminator_phase_leaves_the_generator_as_it_is() -> None:
    phase = make_phase("discriminator", generator={**UNET, "dropout": 0.5})
    generator, judge = state(phase.generator), state(phase.discriminator)
    losses = [phase.step(make_data(), 1.0) for _ in range(5)]
    assert set(losses[0]) == {"D fake", "D real", "D"}
    assert losses[-1]["D"] < losses[0]["D"]
    assert not changed(generator, phase.generator)
    assert changed(judge, phase.discriminator)


def test_lambda_weighs_the_mean_error() -> None:
    for weight in (1.0, 100.0):
        phase = make_phase("adversarial", l1=weight)
        torch.nn.init.zeros_(phase.generator.head.projection.weight)
        torch.nn.init.zeros_(phase.generator.head.projection.bias)  # gray answers
        losses = phase.step(make_data(error=0.25), 1.0)
        assert losses["G L1"] == pytest.approx(weight * 0.25)


@pytest.mark.parametrize(
    ("loss", "fake", "real", "generator"),
    [
        ("vanilla", math.log(2), math.log(2), math.log(2)),
        ("lsgan", 0.0, 1.0, 1.0),
        ("hinge", 1.0, 1.0, 0.0),
    ],
)
def test_gan_loss_is_chosen_by_name(loss: str, fake: float, real: float, generator: float) -> None:
    # A discriminator that has no opinion yet, and doesn't learn one.
    phase = make_phase("adversarial", discriminator={"loss": loss}, discriminator_lr=0.0)
    for parameter in list(phase.discriminator.layers[-1].parameters()):
        torch.nn.init.zeros_(parameter)
    losses = phase.step(make_data(), 1.0)
    wanted = {"D fake": fake, "D real": real, "G GAN": generator}
    assert {name: losses[name] for name in wanted} == pytest.approx(wanted)


def test_distribution_head_has_a_loss_of_its_own() -> None:
    phase = make_phase(generator={**UNET, "head": "distribution"}, classification=1.0)
    assert set(phase.step(make_data(), 1.0)) == {"G L1", "G CE", "G"}


@pytest.mark.parametrize("freeze", [True, False])
def test_frozen_statistics_are_those_of_the_encoder(freeze: bool) -> None:
    phase = make_phase(freeze_statistics=freeze)
    before = state(phase.generator)
    phase.step(make_data(), 1.0)
    moved = {k for k in changed(before, phase.generator) if "running_" in k}
    assert any(k.startswith("encoder.") for k in moved) is not freeze
    assert any(k.startswith("decoder.") for k in moved)


@pytest.mark.parametrize("rate", [0.0, 1e-4])
def test_encoder_has_a_rate_of_its_own(rate: float) -> None:
    phase = make_phase(encoder_lr=rate)
    before = state(phase.generator)
    phase.step(make_data(), 1.0)
    moved = {k for k in changed(before, phase.generator) if k.endswith("weight")}
    assert any(k.startswith("encoder.") for k in moved) is (rate > 0)
    assert any(k.startswith("decoder.") for k in moved)
    if rate:
        step = phase.generator.encoder.conv_stem.weight - before["encoder.conv_stem.weight"]
        # Adam's first step is the rate, whatever the gradient.
        assert step.abs().max().item() == pytest.approx(rate, rel=0.05)
