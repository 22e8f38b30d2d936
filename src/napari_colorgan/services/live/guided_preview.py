"""A live preview with hints: the network runs once for a plane, and a hint takes milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_colorgan.inference.settings import PredictionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.events import Job
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.guidance.swatches import Ab
    from napari_colorgan.services.live.plane_session import GuidedPlane, PlaneSession, StackSession
    from napari_colorgan.services.live.request import PreviewRequest

Place: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class PlaceColors:
    """The colours of a place, a* and b* each.

    Attributes
    ----------
    now : (float, float)
        The colour that it has.
    likely : tuple of (float, float)
        Those that it is likely to have, the likeliest first.
    """

    now: Ab
    likely: tuple[Ab, ...]


@dataclass(frozen=True, eq=False)
class Match:
    """How much references and other planes decide the colours of a plane.

    Attributes
    ----------
    share : ndarray of float, shape (h, w)
        0…1 for each cell.
    cell : (float, float)
        Height and width of a cell in pixels of the full resolution.
    """

    share: np.ndarray
    cell: tuple[float, float]


@dataclass(frozen=True, eq=False)
class PlaneDetails:
    """What there is to know beside the picture of a plane.

    Attributes
    ----------
    colors : PlaceColors or None
        Of the place that was asked for.
    scores : mapping of str to float
        How well references suit the plane, by name; those that count.
    match : Match or None
        Where they decide the colours, if it was asked for and they do.
    """

    colors: PlaceColors | None
    scores: Mapping[str, float]
    match: Match | None


@dataclass(frozen=True)
class SuggestedPlace:
    """A place where one more hint helps.

    Attributes
    ----------
    index : tuple of int
        The plane in which it lies.
    place : (float, float)
        Row and column of the full resolution.
    likely : tuple of (float, float)
        a* and b* of the colours that it is likely to have, the likeliest first.
    """

    index: PlaneIndex
    place: tuple[float, float]
    likely: tuple[Ab, ...]


class GuidedPreviews:
    """Keeps what the network predicts for the last planes of a stack.

    Its jobs run one after the other, in any thread.
    """

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._session: StackSession | None = None
        self._predicted: set[PlaneIndex] = set()
        # Kept too: an id is unique among living objects only.
        self._stack: Any = None

    def forget(self) -> None:
        """Keep nothing: the stack's values have changed, or memory is needed."""
        self._key, self._session, self._stack = (), None, None
        self._predicted.clear()

    def has(self, request: PreviewRequest) -> bool:
        """Return whether a request needs no pass of the network.

        Parameters
        ----------
        request : PreviewRequest
            What to show.
        """
        return self._key == _key(request) and request.index in self._predicted

    def job(self, request: PreviewRequest) -> Job[np.ndarray]:
        """Paint what is on view, with its guides.

        Parameters
        ----------
        request : PreviewRequest
            What to show.

        Yields
        ------
        Event
            None; a job is a generator.

        Returns
        -------
        ndarray, shape (rows, columns, 3)
            The part's colours.

        Raises
        ------
        ColorganError
            As `colorize_job` does.
        """
        yield from ()
        part = request.part
        return self._guided(request).render(
            slice(part.top, part.top + part.rows * part.step),
            slice(part.left, part.left + part.columns * part.step),
            part.step,
        )

    def details_job(
        self, request: PreviewRequest, place: Place | None, count: int, *, match: bool
    ) -> Job[PlaneDetails]:
        """Find what there is to know beside the picture.

        Parameters
        ----------
        request : PreviewRequest
            What is shown.
        place : (float, float) or None
            Row and column of the full resolution whose colours are wanted.
        count : int
            How many likely colours at most.
        match : bool
            Whether to say where references decide the colours.

        Yields
        ------
        Event
            None; a job is a generator.

        Returns
        -------
        PlaneDetails
            The details.
        """
        yield from ()
        guided, session = self._guided(request), self._plane(request)
        colors, found = None, None
        if place is not None:
            y, x = (_moved(value, request.factor) for value in place)
            _, a, b = guided.color_at((y, x))
            likely = session.likely_colors((y, x), count)
            colors = PlaceColors((a, b), tuple(color.ab for color in likely))
        if match and (share := guided.match_map()) is not None:
            prediction = session.prediction
            height, width = prediction.source.geometry.cell(prediction.prediction.stride)
            found = Match(share, (height / request.factor, width / request.factor))
        return PlaneDetails(colors, guided.reference_scores(), found)

    def suggest_job(self, request: PreviewRequest, count: int) -> Job[list[SuggestedPlace]]:
        """Find the places of the stack where one more hint helps most.

        Parameters
        ----------
        request : PreviewRequest
            What is shown.
        count : int
            How many places.

        Yields
        ------
        Event
            None; a job is a generator.

        Returns
        -------
        list of SuggestedPlace
            The best one first.
        """
        yield from ()
        self._guided(request)
        assert self._session is not None
        suggestions = self._session.suggest(request.index, _hints(request), count)
        return [
            SuggestedPlace(
                index,
                (
                    _moved(suggestion.position[0], 1 / request.factor),
                    _moved(suggestion.position[1], 1 / request.factor),
                ),
                tuple(color.ab for color in suggestion.colors),
            )
            for index, suggestion in suggestions
        ]

    def _guided(self, request: PreviewRequest) -> GuidedPlane:
        sources = request.sources
        others = None if sources is None else replace(sources, hints=None)
        return self._plane(request).guided(_hints(request), others, _settings(request))

    def _plane(self, request: PreviewRequest) -> PlaneSession:
        """Return the session of a plane; the network runs unless it has seen the plane lately."""
        from napari_colorgan.services.live.plane_session import StackSession

        key = _key(request)
        if self._session is None or self._key != key:
            self.forget()
            self._session = StackSession(
                request.stack, request.axes, request.model, _settings(request), request.display
            )
            self._key, self._stack = key, request.stack
        session = self._session.plane(request.index)
        self._predicted.add(request.index)
        return session


def _key(request: PreviewRequest) -> tuple[Any, ...]:
    """Return what the requests of one session have in common: what the network sees."""
    plain = PredictionSettings()
    settings = replace(
        _settings(request),
        strength=plain.strength,
        chroma_limit=plain.chroma_limit,
        dtype=plain.dtype,
    )
    return (id(request.stack), request.axes, str(request.model), settings, request.display)


def _settings(request: PreviewRequest) -> PredictionSettings:
    """Return settings that give the same colours in less time."""
    precision = request.settings.precision
    # "auto" measures which precision is fastest, which takes longer than one plane.
    precision = "float32" if precision == "auto" else precision
    return replace(request.settings, precision=precision, uncertainty=False)


def _hints(request: PreviewRequest) -> Hints | None:
    """Return a request's hints, in the pixels of its level of a pyramid."""
    hints = None if request.sources is None else request.sources.hints
    if hints is None or request.factor == 1.0:
        return hints
    plane = [hints.axes.index(letter) for letter in "yx"]
    moved = []
    for hint in hints:
        position = list(hint.position)
        for axis in plane:
            position[axis] = _moved(position[axis], request.factor)
        radius = hint.radius * request.factor
        # Areas are exact at the full resolution; here their disks show them.
        moved.append(replace(hint, position=tuple(position), radius=radius, area=None))
    return replace(hints, hints=tuple(moved))


def _moved(value: float, factor: float) -> float:
    """Return a pixel's place in a plane of another size."""
    return (value + 0.5) * factor - 0.5
