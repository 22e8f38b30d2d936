"""The settings of an evaluation, and the sets of images that it measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from napari_colorgan.errors import InputError
from napari_colorgan.inference.settings import PredictionSettings

if TYPE_CHECKING:
    from napari_colorgan.services.evaluation.baselines import Baselines

PHOTOGRAPH_SIZE = 256

REPEATABLE = PredictionSettings(precision="float32")
"""The users' defaults in float32, whose numbers don't depend on the machine's speed."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Colour images that are measured together.

    Attributes
    ----------
    name : str
        The set's name.
    images : tuple of path or array
        Files, folders and RGB arrays of shape (..., H, W, 3).
    baselines : Baselines or None
        What to compare with on this set; None for those given to `evaluate_job`.
    is_sequence : bool
        Whether they are frames of one size in order, whose flicker is measured too.
    """

    name: str
    images: tuple[Any, ...]
    baselines: Baselines | None = None
    is_sequence: bool = False


@dataclass(frozen=True)
class EvaluationSettings:
    """The numbers of an evaluation.

    Attributes
    ----------
    size : int or {"auto", "full"}
        The short side to which images are brought, in pixels; "full" keeps their pixels; "auto"
        is 256 for models that shrink planes to fit, and "full" for others.
    hints : int
        True colours revealed in each image, at random places.
    limit : int or None
        Maximum number of images of each set, sampled by the seed.
    examples : int
        Images of each set whose pictures are kept, sampled by the seed.
    failures : int
        Images of each set whose pictures are kept because the model is worst on them.
    resamples : int
        Of the bootstrap.
    seed : int
        Of all random choices.
    classifier : bool
        Whether a classifier of photographs compares the images too, if its weights are installed.
    prediction : PredictionSettings
        How the model is used; by default as by users, but in float32.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    size: int | Literal["auto", "full"] = "auto"
    hints: int = 0
    limit: int | None = None
    examples: int = 6
    failures: int = 3
    resamples: int = 1000
    seed: int = 0
    classifier: bool = True
    prediction: PredictionSettings = REPEATABLE

    def __post_init__(self) -> None:
        size = self.size
        fits = 32 <= size <= 8192 if isinstance(size, int) else size in ("auto", "full")
        self._require(fits, "size", '32 to 8192 pixels, "auto" or "full"')
        for name in ("hints", "examples", "failures", "resamples", "seed"):
            self._require(getattr(self, name) >= 0, name, "0 or more")
        self._require(self.limit is None or self.limit >= 1, "limit", "at least 1")

    def side(self, scale: object) -> int | None:
        """Return the short side to bring images to, for a model of this working scale.

        Parameters
        ----------
        scale : object
            As a card states it.
        """
        if isinstance(self.size, int):
            return self.size
        return PHOTOGRAPH_SIZE if self.size == "auto" and scale == "fit" else None

    def _require(self, fits: bool, name: str, accepted: str) -> None:
        if not fits:
            raise InputError(
                expected=f"{name} of an evaluation to be {accepted}",
                got=repr(getattr(self, name)),
                action="Change that setting.",
            )
