"""Undo and redo for layers of hints, which napari has for labels only."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from napari.layers import Points, Shapes
from qtpy.QtCore import QObject, Signal

from napari_colorgan.widgets.hints.layer import HintsLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer

State: TypeAlias = dict[str, Any]

# What a slider or a colour dialog changes step by step is one gesture.
_COALESCED = (
    {"size"},
    {"features"},
    {"faces", "features"},
    {"faces"},
    {"edge_width"},
    {"edge_color"},
)
# Turns of the wheel and keys that repeat follow one another faster, and are undone together.
_COALESCE_S = 0.7
# Each keeps a copy of its layer's hints.
_MOST_STEPS = 500


@dataclass(frozen=True, eq=False)
class Step:
    """What a gesture has changed.

    Attributes
    ----------
    layer : napari.layers.Layer
        The layer.
    before, after : dict
        Its state before and after.
    fields : frozenset of str
        What of it is different.
    """

    layer: Layer
    before: State
    after: State
    fields: frozenset[str]


class History(QObject):
    """Records the gestures on some layers, and takes them back.

    A state is a copy of the whole layer: thousands of hints take less than a megabyte.

    Parameters
    ----------
    parent : QObject or None
        The Qt parent.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._states: dict[Layer, State] = {}
        self._undo: list[Step] = []
        self._redo: list[Step] = []
        self._noted_at = 0.0
        self._restoring = False

    @property
    def can_undo(self) -> bool:
        """Whether there is a gesture to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is a gesture to bring back."""
        return bool(self._redo)

    def watch(self, layer: Layer) -> None:
        """Record the gestures on a layer from its present state on.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        """
        if layer not in self._states and can_capture(layer):
            self._states[layer] = capture(layer)

    def forget(self, layer: Layer) -> None:
        """Forget a layer and its gestures.

        Parameters
        ----------
        layer : Layer
            A layer of the viewer.
        """
        self._states.pop(layer, None)
        self._undo = [step for step in self._undo if step.layer != layer]
        self._redo = [step for step in self._redo if step.layer != layer]
        self.changed.emit()

    def note(self, layer: Layer) -> bool:
        """Record the end of a gesture; return whether it has changed the layer.

        Parameters
        ----------
        layer : Layer
            One that is watched.

        Returns
        -------
        bool
            False where the gesture changed nothing, and then nothing is recorded.
        """
        if self._restoring or layer not in self._states:
            return False
        before, after = self._states[layer], capture(layer)
        fields = _differences(before, after)
        if not fields:
            return False
        now, last = time.monotonic(), self._undo[-1] if self._undo else None
        continues = (
            last is not None
            and last.layer == layer
            and fields in _COALESCED
            and last.fields == fields
            and now - self._noted_at < _COALESCE_S
        )
        if continues and last is not None:
            self._undo[-1] = Step(layer, last.before, after, last.fields)
        else:
            self._undo = [*self._undo[-_MOST_STEPS + 1 :], Step(layer, before, after, fields)]
        self._redo.clear()
        self._states[layer] = after
        self._noted_at = now
        self.changed.emit()
        return True

    def undo(self) -> bool:
        """Take the last gesture back; return whether there was one."""
        return self._go(self._undo, self._redo, "before")

    def redo(self) -> bool:
        """Bring the last gesture that was taken back again; return whether there was one."""
        return self._go(self._redo, self._undo, "after")

    def _go(self, source: list[Step], target: list[Step], side: str) -> bool:
        if not source:
            return False
        step = source.pop()
        state = step.before if side == "before" else step.after
        self._restoring = True
        try:
            restore(step.layer, state)
        finally:
            self._restoring = False
        self._states[step.layer] = state
        target.append(step)
        self._noted_at = 0.0
        self.changed.emit()
        return True


def can_capture(layer: Layer) -> bool:
    """Return whether gestures on a layer can be taken back here; napari does it for labels.

    Parameters
    ----------
    layer : Layer
        A layer of the viewer.
    """
    return isinstance(layer, Points | Shapes)


def capture(layer: Layer) -> State:
    """Return a copy of what a layer says as hints.

    Parameters
    ----------
    layer : Layer
        A layer of the viewer.
    """
    if isinstance(layer, HintsLayer):
        return layer.capture()
    if isinstance(layer, Points):
        return {
            "data": np.array(layer.data),
            "faces": np.array(layer.face_color),
            "size": np.array(layer.size),
        }
    return {
        "data": [np.array(corners) for corners in layer.data],
        "shape_type": list(layer.shape_type),
        "faces": np.array(layer.face_color),
        "edge_color": np.array(layer.edge_color),
        "edge_width": np.array(layer.edge_width, float),
    }


def restore(layer: Layer, state: Mapping[str, Any]) -> None:
    """Bring a layer back to a captured state.

    Parameters
    ----------
    layer : Layer
        A layer of the viewer.
    state : Mapping[str, Any]
        What was captured.
    """
    if isinstance(layer, HintsLayer):
        layer.restore(state)
    elif isinstance(layer, Points):
        layer.selected_data = set()
        layer.data = np.array(state["data"])
        layer.size = np.array(state["size"])
        layer.face_color = np.array(state["faces"])
    else:
        layer.selected_data = set()
        layer.data = []
        if state["data"]:
            layer.add(
                [np.array(corners) for corners in state["data"]],
                shape_type=list(state["shape_type"]),
                face_color=np.array(state["faces"]),
                edge_color=np.array(state["edge_color"]),
                edge_width=np.array(state["edge_width"]).tolist(),
            )


def _differences(first: State, second: State) -> frozenset[str]:
    return frozenset(name for name in first if not _same(first[name], second[name]))


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, list):
        return len(first) == len(second) and all(
            np.array_equal(one, other) for one, other in zip(first, second, strict=True)
        )
    if hasattr(first, "equals"):
        return bool(first.equals(second))
    return np.array_equal(first, second)
