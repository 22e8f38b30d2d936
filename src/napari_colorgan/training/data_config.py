"""How pictures become training patches, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from napari_colorgan.training.plain_values import choose, require


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

    @property
    def max_side(self) -> int | None:
        """How long short sides have to be at most: longer ones are shrunk in any case, or never."""
        return round(self.size * self.zoom[1]) if self.scale == "fit" else None
