"""The guides of each plane of a stack: its own hints, other planes' colours, and references."""
# Over 300 lines: which plane tells what to which is one rule.

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.guidance.sources import CONSISTENT_AXES, GuideSources
from napari_colorgan.guidance.stack_marks import carried_hints, mark_of, marks_of_plane
from napari_colorgan.inference.stack import PlaneReader

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.core.transfer import ObservedColors
    from napari_colorgan.guidance.hint import Hint
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.guidance.references import ReferenceColors
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.plane_prediction import PlanePrediction
    from napari_colorgan.inference.predictor import PlanePredictor

FADING_PLANES = 20.0
"""Planes after which what a hint carried from another one tells has fallen to 1/e."""

ANCHOR_DISTANCE = 16
"""Planes from one anchor to the next, where nothing else decides."""

CUT = 0.35
"""Cosine distance of the pooled features of neighbouring planes above which a new scene begins."""

ALIKE = 0.95
"""Correlation of two planes' lightness, made small, above which no new scene begins between them.

Of 124,750 pairs of different photographs the most alike have 0.91; neighbouring planes of a film
or a focus stack have 0.96 and more. The network need not look at these.
"""

# The short side of planes made small for that, and how many pixels along a side become one.
_SMALL_SIDE, _SQUARE = 48, 4
# Neighbours of a plane, for walking forth and back; each has maps of all cells.
_KEPT_PREDICTIONS = 8
# Anchors are only cells and colours, far smaller than predictions.
_KEPT_ANCHORS = 64


