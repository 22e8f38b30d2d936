"""A live preview: the part of a plane that is on view, at the resolution of the screen.

What the network predicts for a plane is kept. A new strength, chroma limit, part or display range
is then painted from it at once. A new range changes what the network sees, so it runs again, too:
the first picture is provisional until then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.events import Event
from napari_colorgan.services.live.guided_preview import GuidedPreviews
from napari_colorgan.services.models import load_model, make_predictor

if TYPE_CHECKING:
    from napari_colorgan.axes import PlaneIndex, StackLike
    from napari_colorgan.events import Job
    from napari_colorgan.guidance.guides import Guides
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.kept_prediction import KeptPrediction
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.services.live.request import Part, PreviewRequest

_CROPPED_PIXELS = 2**21
"""Planes of more pixels are predicted around the part on view, where the scale allows it."""


@dataclass(frozen=True, eq=False)
class PreviewPainted(Event):
    """The part on view, painted from an earlier prediction, while the network runs again.

    Attributes
    ----------
    rgb : ndarray, shape (rows, columns, 3)
        Of the part that the request names.
    """

    rgb: np.ndarray


@dataclass(frozen=True, eq=False)
class _Kept:
    """A prediction, and what it is of.

    Attributes
    ----------
    plane : ndarray
        What the network saw, or the crop of it.
    top, left : int
        Where the crop begins in the plane.
    kept : KeptPrediction
        What was predicted.
    source : tuple
        The stack, the plane's index and the guides.
    whole : bool
        Whether it is of the whole plane.
    """

    plane: np.ndarray
    top: int
    left: int
    kept: KeptPrediction
    source: tuple[Any, ...]
    whole: bool


class PreviewSession:
    """Previews one after another, and keeps the last prediction for the next of them."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self.guided = GuidedPreviews()

    def forget(self) -> None:
        """Keep nothing: the stack's values have changed, or memory is needed."""
        self._kept = None
        self.guided.forget()

    def kept(
        self, stack: StackLike, index: PlaneIndex, display: DisplayRange, guides: Guides | None
    ) -> tuple[PlaneIndex, KeptPrediction] | None:
        """Return what has been predicted for a whole plane, for a run to use it.

        Parameters
        ----------
        stack : array
            The stack, the same object as in the preview.
        index : tuple of int
            The plane.
        display : DisplayRange
            How values are shown.
        guides : Guides or None
            What guides the colours.
        """
        known = self._kept
        if known is None or not known.whole:
            return None
        if known.kept.prediction.source.display != display or not _is_same(
            known.source, (stack, index, guides)
        ):
            return None
        return index, known.kept

    def job(self, request: PreviewRequest) -> Job[np.ndarray]:
        """Paint what is on view.

        Parameters
        ----------
        request : PreviewRequest
            What to show.

        Yields
        ------
        PreviewPainted
            If the network has to run again although an earlier prediction can be painted.

        Returns
        -------
        ndarray, shape (rows, columns, 3)
            The part's colours.

        Raises
        ------
        ColorganError
            As `colorize_job` does.
        """
        if request.sources is not None:
            self._kept = None
            return (yield from self.guided.job(request))
        settings = _for_preview(request.settings)
        predictor = make_predictor(load_model(request.model), settings)
        source = (request.stack, request.index, request.guides)
        known = self._kept
        if known is not None and not (_is_same(known.source, source) and _covers(known, request)):
            known = self._kept = None
        if known is not None:
            rgb = _paint(known, predictor, request)
            if predictor.would_predict(known.kept, known.plane, request.display):
                return rgb
            yield PreviewPainted(rgb)
        self._kept = fresh = _predict(predictor, request, source)
        return _paint(fresh, predictor, request)


def _is_same(known: tuple[Any, ...], source: tuple[Any, ...]) -> bool:
    """Return whether two predictions have the same stack and guides, and the same index."""
    return known[0] is source[0] and known[1] == source[1] and known[2] is source[2]


def _covers(known: _Kept, request: PreviewRequest) -> bool:
    part, shape = request.part, known.plane.shape
    inside_rows = known.top <= part.top and _last(part.top, part.rows, part) < known.top + shape[0]
    last_column = _last(part.left, part.columns, part)
    return inside_rows and known.left <= part.left and last_column < known.left + shape[1]


def _last(first: int, count: int, part: Part) -> int:
    return first + (count - 1) * part.step


def _paint(known: _Kept, predictor: PlanePredictor, request: PreviewRequest) -> np.ndarray:
    import torch

    from napari_colorgan.core.resampling import Window

    part = replace(
        request.part, top=request.part.top - known.top, left=request.part.left - known.left
    )
    window = Window(
        range(part.top, part.top + part.rows * part.step, part.step),
        range(part.left, part.left + part.columns * part.step, part.step),
    )
    shown = known.plane[np.ix_(*part.pixels(known.plane.shape))]
    guides = request.guides.of_plane(request.index) if request.guides else None
    with torch.inference_mode():
        lightness = torch.from_numpy(request.display.lightness(shown))
        return predictor.painter(known.kept.prediction, guides).paint(window, lightness).rgb


def _predict(predictor: PlanePredictor, request: PreviewRequest, source: tuple[Any, ...]) -> _Kept:
    """Run the network over the plane, or over the part on view and what influences it."""
    plane = request.axes.read_plane(request.stack, request.index)
    guides = request.guides.of_plane(request.index) if request.guides else None
    margin = predictor.margin()
    top = left = 0
    whole = guides is not None or margin is None or plane.size <= _CROPPED_PIXELS
    if not whole and margin is not None:
        part = request.part
        top, left = (max(0, first - margin) // margin * margin for first in (part.top, part.left))
        bottom = _last(part.top, part.rows, part) + 1 + margin
        right = _last(part.left, part.columns, part) + 1 + margin
        whole = top == left == 0 and bottom >= plane.shape[0] and right >= plane.shape[1]
        plane = plane[top:bottom, left:right]
    return _Kept(plane, top, left, predictor.keep(plane, request.display, guides), source, whole)


def _for_preview(settings: PredictionSettings) -> PredictionSettings:
    """Return settings that give the same colours in less time."""
    # "auto" measures which precision is fastest, which takes longer than one plane.
    precision = "float32" if settings.precision == "auto" else settings.precision
    return replace(settings, precision=precision, uncertainty=False)
