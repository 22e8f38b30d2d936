"""Live guiding: the network runs once for a plane, and hints then take milliseconds."""
# Over 300 lines: a stack, its planes and what is painted of them are one interface.

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.guidance.sources import UNGUIDED
from napari_colorgan.guidance.stack_marks import CARRIED_AXES, carried_hints
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.inference.stack_guides import FADING_PLANES, sequence_axis
from napari_colorgan.services.guiding import make_guides, predict_references
from napari_colorgan.services.models import load_model, make_predictor

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.inference.painting import Painter
    from napari_colorgan.inference.plane_prediction import PlanePrediction
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.inference.suggestions import LikelyColor, Suggestion
    from napari_colorgan.library.model_file import Model

# Planes around that on view, each some bytes a pixel.
_KEPT_PLANES = 8
# Zoom levels whose lightness is kept: the present one, and one in and out.
_KEPT_STEPS = 3


class StackSession:
    """The planes of a stack, each predicted once, to be coloured again with every hint.

    Parameters
    ----------
    stack : array
        2D to 5D, and S for RGB(A); any real dtype; planes are read when they are needed.
    axes : Axes
        Its axes.
    model : str, pathlib.Path or Model
        A name in the library, a file, or a loaded model.
    settings : PredictionSettings, optional
        How the model is used.
    display : DisplayRange, optional
        How the values are shown; by default estimated from some planes.
    sources : GuideSources, optional
        References, keyframes, and whether the planes shall agree; hints are given to the planes.

    Raises
    ------
    AxesError, InputError, ModelError, DeviceError
        As :func:`napari_colorgan.services.colorize.colorize_job` does.

    Notes
    -----
    Not for several threads at once.
    """

    def __init__(
        self,
        stack: StackLike,
        axes: Axes,
        model: str | Path | Model = "natural",
        settings: PredictionSettings | None = None,
        display: DisplayRange | None = None,
        sources: GuideSources | None = None,
    ) -> None:
        from napari_colorgan.inference.suggestions import LIKELY

        axes.check(stack.shape)
        self.stack, self.axes = stack, axes
        self.display = display or DisplayRange.estimate(stack, axes)
        self.predictor: PlanePredictor = make_predictor(
            load_model(model), settings or PredictionSettings()
        )
        self._planes: dict[PlaneIndex, PlaneSession] = {}
        self._sources = sources or UNGUIDED
        self._guides = make_guides(
            self._sources, stack, axes, self.predictor, self.display, likely=LIKELY
        )

    def plane(self, index: PlaneIndex = ()) -> PlaneSession:
        """Return a plane; the network runs unless it is among the last 8 planes.

        Parameters
        ----------
        index : tuple of int
            As :meth:`napari_colorgan.axes.Axes.plane_indices` yields it.
        """
        session = self._planes.pop(index, None)
        if session is None:
            session = PlaneSession(self, index, self._guides.predicted(index))
        self._planes[index] = session
        while len(self._planes) > _KEPT_PLANES:
            self._planes.pop(next(iter(self._planes)))
        return session

    def suggest(
        self, index: PlaneIndex, hints: Hints | None = None, count: int = 9
    ) -> list[tuple[PlaneIndex, Suggestion]]:
        """Return where in the stack one more hint helps most, best first.

        Parameters
        ----------
        index : tuple of int
            The plane on view. With it, evenly spaced ones along time and z are looked at.
        hints : Hints, optional
            Of the whole stack. Those that are carried to a plane leave less to be gained there.
        count : int
            How many places.

        Returns
        -------
        list of (tuple of int, Suggestion)
            The planes, and the places in them.
        """
        found = []
        for plane in [*self._beside(index), index]:  # the plane on view is kept longest
            left = 1.0
            if hints is not None:
                near = [distance for _, distance in carried_hints(hints, plane)]
                own = any(hints.plane_of(h) == plane and h.ab is not None for h in hints)
                if near and not own:
                    left = 1 - math.exp(-min(near) / FADING_PLANES)
            found += [
                (plane, replace(suggestion, gain=left * suggestion.gain))
                for suggestion in self.plane(plane).suggest(hints, count)
            ]
        return sorted(found, key=lambda pair: -pair[1].gain)[:count]

    def _beside(self, index: PlaneIndex) -> list[PlaneIndex]:
        """Return evenly spaced planes that differ from one along the sequence's axis alone."""
        sizes = self.axes.outer_shape(self.stack.shape)
        axis = sequence_axis(self.axes, sizes)
        if axis is None or self.axes.outer[axis] not in CARRIED_AXES:
            return []
        positions = np.linspace(0, sizes[axis] - 1, min(sizes[axis], _KEPT_PLANES)).round()
        # One fewer than are kept, so that there is room for the one on view.
        others = [int(p) for p in positions if int(p) != index[axis]][: _KEPT_PLANES - 1]
        return [(*index[:axis], position, *index[axis + 1 :]) for position in others]

    def guides(
        self, index: PlaneIndex, hints: Hints | None, sources: GuideSources | None = None
    ) -> PlaneGuides | None:
        """Return what guides a plane.

        Parameters
        ----------
        index : tuple of int
            The plane's.
        hints : Hints or None
            Of the whole stack.
        sources : GuideSources, optional
            What else the user gives; references are predicted when they change. By default as
            before.
        """
        if sources is not None:
            # By identity: arrays compare element by element.
            if list(map(id, sources.references)) != list(map(id, self._sources.references)):
                references = predict_references(sources.references, self.predictor)
                self._guides.take_references(references)
            self._sources = sources
        self._guides.update(replace(self._sources, hints=hints))
        return self._guides.of_plane(index)