class StackGuides:
    """Tells each plane of a stack what guides it; anchors are predicted when they are needed.

    What a plane is told depends on the stack and on what the user gave alone, so that planes can
    be coloured in any order, each in another process, with the same bytes.

    Parameters
    ----------
    sources : GuideSources
        What the user gave.
    stack, axes, display
        The stack, its axes, and how its values are shown.
    predictor : PlanePredictor
        Predicts the anchors.
    references : sequence of ReferenceColors
        The pictures that `sources` names, predicted.
    likely : int
        How many likely colours of each place predictions have.

    Attributes
    ----------
    is_consistent : bool
        Whether planes take the colours of anchors.
    references : tuple of ReferenceColors
        The pictures from which planes take colours.

    Raises
    ------
    InputError
        If hints or keyframes don't fit the stack.
    """

    def __init__(
        self,
        sources: GuideSources,
        stack: StackLike,
        axes: Axes,
        predictor: PlanePredictor,
        display: DisplayRange,
        references: tuple[ReferenceColors, ...] = (),
        *,
        likely: int = 0,
    ) -> None:
        self._stack, self._axes, self._display = stack, axes, display
        self._predictor = predictor
        self.references, self._likely = references, likely
        self._reader = PlaneReader(stack, axes)
        self._sizes = axes.outer_shape(stack.shape)
        self.update(sources)
        self._predictions: dict[PlaneIndex, PlanePrediction] = {}
        self._anchors: dict[tuple[PlaneIndex, tuple[Hint, ...]], ObservedColors] = {}
        self._features: dict[PlaneIndex, Tensor] = {}
        # By the later of two neighbours.
        self._cuts: dict[PlaneIndex, bool] = {}
        self._small: tuple[PlaneIndex, Tensor] | None = None
        self._lock = threading.RLock()

    def take_references(self, references: tuple[ReferenceColors, ...]) -> None:
        """Take other references, and keep what is predicted.

        Parameters
        ----------
        references : tuple of ReferenceColors
            In place of the present ones.
        """
        self.references = references

    def update(self, sources: GuideSources) -> None:
        """Take other hints and keyframes, and keep what is predicted.

        Parameters
        ----------
        sources : GuideSources
            In place of the present ones; references are left as they are.
        """
        hints = sources.hints
        if hints is not None:
            hints = hints.for_stack(self._axes, self._stack.shape)
        self._sources, self._hints = sources, hints
        check_keyframes(sources, self._axes, self._stack.shape)
        self._axis = sequence_axis(self._axes, self._sizes)
        is_consistent = sources.is_consistent(self._axes, self._stack.shape)
        has_propagation = self._predictor.propagation is not None
        self.is_consistent = is_consistent and self._axis is not None and has_propagation
        self._anchors = {}
        planes = {hints.plane_of(h) for h in hints if h.ab is not None} if hints else set()
        self._guided = planes | set(sources.keyframes)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lock and what can be computed again behind."""
        kept = {**self.__dict__, "_predictions": {}, "_anchors": {}, "_features": {}}
        kept |= {"_cuts": {}, "_small": None}
        del kept["_lock"], kept["_reader"]
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reader = PlaneReader(self._stack, self._axes)
        self._lock = threading.RLock()

    def of_plane(self, index: PlaneIndex) -> PlaneGuides | None:
        """Return what guides a plane, or None if nothing does.

        Parameters
        ----------
        index : tuple of int
            The plane's index along the axes other than y and x.
        """
        with self._lock:
            marks = () if self._hints is None else marks_of_plane(self._hints, index)
            others: list[ObservedColors] = []
            tells_others = False
            if self.is_consistent:
                anchors = self._anchors_of(index)
                tells_others = anchors == [index]
                if not tells_others or index not in self._guided - set(self._sources.keyframes):
                    others = self._weighted(index, anchors)  # otherwise its hints tell it all
            elif self._predictor.propagation is not None:
                others = self._from_hints(index)
                others += self._from_keyframes(index)
            if not (marks or others or self.references):
                return None
            return PlaneGuides(
                None,
                marks,
                tuple(others),
                self.references,
                self._sources.reference_strength,
                self._sources.kept.get(index),
                # Always of the plane alone, whether or not it is known by now: the same bytes.
                self.predicted(index).prediction if tells_others else None,
            )

    def predicted(self, index: PlaneIndex) -> PlanePrediction:
        """Return the prediction of a plane; the last ones are kept.

        Parameters
        ----------
        index : tuple of int
            The plane's index along the axes other than y and x.
        """
        known = self._predictions.pop(index, None)
        if known is None:
            (known,) = self._predictor.analyze(
                [self._read(index)], self._display, likely=self._likely
            )
        self._predictions[index] = known
        while len(self._predictions) > _KEPT_PREDICTIONS:
            self._predictions.pop(next(iter(self._predictions)))
        return known

    def _read(self, index: PlaneIndex) -> Any:
        return self._reader.read(index)

    def _from_hints(self, index: PlaneIndex) -> list[ObservedColors]:
        """Return what hints change in the planes from which they are carried to this one."""
        if self._hints is None:
            return []
        by_plane: dict[PlaneIndex, list[tuple[Hint, float]]] = {}
        for hint, distance in carried_hints(self._hints, index):
            by_plane.setdefault(self._hints.plane_of(hint), []).append((hint, distance))
        changes = []
        for plane, carried in sorted(by_plane.items()):
            hints = tuple(hint for hint, _ in carried)
            change = self._change(self._hints, plane, hints)
            changes.append(replace(change, weight=math.exp(-carried[0][1] / FADING_PLANES)))
        return changes

    def _change(self, hints: Hints, plane: PlaneIndex, carried: tuple[Hint, ...]) -> ObservedColors:
        propagation = self._predictor.propagation
        assert propagation is not None
        change = self._guided_change(hints, plane, carried)
        return self.predicted(plane).observed_cells(change, propagation, is_change=True)

    def _guided_change(self, hints: Hints, plane: PlaneIndex, carried: tuple[Hint, ...]) -> Tensor:
        """Return what some hints of a plane change of its cells' colours."""
        propagation = self._predictor.propagation
        assert propagation is not None
        marks = tuple(mark_of(hints, hint) for hint in carried)
        barriers = tuple(m for m in marks_of_plane(hints, plane) if m.kind == "barrier")
        guides = PlaneGuides(marks=marks + barriers)
        strength = self._predictor.strength
        return self.predicted(plane).guided_change(guides, propagation, strength)

    def _from_keyframes(self, index: PlaneIndex) -> list[ObservedColors]:
        frames = [k for k in self._sources.keyframes if self._is_beside(k, index)]
        nearest = sorted(frames, key=lambda k: (math.dist(k, index), k))[:2]
        return self._weighted(index, nearest)

    def _anchors_of(self, index: PlaneIndex) -> list[PlaneIndex]:
        """Return the anchors before and after a plane, within its scene; it itself if it is one."""
        axis = self._axis
        assert axis is not None
        first, last = self._scene(index)
        here = index[axis]

        def at(position: int) -> PlaneIndex:
            return (*index[:axis], position, *index[axis + 1 :])

        carried = [p for p in range(first, last + 1) if self._anchors_others(at(p), index)]
        if not carried:
            carried = [first, *range(first - first % -ANCHOR_DISTANCE, last + 1, ANCHOR_DISTANCE)]
        before = max((p for p in carried if p <= here), default=None)
        after = min((p for p in carried if p >= here), default=None)
        return [at(p) for p in sorted({p for p in (before, after) if p is not None})]

    def _anchors_others(self, plane: PlaneIndex, index: PlaneIndex) -> bool:
        """Return whether a plane is guided in a way that holds for another one."""
        if plane not in self._guided:
            return False
        if plane in self._sources.keyframes or plane == index:
            return True
        assert self._hints is not None
        return any(self._hints.plane_of(h) == plane for h, _ in carried_hints(self._hints, index))

    def _weighted(self, index: PlaneIndex, planes: list[PlaneIndex]) -> list[ObservedColors]:
        """Return planes' colours, weighted so that one fades into the next between them."""
        distances = [math.dist(plane, index) for plane in planes]
        total = sum(distances)
        sources = []
        for plane, distance in zip(planes, distances, strict=True):
            share = 1.0 if len(planes) == 1 else 1 - distance / total
            if share > 0:
                sources.append(replace(self._anchor(plane, index), weight=share))
        return sources

    def _anchor(self, plane: PlaneIndex, index: PlaneIndex) -> ObservedColors:
        """Return the colours that one plane has for another, with the hints that reach it."""
        from napari_colorgan.core.transfer import FROM_ANCHORS

        hints = self._hints_for(plane, index)
        known = self._anchors.get((plane, hints))
        if known is not None:
            return known
        prediction, propagation = self.predicted(plane), self._predictor.propagation
        assert propagation is not None
        keyframe = self._sources.keyframes.get(plane)
        if keyframe is not None:
            known = prediction.observed(keyframe, propagation)
        else:
            ab = prediction.cell_colors(self._predictor.strength)
            if hints:
                assert self._hints is not None
                ab = ab + self._guided_change(self._hints, plane, hints)
            known = replace(prediction.observed_cells(ab, propagation), is_predicted=True)
            if not hints:
                known = replace(known, likeness=FROM_ANCHORS)
        if len(self._anchors) >= _KEPT_ANCHORS:
            self._anchors.clear()
        self._anchors[plane, hints] = known
        return known

    def _hints_for(self, plane: PlaneIndex, index: PlaneIndex) -> tuple[Hint, ...]:
        """Return the hints of one plane that are carried to another, or to any if it is itself."""
        if self._hints is None or plane not in self._guided:
            return ()
        if plane == index:
            own = (h for h in self._hints if self._hints.plane_of(h) == plane)
            return tuple(h for h in own if h.ab is not None and h.carry != "this")
        carried = (h for h, _ in carried_hints(self._hints, index))
        return tuple(h for h in carried if self._hints.plane_of(h) == plane)

    def _is_beside(self, plane: PlaneIndex, index: PlaneIndex) -> bool:
        """Return whether two planes differ along t and z alone."""
        pairs = zip(self._axes.outer, plane, index, strict=True)
        return all(letter in CONSISTENT_AXES or a == b for letter, a, b in pairs)

    def _scene(self, index: PlaneIndex) -> tuple[int, int]:
        """Return the first and the last plane, along the sequence's axis, around which no cut is.

        Only as far as anchors matter: to the next evenly spaced one, or to guided planes.
        """
        axis = self._axis
        assert axis is not None
        here, size = index[axis], self._sizes[axis]

        def at(position: int) -> PlaneIndex:
            return (*index[:axis], position, *index[axis + 1 :])

        guided = [p[axis] for p in self._guided if self._is_beside(p, index)]
        lowest = here - here % ANCHOR_DISTANCE
        highest = min(lowest + ANCHOR_DISTANCE, size - 1)
        lowest = min([lowest, *(max((g for g in guided if g <= here), default=lowest),)])
        highest = max([highest, *(min((g for g in guided if g >= here), default=highest),)])
        first = here
        while first > lowest and not self._is_cut(at(first - 1), at(first)):
            first -= 1
        last = here
        while last < highest and not self._is_cut(at(last), at(last + 1)):
            last += 1
        return first, last

    def _is_cut(self, before: PlaneIndex, after: PlaneIndex) -> bool:
        if after not in self._cuts:
            one, two = self._made_small(before), self._made_small(after)
            is_alike = _correlation(one, two) > ALIKE
            self._cuts[after] = not is_alike and self._differ(before, after)
        return self._cuts[after]

    def _differ(self, before: PlaneIndex, after: PlaneIndex) -> bool:
        one, two = self._described(before), self._described(after)
        return float(1 - one @ two) > CUT

    def _made_small(self, index: PlaneIndex) -> Tensor:
        """Return a plane's L*, thinned out and averaged over squares; the last one is kept."""
        if self._small is None or self._small[0] != index:
            plane = self._read(index)
            step = max(1, min(plane.shape[:2]) // (_SMALL_SIDE * _SQUARE))
            self._small = index, _averaged(self._display.lightness(plane[::step, ::step]))
        return self._small[1]

    def _described(self, index: PlaneIndex) -> Tensor:
        if index not in self._features:
            # In blocks, since small planes are described faster together; always the same ones, so
            # that the order in which planes are asked for changes nothing.
            axis = self._axis
            assert axis is not None
            first = index[axis] - index[axis] % ANCHOR_DISTANCE
            last = min(first + ANCHOR_DISTANCE, self._sizes[axis])
            block = [(*index[:axis], p, *index[axis + 1 :]) for p in range(first, last)]
            found = self._predictor.describe(map(self._read, block), self._display)
            self._features.update(zip(block, found, strict=True))
        return self._features[index]


def sequence_axis(axes: Axes, sizes: tuple[int, ...]) -> int | None:
    """Return which of the axes that number planes is the sequence's: the first T or Z of several.

    Where neither is there, the first of several positions.

    Parameters
    ----------
    axes : Axes
        Of the stack.
    sizes : tuple of int
        Of the axes other than y and x.
    """
    several = [i for i, size in enumerate(sizes) if size > 1]
    along = [i for i in several if axes.outer[i] in CONSISTENT_AXES]
    return next(iter(along or several), None)


def check_keyframes(sources: GuideSources, axes: Axes, shape: tuple[int, ...]) -> None:
    """Raise unless keyframes are RGB planes of the stack.

    Parameters
    ----------
    sources : GuideSources
        With keyframes of any kind.
    axes : Axes
        Of the stack.
    shape : tuple of int
        Of the stack.

    Raises
    ------
    InputError
        If an index lies outside the stack, or a plane has another size.
    """
    from napari_colorgan.errors import InputError

    sizes, plane_shape = axes.outer_shape(shape), axes.plane_shape(shape)
    for index, plane in sources.keyframes.items():
        inside = len(index) == len(sizes) and all(
            0 <= i < n for i, n in zip(index, sizes, strict=True)
        )
        if not inside or plane.ndim != 3 or plane.shape[:2] != plane_shape:
            raise InputError(
                expected=f"colour planes of {plane_shape} pixels at indices within {sizes}",
                got=f"one of shape {plane.shape} at {index}",
                action="Take them from a result of the same stack.",
            )


def _averaged(lightness: np.ndarray) -> Tensor:
    import torch

    level = torch.from_numpy(lightness)[None]
    small: Tensor = torch.nn.functional.avg_pool2d(level, _SQUARE, ceil_mode=True)[0]
    return small


def _correlation(one: Tensor, two: Tensor) -> float:
    one, two = one - one.mean(), two - two.mean()
    # Planes without any contrast tell nothing.
    return float((one * two).sum() / (one.norm() * two.norm()).clamp_min(1e-6))
