"""The network and the planes that are measured."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.library.model_file import load_model_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator

PACKAGE = files("napari_colorgan")
DISPLAY = DisplayRange(0, 65535)


@dataclass(frozen=True, eq=False)
class Subject:
    """The network that is measured.

    Attributes
    ----------
    name : str
        What it is.
    generator : Generator
        On the CPU, in evaluation mode.
    working_size : int
        The short side for "fit".
    """

    name: str
    generator: Generator
    working_size: int

    def predictor(self, **choices: Any) -> PlanePredictor:
        """Return a predictor with these settings."""
        return PlanePredictor(
            self.generator, PredictionSettings(**choices), working_size=self.working_size
        )


def bundled_or_untrained() -> Subject:
    """Return the bundled model "natural"; without it, its architecture, which costs the same."""
    path: Path = PACKAGE / "library" / "bundled" / "natural.colorgan.safetensors"  # type: ignore[assignment]
    if path.is_file():
        model = load_model_file(path)
        return Subject(
            f"natural {model.card.version}", model.generator.eval(), model.card.working_size
        )
    torch.manual_seed(0)
    config = GeneratorConfig(decoder_channels=(128, 96), output_stride=8)
    return Subject("untrained", build_generator(config).eval(), 256)


def plane(height: int, width: int | None = None) -> np.ndarray:
    """Return a photograph of any size, uint16, with some grain."""
    path: Path = PACKAGE / "samples" / "photograph.jpg"  # type: ignore[assignment]
    photograph = Image.open(path).convert("L")
    resized = photograph.resize((width or height, height), Image.Resampling.BICUBIC)
    values = np.asarray(resized).astype(np.uint16) * 256
    grain = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint16)
    for top in range(0, values.shape[0], 256):
        for left in range(0, values.shape[1], 256):
            block = values[top : top + 256, left : left + 256]
            block += grain[: block.shape[0], : block.shape[1]]
    return values


def bare_network(predictor: PlanePredictor, subject: Subject) -> Callable[[Tensor], Tensor]:
    """Return what runs the network alone, from L*/50 - 1 to a*b*, as the predictor runs it.

    In the same precision, on the same device and in the same memory format; but as it was
    trained, with its batch normalisations.
    """
    device = predictor.device
    generator = copy.deepcopy(subject.generator).to(device).to(memory_format=torch.channels_last)
    dtype = predictor._runner.dtype or torch.float32
    lower = dtype != torch.float32

    def run(lightness: Tensor) -> Tensor:
        with torch.inference_mode():
            fed = lightness.to(device)
            hints = fed.new_zeros(len(fed), 3, *fed.shape[-2:])
            with torch.autocast(device.type, dtype=dtype if lower else None, enabled=lower):
                raw = generator(fed, hints)
            return generator.head.colors(raw.float()).cpu()

    return run


def precision_of(predictor: PlanePredictor) -> str:
    """Return the precision that the predictor has chosen, once it has run."""
    return str(predictor._runner.dtype).removeprefix("torch.")