@dataclass(frozen=True, eq=False)
class GuidedPlane:
    """A plane with hints, ready to be painted.

    Attributes
    ----------
    session : PlaneSession
        The plane.
    painter : Painter
        Paints it.
    guides : PlaneGuides or None
        What guides it.
    """

    session: PlaneSession
    painter: Painter
    guides: PlaneGuides | None

    def match_map(self) -> np.ndarray | None:
        """Return how much references and other planes decide, 0…1, for each cell; None without."""
        propagation = self.session.predictor.propagation
        return self.session.prediction.matches(self.guides, propagation)

    def reference_scores(self) -> dict[str, float]:
        """Return the references that count for this plane, by name, and how similar they are."""
        return self.session.prediction.reference_scores(self.guides)

    def render(
        self, rows: slice | None = None, columns: slice | None = None, step: int = 1
    ) -> np.ndarray:
        """Return a part of the plane in colour.

        Parameters
        ----------
        rows, columns : slice, optional
            In pixels of the plane, without a step of their own; by default all.
        step : int
            Squares of so many pixels become one.

        Returns
        -------
        ndarray, shape (h, w, 3)
            sRGB in the dtype of the settings.
        """
        from napari_colorgan.core.resampling import Window

        sides = []
        for side, size in zip((rows, columns), self.session.shape, strict=True):
            start, stop, _ = (side or slice(None)).indices(size)
            sides.append(range(start, max(stop, start + 1), max(int(step), 1)))
        window = Window(*sides)
        return self.painter.paint(window, self.session.lightness_of(window)).rgb

    def color_at(self, place: tuple[float, float]) -> tuple[float, float, float]:
        """Return L*, a* and b* as they are painted at a row and column.

        Parameters
        ----------
        place : (float, float)
            Row and column in pixels of the plane.
        """
        import torch

        from napari_colorgan.core.color import rgb_to_lab

        row, column = self.session.pixel(place)
        rgb = self.render(slice(row, row + 1), slice(column, column + 1))
        whole = np.iinfo(rgb.dtype).max if rgb.dtype.kind in "iu" else 1
        levels = torch.from_numpy(rgb.astype(np.float64) / whole).permute(2, 0, 1)
        lightness, a, b = rgb_to_lab(levels).flatten().tolist()
        return lightness, a, b


