"""The discriminator: a grid of logits, each of a patch, conditional or not."""

from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.networks.discriminator import DiscriminatorConfig, PatchGANDiscriminator
from napari_colorgan.errors import ConfigError


def test_grid_of_logits_as_in_pix2pix() -> None:
    discriminator = PatchGANDiscriminator(DiscriminatorConfig())
    logits = discriminator(torch.zeros(1, 1, 256, 256), torch.zeros(1, 2, 256, 256))
    assert logits.shape == (1, 1, 30, 30)  # pix2pix's 70-pixel PatchGAN at 256 px
    # pix2pix counts 2,768,705 parameters for its six input channels; ours has three.
    difference = 3 * 64 * 16
    assert sum(p.numel() for p in discriminator.parameters()) == 2_768_705 - difference


def test_a_logit_sees_its_patch_of_70_pixels_only() -> None:
    discriminator = PatchGANDiscriminator(DiscriminatorConfig(filters=4)).eval()
    ab = torch.zeros(1, 2, 256, 256, requires_grad=True)
    discriminator(torch.zeros(1, 1, 256, 256), ab)[0, 0, 15, 15].backward()
    rows = ab.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 70


def test_only_a_conditional_one_sees_the_lightness() -> None:
    first, second = torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)
    ab = torch.rand(1, 2, 64, 64)
    for conditional in (True, False):
        config = DiscriminatorConfig(filters=4, conditional=conditional)
        discriminator = PatchGANDiscriminator(config).eval()
        same = torch.equal(discriminator(first, ab), discriminator(second, ab))
        assert same is not conditional


@pytest.mark.parametrize(
    ("values", "named"),
    [({"filters": 0}, "filters"), ({"downs": 9}, "downs"), ({"loss": "x"}, "loss")],
)
def test_unusable_setting_is_refused_by_name(values: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=f"discriminator.{named}"):
        DiscriminatorConfig(**values)
