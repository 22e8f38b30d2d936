"""Augmentation: random patches of pictures, the same ones for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from napari_colorgan.core.color import gray_to_lightness, lightness_to_network
from napari_colorgan.core.color_tables import look_up, mix
from napari_colorgan.training.pictures.data import Batch, is_pair, resize_short_side, to_lab_planes
from napari_colorgan.training.pictures.stains import vary_stains
from napari_colorgan.training.pictures.tones import vary_tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.training.config_parts import DataConfig

REC709 = torch.tensor([0.2126, 0.7152, 0.0722])
# Shares of red, green and blue. Emulsions before the panchromatic ones, common until the 1920s,
# were blind to red and most sensitive to blue.
ORTHOCHROMATIC = torch.tensor([0.02, 0.48, 0.50])
# The light of a display for each 8-bit level; L*/50 - 1 of 4,096 gray levels, finer than any grain.
DISPLAY_LIGHT = (torch.arange(256) / 255.0) ** 2.2
# A table, since the exact curve has a power for every pixel of every patch.
NETWORK_LIGHTNESS = lightness_to_network(gray_to_lightness(torch.linspace(0.0, 1.0, 4096)))


def generator_for(*numbers: int) -> torch.Generator:
    """Return a random number generator that depends on some numbers alone.

    Parameters
    ----------
    *numbers : int
        Such as seed, epoch and index; 0 or more.
    """
    # Multiplied by 2^64 over the golden ratio, as in Fibonacci hashing: consecutive numbers give
    # seeds far apart.
    seed = 0
    for number in numbers:
        seed = (seed * 0x9E3779B97F4A7C15 + number + 1) % 2**63
    return torch.Generator().manual_seed(seed)


def sample_uniform(generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> float:
    """Return a number sampled uniformly.

    Parameters
    ----------
    generator : torch.Generator
        Advanced by one number.
    low, high : float
        The interval, its upper end excluded.
    """
    return low + (high - low) * float(torch.rand((), generator=generator))


def make_patch(rgb: Tensor, config: DataConfig, generator: torch.Generator) -> Tensor:
    """Cut a patch from a picture.

    Parameters
    ----------
    rgb : Tensor of uint8, shape (3, H, W) or (4, H, W)
        The picture, and of a pair its gray image.
    config : DataConfig
        Its `size`, `zoom`, `scale`, `flips` and `turns`.
    generator : torch.Generator
        Random numbers.

    Returns
    -------
    Tensor of uint8, shape (3, size, size) or (4, size, size)
    """
    zoom = sample_uniform(generator, *config.zoom)
    base = config.size if config.scale == "fit" else min(rgb.shape[-2:])
    # Never smaller than the patch that is cut from it.
    side = max(config.size, round(base * zoom))
    if side != min(rgb.shape[-2:]):
        rgb = resize_short_side(rgb, side)
    top = int(sample_uniform(generator, 0, rgb.shape[-2] - config.size + 1))
    left = int(sample_uniform(generator, 0, rgb.shape[-1] - config.size + 1))
    patch = rgb[:, top : top + config.size, left : left + config.size]
    # A quarter turn and a reflection give all eight orientations of a square.
    if (config.flips or config.turns) and sample_uniform(generator) < 0.5:
        patch = patch.flip(-1)
    if config.turns:
        patch = torch.rot90(patch, int(sample_uniform(generator, 0, 4)), (-2, -1))
    return patch.contiguous()


def make_batch(
    patches: Sequence[Tensor], config: DataConfig, generators: Sequence[torch.Generator]
) -> Batch:
    """Turn patches into a batch.

    Some of them get other stains or tones (`DataConfig.stains`, `tones`) or are degraded to what
    old film recorded (`DataConfig.film`), but never pairs: the gray image of a pair comes from a
    real camera.

    Parameters
    ----------
    patches : sequence of Tensor, shapes (3 or 4, H, W)
        uint8; RGB, and the gray image of a pair.
    config : DataConfig
        The recipe's augmentation.
    generators : sequence of torch.Generator
        One for each patch.

    Returns
    -------
    Batch
        In network units.
    """
    rgb = torch.stack(list(patches))
    if not is_pair(rgb):
        for share, vary in ((config.stains, vary_stains), (config.tones, vary_tones)):
            for i, generator in enumerate(generators if share else ()):
                if sample_uniform(generator) < share:
                    rgb[i] = vary(rgb[i], generator)
    lightness, ab = to_lab_planes(rgb)
    for i, generator in enumerate(generators):
        if sample_uniform(generator) < config.film and not is_pair(rgb):
            lightness[i] = film_lightness(rgb[i], generator)
            if config.film_chroma < 1.0:
                ab[i] *= sample_uniform(generator, config.film_chroma, 1.0)
    return Batch(lightness, ab)


def film_lightness(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Render a colour patch as an old black-and-white photograph would show it.

    Parameters
    ----------
    rgb : Tensor of uint8, shape (3, H, W)
        The patch.
    generator : torch.Generator
        Random numbers.

    Returns
    -------
    Tensor, shape (1, H, W)
        L*/50 - 1 after a mix of pan- and orthochromatic rendering, gamma, contrast, fading of
        blacks and whites, blur and grain, each of random strength.
    """
    # How orthochromatic the film is.
    share = sample_uniform(generator, 0.0, 0.7)
    weights = (1.0 - share) * REC709 + share * ORTHOCHROMATIC
    gray = mix(weights.tolist(), look_up(DISPLAY_LIGHT, rgb))[None]
    gray = gray.clamp_(0.0, 1.0).pow_(sample_uniform(generator, 0.75, 1.4) / 2.2)
    black, white = sample_uniform(generator, 0.0, 0.12), sample_uniform(generator, 0.85, 1.0)
    gray.mul_(white - black).add_(black)
    if sample_uniform(generator) < 0.5:
        gray = transforms.gaussian_blur(gray, [5, 5], [sample_uniform(generator, 0.3, 1.2)])
    if sample_uniform(generator) < 0.5:
        gray = gray + _grain(gray, generator) * sample_uniform(generator, 0.005, 0.06)
    level = gray.clamp_(0.0, 1.0).mul_(len(NETWORK_LIGHTNESS) - 1).round_()
    return NETWORK_LIGHTNESS[level.long()]


def _grain(gray: Tensor, generator: torch.Generator) -> Tensor:
    """Return noise with grains of one or two pixels, of about unit variance, (1, H, W)."""
    height, width = gray.shape[-2:]
    if sample_uniform(generator) < 0.5:
        return torch.randn(1, height, width, generator=generator)
    coarse = torch.randn(1, 1, (height + 1) // 2, (width + 1) // 2, generator=generator)
    fine = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    # Interpolation averages the noise; this brings its standard deviation back to about 1.
    return fine[0] * 1.6


def centre_crop(rgb: Tensor, side: int) -> Tensor:
    """Bring the short side of (3 or 4, H, W) to `side` and cut the square in the middle.

    Parameters
    ----------
    rgb : Tensor, shape (3 or 4, H, W)
        uint8.
    side : int
        In pixels.

    Returns
    -------
    Tensor, shape (3 or 4, side, side)
        uint8.
    """
    if min(rgb.shape[-2:]) != side:
        rgb = resize_short_side(rgb, side)
    cropped: Tensor = transforms.center_crop(rgb, [side, side])
    return cropped
