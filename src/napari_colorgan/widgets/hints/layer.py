"""The hints layer: points of an image that have a known colour.

A hint's colour is the face colour of its point. What counts is its a* and b*, which the point
keeps as features, so that it keeps them where the image is darker and the point is shown darker.
On the screen all points have one size. Where napari sets the size of points, it is taken as the
diameter in pixels of the image, of which a point keeps the half as a feature, too.
"""

# Over 300 lines: what napari changes and what the panel changes have to agree.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import numpy as np
from napari.layers import Points
from napari.layers.base import ActionType
from napari.layers.points._points_constants import Mode
from napari.utils.events import Event

from napari_colorgan.guidance.layer_hints import AREA_FEATURE
from napari_colorgan.guidance.swatches import to_ab
from napari_colorgan.widgets.hints.mouse import add_or_move, select_and_tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from napari.layers import Image

    from napari_colorgan.guidance.swatches import Ab

SCREEN_SIZE = 15.0
"""The diameter of every point on the screen, in its pixels."""

DEFAULT_RADIUS = 3.0

MARK = "mark"
"""The kind of a point that is no hint yet: a place where one would help."""

_GRAB_DISTANCE = SCREEN_SIZE / 2 + 2
# Above every limit on the screen at any zoom, so that the limit is what is seen.
_LARGE = 1000.0
_RING = 0.12
# napari's "gray", packed.
_GRAY = 0x808080


def new_hints_layer(image: Image, ndim: int, name: str) -> HintsLayer:
    """Return an empty hints layer in the place of an image.

    Parameters
    ----------
    image : napari.layers.Image
        The image that is to be colorized.
    ndim : int
        The number of its dimensions, without the samples of a pixel.
    name : str
        The layer's name.
    """
    return HintsLayer(
        np.empty((0, ndim)),
        ndim=ndim,
        name=name,
        scale=image.scale,
        translate=image.translate,
        rotate=image.rotate,
        shear=image.shear,
        affine=image.affine.affine_matrix,
        units=image.units,
        axis_labels=image.axis_labels,
    )