class PlaneSession:
    """One plane, predicted; get it from `StackSession.plane`.

    Attributes
    ----------
    index : tuple of int
        The plane's.
    prediction : PlanePrediction
        What the network predicts.
    """

    def __init__(self, stack: StackSession, index: PlaneIndex, prediction: PlanePrediction) -> None:
        self._stack, self.index, self.prediction = stack, index, prediction
        self._lightness: dict[int, Tensor] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """The plane's rows and columns."""
        geometry = self.prediction.source.geometry
        return geometry.height, geometry.width

    @property
    def predictor(self) -> PlanePredictor:
        """What predicts the stack's planes."""
        return self._stack.predictor

    def guided(
        self,
        hints: Hints | None = None,
        sources: GuideSources | None = None,
        settings: PredictionSettings | None = None,
    ) -> GuidedPlane:
        """Return the plane with hints; no pass of the network, unless they are carried to it.

        Parameters
        ----------
        hints : Hints, optional
            Of the whole stack; those of this plane and those that are carried to it count.
        sources : GuideSources, optional
            References, keyframes, and whether the planes agree, if other than before.
        settings : PredictionSettings, optional
            Another strength, chroma limit or dtype.

        Raises
        ------
        InputError
            If hints lie outside the stack, or are along other axes.
        """
        guides = self._stack.guides(self.index, hints, sources)
        if guides is not None and guides.references and self.prediction.features is None:
            self.prediction = self.predictor.with_features(self.prediction)
        predictor = self.predictor if settings is None else self.predictor.with_settings(settings)
        return GuidedPlane(self, predictor.painter(self.prediction, guides), guides)

    def pixel(self, place: tuple[float, float]) -> tuple[int, int]:
        """Return the pixel of a row and column.

        Parameters
        ----------
        place : (float, float)
            Row and column; pixel centres are whole numbers.

        Raises
        ------
        InputError
            If it lies outside the plane.
        """
        row, column = (int(np.floor(value + 0.5)) for value in place)
        if not (0 <= row < self.shape[0] and 0 <= column < self.shape[1]):
            raise InputError(
                expected=f"a place inside the plane of {self.shape[0]} × {self.shape[1]} pixels",
                got=str(tuple(place)),
                action="Choose a pixel of the image.",
            )
        return row, column

    def lightness_at(self, place: tuple[float, float]) -> float:
        """Return L* at a row and column.

        Parameters
        ----------
        place : (float, float)
            Row and column in pixels of the plane.
        """
        row, column = self.pixel(place)
        source = self.prediction.source
        return float(source.read(slice(row, row + 1), slice(column, column + 1))[0, 0])

    def lightness_of(self, window: Any) -> Tensor | None:
        """Return the mean L* of a window's blocks, from a copy that is kept; None at step 1.

        Parameters
        ----------
        window : Window
            Rows and columns with one step.
        """
        step = window.rows.step
        if step == 1 or window.rows.start % step or window.columns.start % step:
            return None
        if step not in self._lightness:
            import torch

            source = self.prediction.source
            level = source.read(slice(None), slice(None))[None]
            self._lightness[step] = torch.nn.functional.avg_pool2d(level, step, ceil_mode=True)[0]
            while len(self._lightness) > _KEPT_STEPS:
                self._lightness.pop(next(iter(self._lightness)))
        rows, columns = (
            slice(side.start // step, side.start // step + len(side))
            for side in (window.rows, window.columns)
        )
        return self._lightness[step][rows, columns]

    def likely_colors(self, place: tuple[float, float], count: int = 9) -> tuple[LikelyColor, ...]:
        """Return the colours that the network thinks a place may have, likeliest first.

        Parameters
        ----------
        place : (float, float)
            Row and column.
        count : int
            At most so many, each clearly different from the others.
        """
        from napari_colorgan.inference.suggestions import likely_colors

        self.pixel(place)
        return likely_colors(self.prediction, place, self.lightness_at(place), count)

    def suggest(self, hints: Hints | None = None, count: int = 9) -> tuple[Suggestion, ...]:
        """Return the places where one more hint helps most, best first, apart from each other.

        Parameters
        ----------
        hints : Hints, optional
            What is known already.
        count : int
            How many places.
        """
        from napari_colorgan.inference.suggestions import suggest

        guides = self._stack.guides(self.index, hints)
        return suggest(self._stack.predictor, self.prediction, guides, count, self.likely_colors)
