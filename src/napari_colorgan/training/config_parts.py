"""Two parts of a run's config: how pictures become patches, and one phase. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

from napari_colorgan.training.recipe_file import choose, require, require_sane

PHASES = (
    "warm_up",
    "supervised",
    "discriminator",
    "adversarial",
    "hint_propagation",
    "closed_form",
)
OLD_PHASES = {"fit": "closed_form", "hints": "hint_propagation"}
"""Names of earlier releases, which recipes, run directories and model cards may have."""
MOST_EPOCHS = 1_000_000
"""More passes over the data than any run takes."""

# Beyond any memory: a typing mistake is said before the run, not by the system.
_LARGEST_BATCH = 2**16
# Views are kept on disk: more would fill any.
_MOST_VIEWS = 10_000
SCHEDULES = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class DataConfig:
    """How pictures become training patches.

    Attributes
    ----------
    size : int
        The patches' side in pixels, a multiple of the generator's stride.
    zoom : (float, float)
        For ``scale = "fit"``: the picture's short side is brought to `size` times a number
        sampled from this range. For "native": the picture is zoomed by such a number.
    scale : {"fit", "native"}
        Whether patches show whole pictures, shrunk, or pixels as they are.
    flips, turns : bool
        Mirror left-right; turn by right angles and mirror (microscopy has no up).
    film : float
        The share of patches whose L* is made to look like old film: other spectral weights,
        contrast, gamma, fading, blur and grain.
    film_chroma : float
        The colours of such patches are weakened by a random factor of this to 1: what looks old
        is more likely muted.
    stains : float
        The share of patches whose stains are varied, in hue and concentration, before L* is taken:
        see `training.pictures.stains`.
    tones : float
        The share of patches whose gamma is varied, and of which some are faded, before L* is
        taken: see `training.pictures.tones`.
    balance : float
        How often a picture is drawn, by its collection (the folder it is in): the collection's
        size to this power, over its size. 1: every picture as often; 0: every collection as often.
    near_gray : float
        Pictures whose mean chroma is below this are left out.
    validation_share : float
        The share of sources held out where no validation data are given.
    validation_images : int
        The maximum number of held-out pictures that are measured, evenly spaced.
    memory_gib : float
        Decoded pictures are kept in memory up to this.
    keep_decoded : bool
        Whether decoded pictures are kept in the run's folder until it ends, however many: a
        resumed run then starts at once. It takes about 75 kB a picture of 160 pixels.
    """

    size: int = 224
    zoom: tuple[float, float] = (1.0, 1.25)
    scale: str = "fit"
    flips: bool = True
    turns: bool = False
    film: float = 0.0
    film_chroma: float = 1.0
    stains: float = 0.0
    tones: float = 0.0
    balance: float = 1.0
    near_gray: float = 2.0
    validation_share: float = 0.05
    validation_images: int = 200
    memory_gib: float = 3.0
    keep_decoded: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        require_sane(self, "data.")
        require("data.size", self.size, "32…2048", 32 <= self.size <= 2048)
        low, high = self.zoom
        # Less than 1 would leave a whole picture smaller than its patch.
        floor = 1.0 if self.scale == "fit" else 0.1
        require("data.zoom", self.zoom, f"two numbers {floor}…8, rising", floor <= low <= high <= 8)
        choose("data.scale", self.scale, ("fit", "native"))
        for name in ("film", "film_chroma", "stains", "tones", "balance"):
            require(f"data.{name}", getattr(self, name), "0…1", 0 <= getattr(self, name) <= 1)
        share = self.validation_share
        require("data.validation_share", share, "0…0.5", 0 <= share <= 0.5)
        require("data.validation_images", self.validation_images, "≥ 1", self.validation_images > 0)
        require("data.memory_gib", self.memory_gib, "≥ 0", self.memory_gib >= 0)

    @property
    def max_side(self) -> int | None:
        """The longest short side that pictures are kept with, in pixels; None keeps all pixels."""
        return round(self.size * self.zoom[1]) if self.scale == "fit" else None


@dataclass(frozen=True)
class PhaseConfig:
    """One phase of a run.

    Attributes
    ----------
    kind : {"warm_up", "supervised", "discriminator", "adversarial", "hint_propagation", \
            "closed_form"}
        What is trained: the decoder on cached features of the frozen encoder; the generator on
        L1 and classification; the discriminator alone, on the generator's predictions; both;
        hint propagation (`HintPropagation`) alone, on L1 and likeness; or the weights of the detail
        (`DetailRefinement`) in closed form, from one large batch, starting from the best state
        so far. The names "hints" and "fit" of earlier releases are accepted, too.
    epochs : float
        Passes over the training pictures; with a budget in minutes, the phase's share of it. A
        closed-form phase is one step, whatever this says.
    batch_size, accumulate : int
        Patches a step; backward passes a step over which they are spread.
    lr, encoder_lr, discriminator_lr : float
        Adam's learning rates at their peak; an encoder at 0 is frozen.
    encoder_stride : int
        Layers of the encoder on grids finer than this many pixels a cell are frozen, and so is
        the hints' stem. They detect edges, which gray pictures share, and take much of a step's
        time.
    betas : (float, float)
        Adam's decay rates; GANs use 0.5 for the first.
    weight_decay : float
        AdamW's decay, off by default; of a closed-form phase, the penalty on changed weights.
    schedule : {"constant", "linear", "cosine"}
        How the rates change: "linear" stays at the peak for the first half and then falls to 0.
    ramp_steps : int
        Steps over which the rates rise from 0.
    grad_clip : float
        The largest norm of the generator's gradient; 0 for none.
    l1, classification, perceptual, adversarial : float
        Weights of the terms; the paper's λ is ``l1 = 100`` beside ``adversarial = 1``.
    likeness, matched : float
        Weights of the mean logarithm of each picture's squared error in RGB, as it is and with the
        batch's colorfulness brought to the truth's: see `training.likeness`.
    colorfulness : float
        Weight of the squared logarithm of the batch's colorfulness over `colorfulness_share` of
        the truth's.
    colorfulness_share : float
        How colorful answers shall be, as a share of the truth's colorfulness.
    freeze_all_statistics : bool
        Whether all BatchNorm keeps its statistics, so that the network is trained as it is used. A
        picture that is unlike the others of its batch shares their statistics while it is
        trained on; with fixed ones its features may grow from block to block.
    look : float
        For architecture "look_unet": weight of what the look tells of the picture's colours.
    most_shown : float
        With a budget in minutes, and of pictures at their native scale: how often each of their
        pixels is shown at most, however much time is left; 0 for no limit. Few pictures that are
        shown for longer are learned by heart.
    views : int
        For "warm_up" and "hint_propagation": how many crops of each picture have their features
        cached.
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
    likeness: float = 0.0
    matched: float = 0.0
    colorfulness: float = 0.0
    colorfulness_share: float = 0.85
    freeze_all_statistics: bool = False
    look: float = 0.0
    most_shown: float = 0.0
    views: int = 1

    @property
    def is_closed_form(self) -> bool:
        """Whether it is one step in closed form, which needs no rates, optimizer or time."""
        return self.kind == "closed_form"

    def __post_init__(self) -> None:
        """Replace old names; check ranges and contradictions."""
        object.__setattr__(self, "kind", OLD_PHASES.get(self.kind, self.kind))
        where = f"phases.{self.kind}"
        require_sane(self, f"{where}.")
        choose("phases.kind", self.kind, PHASES)
        choose(f"{where}.schedule", self.schedule, SCHEDULES)
        most = MOST_EPOCHS
        epochs_fit = 0 < self.epochs <= most
        require(f"{where}.epochs", self.epochs, f"above 0, at most {most:,}", epochs_fit)
        batch_fits = 1 <= self.batch_size <= _LARGEST_BATCH
        require(f"{where}.batch_size", self.batch_size, f"1…{_LARGEST_BATCH}", batch_fits)
        require(f"{where}.ramp_steps", self.ramp_steps, "≥ 0", self.ramp_steps >= 0)
        divides = self.accumulate >= 1 and self.batch_size % self.accumulate == 0
        require(f"{where}.accumulate", self.accumulate, "a divisor of batch_size", divides)
        stride = self.encoder_stride
        accepted = "1, 2, 4, 8, 16 or 32"
        require(f"{where}.encoder_stride", stride, accepted, stride in (1, 2, 4, 8, 16, 32))
        views_fit = 1 <= self.views <= _MOST_VIEWS
        require(f"{where}.views", self.views, f"1…{_MOST_VIEWS}", views_fit)
        for name in (
            "lr",
            "encoder_lr",
            "discriminator_lr",
            "weight_decay",
            "grad_clip",
            "most_shown",
        ):
            require(f"{where}.{name}", getattr(self, name), "≥ 0", getattr(self, name) >= 0)
        terms = ("l1", "classification", "perceptual", "adversarial", "likeness", "matched")
        for name in (*terms, "colorfulness", "look"):
            require(f"{where}.{name}", getattr(self, name), "≥ 0", getattr(self, name) >= 0)
        share = self.colorfulness_share
        require(f"{where}.colorfulness_share", share, "above 0 to 2", 0 < share <= 2)
        if self.kind == "adversarial":
            require(f"{where}.adversarial", self.adversarial, "above 0", self.adversarial > 0)
        elif self.adversarial:
            require(f"{where}.adversarial", self.adversarial, 'only with kind "adversarial"', False)
        if self.kind in ("warm_up", "hint_propagation", "closed_form"):
            require(f"{where}.perceptual", self.perceptual, "0", self.perceptual == 0)
        if self.kind == "hint_propagation":
            # Hint propagation corrects a*b*: it has no distribution and no look.
            for name in ("classification", "matched", "colorfulness", "look"):
                weight = getattr(self, name)
                require(f"{where}.{name}", weight, "0", weight == 0)
            require(f"{where}.accumulate", self.accumulate, "1", self.accumulate == 1)
        if self.kind != "discriminator":
            any_term = any(getattr(self, name) for name in terms)
            require(f"{where}.l1", self.l1, "above 0, or another term", any_term)