class HintsLayer(Points):
    """Points with a colour, each a hint.

    Its event `edited` comes after every change of the hints, `moving` while one is dragged.

    Parameters
    ----------
    data : array, optional
        Positions in pixels of the image, (N, ndim).
    **attributes
        As of napari's Points.
    """

    _drag_modes: ClassVar[dict[Mode, Any]] = {
        **Points._drag_modes,
        Mode.ADD: add_or_move,
        Mode.SELECT: select_and_tell,
    }

    def __init__(self, data: Any = None, **attributes: Any) -> None:
        self.commands: LayerCommands | None = None
        super().__init__(
            data,
            symbol="disc",
            border_color="white",
            border_width=_RING,
            face_color="gray",
            # The lower limit is also twice the least width of the ring.
            canvas_size_limits=(2.0, SCREEN_SIZE),
            **attributes,
        )
        self.events.add(edited=Event, moving=Event)
        self.current_size = 2 * DEFAULT_RADIUS
        self.features = _features(len(self.data), shown=_GRAY)
        self.feature_defaults = _features(1, shown=_GRAY)
        self.events.data.connect(self._data_changed)
        self.events.face_color.connect(self._faces_changed)
        self.events.current_face_color.connect(self._faces_changed)
        self.events.size.connect(self._sizes_changed)
        self._take_sizes()

    @property
    def _type_string(self) -> str:
        # Icons, menus and writers of napari know layers by this name.
        return "points"

    @property
    def ab(self) -> np.ndarray:
        """a* and b* of each hint, (N, 2)."""
        return self.features[["a", "b"]].to_numpy(float)

    @property
    def kinds(self) -> list[str]:
        """The kind of each point: "color", "gray", or `MARK`."""
        return [str(kind) for kind in self.features["kind"]]

    @property
    def carries(self) -> list[str | None]:
        """How far each hint is carried along the stack; None for what suits the axis."""
        return [str(carry) or None for carry in self.features["carry"]]

    @property
    def radii(self) -> np.ndarray:
        """The radius of each hint in pixels of the image, (N,)."""
        radii: np.ndarray = self.features["radius"].to_numpy(float)
        return radii

    def add_hint(
        self, position: Any, ab: Ab, face: Any, *, kind: str = "color", carry: str = ""
    ) -> None:
        """Add a hint and select it.

        Parameters
        ----------
        position : array of float, shape (ndim,)
            In pixels of the image.
        ab : (float, float)
            Its a* and b*.
        face : array of float, shape (3,)
            The sRGB 0…1 that the point shows.
        kind : {"color", "gray"}
            What it says.
        carry : {"", "this", "forward", "all"}
            How far it is carried along the stack.
        """
        with self.events.edited.blocker():
            self._deselect()
            self.current_face_color = np.append(face, 1.0)
            shown = int(_packed(np.append(face, 1.0)[None])[0])
            radius = float(self.feature_defaults["radius"].iloc[0])
            if self.current_size != _LARGE:
                radius = self.current_size / 2
            self.feature_defaults = _features(1, ab, kind, carry, shown, radius)
            self.add(position)
        self._note_edit()

    def add_hints(
        self,
        positions: np.ndarray,
        ab: np.ndarray,
        faces: np.ndarray,
        *,
        radii: np.ndarray,
        kinds: Sequence[str],
        carries: Sequence[str],
        areas: Sequence[str],
    ) -> None:
        """Add many hints as one gesture.

        Parameters
        ----------
        positions : ndarray, shape (N, ndim)
            In pixels of the image.
        ab : ndarray, shape (N, 2)
            Their a* and b*.
        faces : ndarray, shape (N, 3)
            The sRGB 0…1 that the points show.
        radii : ndarray, shape (N,)
            In pixels of the image.
        kinds, carries : sequence of str
            As of `add_hint`.
        areas : sequence of str
            What `AREA_FEATURE` keeps.
        """
        known = len(self.data)
        with self.events.edited.blocker():
            self._deselect()
            self.add(positions)
            self._deselect()
            rows = range(known, len(self.data))
            features, colors = self.features.copy(), np.array(self.face_color)
            colors[known:, :3], colors[known:, 3] = faces, 1.0
            at = features.index[list(rows)]
            features.loc[at, ["a", "b"]] = ab
            features.loc[at, "kind"] = list(kinds)
            features.loc[at, "carry"] = list(carries)
            features.loc[at, AREA_FEATURE] = list(areas)
            features.loc[at, "shown"] = _packed(colors[known:])
            features.loc[at, "radius"] = radii
            self._set_state(features, colors)
        self._note_edit()

    def set_hints(
        self,
        rows: Sequence[int],
        *,
        ab: Ab | None = None,
        faces: Any = None,
        kind: str | None = None,
        carry: str | None = None,
    ) -> None:
        """Change some hints; None leaves what there is.

        Parameters
        ----------
        rows : sequence of int
            Their numbers.
        ab, kind, carry
            As of `add_hint`.
        faces : array of float, shape (3,) or (len(rows), 3)
            The sRGB 0…1 that the points show.
        """
        features = self.features.copy()
        at = features.index[list(rows)]
        if ab is not None:
            features.loc[at, ["a", "b"]] = np.asarray(ab, float)
        if kind is not None:
            features.loc[at, "kind"] = kind
            symbols: list[Any] = list(cast("Any", self).symbol)
            for row in rows:
                symbols[row] = "disc"
            self.symbol = symbols
        if carry is not None:
            features.loc[at, "carry"] = carry
        colors = np.array(self.face_color)
        if faces is not None:
            colors[list(rows)] = 1.0
            colors[list(rows), :3] = faces
            features.loc[at, "shown"] = _packed(colors[list(rows)])
        self._set_state(features, colors)
        self._note_edit()

    def show_faces(self, rows: Sequence[int], faces: np.ndarray) -> None:
        """Show hints in other colours, which changes nothing of what they say.

        Parameters
        ----------
        rows : sequence of int
            Their numbers.
        faces : ndarray of float, shape (len(rows), 3)
            sRGB 0…1.
        """
        colors, features = np.array(self.face_color), self.features.copy()
        colors[list(rows), :3] = faces
        packed = _packed(colors[list(rows)])
        at = features.index[list(rows)]
        if np.array_equal(packed, features.loc[at, "shown"].to_numpy()):
            return
        features.loc[at, "shown"] = packed
        self._set_state(features, colors)

    def move(self, number: int, position: Any) -> None:
        """Move a hint along the axes on view, as the mouse does; `edited` does not follow."""
        shown = self._slice_input.displayed
        self.data[number, shown] = np.asarray(position)[shown]
        self.refresh()
        self.events.moving()

    def finish_move(self) -> None:
        """End a move by the mouse."""
        self.events.data(
            value=self.data, action=ActionType.CHANGED, data_indices=(), vertex_indices=((),)
        )

    def nearest(self, position: Any) -> int | None:
        """Return the number of the hint on view that is nearest to a position in the data."""
        if not len(self._view_data):
            return None
        shown = self._slice_input.displayed
        distances = np.linalg.norm(self._view_data - np.asarray(position)[shown], axis=1)
        return int(self._view_indices[int(np.argmin(distances))])

    def mark(self, position: Any, ab: Ab, face: Any) -> None:
        """Mark a place and select the mark; it becomes a hint once a colour is chosen for it."""
        self.remove_marks()
        self.add_hint(position, ab, face, kind=MARK)
        symbols: list[Any] = list(cast("Any", self).symbol)
        self.symbol = [*symbols[:-1], "star"]

    def remove_marks(self) -> None:
        """Remove marks that have not become hints."""
        marks = [row for row, kind in enumerate(self.kinds) if kind == MARK]
        if marks:
            self.remove(marks)

    def capture(self) -> dict[str, Any]:
        """Return a copy of all hints, without marks, for `restore`."""
        hints = np.array([kind != MARK for kind in self.kinds], bool)
        return {
            "data": np.array(self.data)[hints],
            "faces": np.array(self.face_color)[hints],
            "features": self.features[hints].reset_index(drop=True),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back all hints as they were captured."""
        self._deselect()
        with self.events.edited.blocker():
            self.data = np.array(state["data"])
            self._set_state(state["features"].copy(), np.array(state["faces"]))
        self._note_edit()

    def _deselect(self) -> None:
        nothing: set[int] = set()
        self.selected_data = nothing

    def _set_state(self, features: pd.DataFrame, faces: np.ndarray) -> None:
        """Set features and colours together, so that neither is taken for a change of the other."""
        with self.events.face_color.blocker(self._faces_changed):
            self.features = features
            if len(faces):
                self.face_color = faces
        self.refresh()

    def _get_value(self, position: Any) -> int | None:
        """Return the hint under the mouse: within its size on the screen, whatever its radius."""
        number = self.nearest(position)
        if number is None:
            return None
        shown = self._slice_input.displayed
        offset = (self.data[number] - np.asarray(position))[shown] * np.abs(self.scale[shown])
        return number if np.linalg.norm(offset) <= _GRAB_DISTANCE * self.scale_factor else None

    @property
    def _extent_data_augmented(self) -> np.ndarray:
        # Without the size of the points, which says nothing about the picture.
        extent: np.ndarray = self._extent_data
        return extent

    def _data_changed(self, event: Any) -> None:
        if str(event.action) in ("changing", "adding", "removing"):
            return
        self._take_sizes()
        self._faces_changed()
        self._note_edit()

    def _faces_changed(self, *_: Any) -> None:
        """Take over colours that were chosen in napari's own controls."""
        faces = np.asarray(self.face_color)
        if len(faces) != len(self.features):
            return
        packed = _packed(faces)
        changed = np.flatnonzero(packed != self.features["shown"].to_numpy())
        if not len(changed):
            return
        features = self.features.copy()
        at = features.index[changed]
        features.loc[at, ["a", "b"]] = np.array([to_ab(face) for face in faces[changed]])
        features.loc[at, "kind"] = "color"
        features.loc[at, "shown"] = packed[changed]
        self.features = features
        self._note_edit()

    def _sizes_changed(self, *_: Any) -> None:
        if self._take_sizes():
            self._note_edit()

    def _take_sizes(self) -> bool:
        """Take over sizes that were chosen in napari's own controls; return whether any was."""
        size: np.ndarray = np.array(cast("Any", self).size, float)
        changed = np.flatnonzero(size != _LARGE)
        if not len(changed) or len(size) != len(self.features):
            return False
        features = self.features.copy()
        features.loc[changed.tolist(), "radius"] = size[changed] / 2
        size[changed] = _LARGE
        self.features = features
        self.size = size
        return True

    def _note_edit(self, *_: Any) -> None:
        self.events.edited()


class LayerCommands(Protocol):
    """What a hints layer asks its panel to do."""

    def click(self, layer: HintsLayer, position: np.ndarray) -> None:
        """Add a hint where the user has clicked, in pixels of the image."""


def _features(
    count: int,
    ab: Ab = (0.0, 0.0),
    kind: str = "color",
    carry: str = "",
    shown: int = 0,
    radius: float = DEFAULT_RADIUS,
) -> pd.DataFrame:
    # Loaded with the first layer: napari has it then, and a panel opens in half the time.
    import pandas as pd

    return pd.DataFrame(
        {
            "a": np.full(count, float(ab[0])),
            "b": np.full(count, float(ab[1])),
            "kind": np.full(count, kind, object),
            "carry": np.full(count, carry, object),
            AREA_FEATURE: np.full(count, "", object),
            "shown": np.full(count, shown, np.int64),
            "radius": np.full(count, float(radius)),
        }
    )


def _packed(faces: np.ndarray) -> np.ndarray:
    """Return colours, (N, 4) of 0…1, as one number each, with 8 bits a channel."""
    levels = np.rint(np.clip(faces[:, :3], 0, 1) * 255).astype(np.int64)
    packed: np.ndarray = levels @ np.array([1 << 16, 1 << 8, 1])
    return packed
