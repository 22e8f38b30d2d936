"""One phase of a run, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from napari_colorgan.training.plain_values import choose, require

PHASES = ("warm_up", "supervised", "discriminator", "adversarial", "hints", "fit")
SCHEDULES = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class PhaseConfig:
    """One phase of a run.

    Attributes
    ----------
    kind : {"warm_up", "supervised", "discriminator", "adversarial", "hints", "fit"}
        The decoder on cached features of the frozen encoder; the generator on L1 and
        classification; the discriminator alone on the generator's answers; both; what spreads
        hints (`HintPropagation`) alone, on L1; or the weights of the detail (`DetailRefinement`) in
        closed form, from one large batch, starting from the best state so far.
    epochs : float
        Passes over the training pictures; with a budget in minutes, the phase's share of it. A
        fit is one step, whatever this says.
    batch_size, accumulate : int
        Patches a step; backward passes a step over which they are spread.
    lr, encoder_lr, discriminator_lr : float
        Adam's learning rates at their peak; an encoder at 0 is frozen.
    encoder_stride : int
        Layers of the encoder on grids finer than this many pixels a cell stay as they are, as
        does the hints' way into them. They see edges, which gray pictures share, and take much
        of a step's time.
    betas : (float, float)
        Adam's decay rates; GANs use 0.5 for the first.
    weight_decay : float
        AdamW's decay, off by default; of a fit, how strongly weights are held back.
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
    encoder_stride: int = 1
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

    @property
    def is_fit(self) -> bool:
        """Whether it is one step in closed form, which needs no rates, optimizer or time."""
        return self.kind == "fit"

    def __post_init__(self) -> None:
        """Check the ranges and what excludes each other."""
        where = f"phases.{self.kind}"
        choose("phases.kind", self.kind, PHASES)
        choose(f"{where}.schedule", self.schedule, SCHEDULES)
        require(f"{where}.epochs", self.epochs, "above 0", self.epochs > 0)
        require(f"{where}.batch_size", self.batch_size, "≥ 1", self.batch_size >= 1)
        divides = self.accumulate >= 1 and self.batch_size % self.accumulate == 0
        require(f"{where}.accumulate", self.accumulate, "a divisor of batch_size", divides)
        stride = self.encoder_stride
        accepted = "1, 2, 4, 8, 16 or 32"
        require(f"{where}.encoder_stride", stride, accepted, stride in (1, 2, 4, 8, 16, 32))
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
        if self.kind in ("warm_up", "hints", "fit"):
            require(f"{where}.perceptual", self.perceptual, "0", self.perceptual == 0)
        if self.kind == "hints":
            # All it trains is what stands between the network's answer and the hints.
            none = self.classification == 0
            require(f"{where}.classification", self.classification, "0", none)
            require(f"{where}.accumulate", self.accumulate, "1", self.accumulate == 1)
        if self.kind != "discriminator":
            any_term = any(getattr(self, name) for name in terms)
            require(f"{where}.l1", self.l1, "above 0, or another term", any_term)
