"""The U-Net with a look: what the look is for, and that tiles of one picture share it."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.folding import fold_batch_norms, have_same_output
from napari_colorgan.core.networks.footprint import measure_footprint
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.core.networks.look_unet import LookUNet
from napari_colorgan.errors import ConfigError
from predicting import TINY_LOOK, lab_of, noise, predictor, whole_and_tiled


def planes(height: int, width: int, batch: int = 1) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(batch, 1, height, width, generator=rng) * 2 - 1


@pytest.fixture(scope="module")
def generator() -> LookUNet:
    """Return a generator whose look and normalisations do something."""
    torch.manual_seed(0)
    built = build_generator(TINY_LOOK).eval().requires_grad_(False)
    assert isinstance(built, LookUNet)
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.bias, 0.0, 0.2)
    for name, parameter in built.named_parameters():
        if "modulation" in name:
            nn.init.normal_(parameter, 0.0, 0.3)
    built.head.projection.weight.mul_(10)
    return built


def test_the_look_is_one_vector_for_a_picture_of_any_size(generator: LookUNet) -> None:
    for height, width in ((64, 96), (96, 256)):
        lightness = planes(height, width, batch=2)
        features = generator.encode(lightness, torch.zeros(2, 3, height, width))
        assert generator.look(features).shape == (2, TINY_LOOK.look_channels)
        assert generator.decode(features, lightness, lightness).shape[-2:] == (
            height // 8,
            width // 8,
        )


def test_a_given_look_changes_the_colours_and_its_own_does_not(generator: LookUNet) -> None:
    lightness = planes(64, 64)
    features = generator.encode(lightness, lightness)
    own = generator.look(features)
    plain = generator.predict(lightness).ab
    assert torch.equal(generator.predict(lightness, look=own).ab, plain)
    assert not torch.allclose(generator.predict(lightness, look=own + 1.0).ab, plain, atol=1e-3)


def test_what_is_far_away_reaches_a_place_by_the_look_alone(generator: LookUNet) -> None:
    near, far = planes(64, 2048), planes(64, 2048)
    far[..., 1024:] = -1.0
    looks = [generator.look(generator.encode(each, each)) for each in (near, far)]
    assert not torch.allclose(*looks)
    own = [generator.predict(each).ab[..., :8] for each in (near, far)]
    shared = [generator.predict(each, look=looks[0]).ab[..., :8] for each in (near, far)]
    assert not torch.equal(*own)
    assert torch.allclose(*shared, atol=1e-6)


def test_halo_is_that_of_convolutions(generator: LookUNet) -> None:
    footprint = measure_footprint(generator)
    assert footprint.halo % 32 == 0
    assert footprint.halo < 640


def test_folded_output_is_the_same(generator: LookUNet) -> None:
    folded = copy.deepcopy(generator)
    assert fold_batch_norms(folded) > 0
    assert have_same_output(generator, folded)


@pytest.mark.parametrize("shape", [(704, 1000), (150, 1500)])
def test_tiles_share_the_look_of_their_plane(generator: LookUNet, shape: tuple[int, int]) -> None:
    whole, tiled, tiles = whole_and_tiled(generator, noise(*shape), 28)
    assert tiles > 1
    difference = np.abs(lab_of(tiled.rgb)[..., 1:] - lab_of(whole.rgb)[..., 1:])
    assert difference.max() <= 1.0
    assert np.abs(lab_of(whole.rgb)[..., 1:]).mean() > 1.0


def test_planes_of_a_batch_have_looks_of_their_own(generator: LookUNet) -> None:
    first, second = noise(64, 96, high=255), noise(64, 96, high=255, seed=1)
    engine = predictor(generator)
    from napari_colorgan.inference.display import DisplayRange

    display = DisplayRange(0, 255)
    together = engine.predict([first, second], display)
    alone = [engine.predict([each], display)[0] for each in (first, second)]
    for a, b in zip(together, alone, strict=True):
        assert np.abs(a.rgb.astype(int) - b.rgb).max() <= 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"look_channels": 0}, "look_channels"),
        ({"context_channels": 0}, "context_channels"),
        ({"look_channels": True}, "look_channels"),
        ({"architecture": "unet"}, "look_channels"),
    ],
)
def test_contradiction_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        GeneratorConfig.from_dict({**TINY_LOOK.to_dict(), **changes})


def test_other_generators_have_no_look_and_ignore_one() -> None:
    plain = dataclasses.replace(TINY_LOOK, architecture="unet", look_channels=0)
    generator = build_generator(plain).eval().requires_grad_(False)
    lightness = planes(64, 64)
    assert generator.look(generator.encode(lightness, torch.zeros(1, 3, 64, 64))) is None
    assert torch.equal(
        generator.predict(lightness, look=torch.ones(1, 12)).ab, generator.predict(lightness).ab
    )


def test_a_detail_stage_can_be_added_to_trained_weights(generator: LookUNet) -> None:
    detailed = build_generator(dataclasses.replace(TINY_LOOK, detail=True)).eval()
    detailed.load_state_dict(detailed.state_dict() | generator.state_dict())
    lightness = planes(64, 96)
    with torch.inference_mode():
        expected, found = generator.predict(lightness), detailed.predict(lightness)
    assert torch.allclose(found.ab, expected.ab, atol=1e-5)
    assert found.detail is not None
    assert found.detail.abs().max() == 0


def test_dropout_acts_while_training_alone_and_has_no_weights(generator: LookUNet) -> None:
    dropping = build_generator(dataclasses.replace(TINY_LOOK, dropout=0.5))
    dropping.load_state_dict(generator.state_dict())
    lightness = planes(64, 64)
    hints = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(dropping.eval()(lightness, hints), generator(lightness, hints))
        # Statistics of the batch's own would differ, too: only what drops is set to training.
        for module in dropping.modules():
            module.train(isinstance(module, nn.Dropout | nn.Dropout2d))
        looks = [dropping.look(dropping.encode(lightness, hints)) for _ in range(2)]
        answers = [dropping(lightness, hints) for _ in range(2)]
    assert not torch.equal(*looks)
    assert not torch.equal(*answers)
