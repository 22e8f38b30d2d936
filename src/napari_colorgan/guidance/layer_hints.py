"""From layers of napari to hints, without importing napari: a layer is taken for what it has.

Points are disks, the paths of Shapes are scribbles, its polygons areas, the labels of a Labels
layer areas too, and of an RGB image what has been painted counts.
"""
# Over 300 lines: one kind of layer after the other, by the same frame.

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import InputError
from napari_colorgan.guidance.area import Area
from napari_colorgan.guidance.hint import KINDS, Hint
from napari_colorgan.guidance.swatches import to_ab, to_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Role: TypeAlias = Literal["color", "gray", "keep", "keep_outside", "barrier"]
"""What a layer's marks say: colours, no colour, colours that stay, or a border."""

AREA_FEATURE = "hint_area"
"""Of the points of a hints layer: the pixels of their `Area`, as text; empty for none."""

# Disks that stand for one painted area: further ones are small, and each costs an observation.
_MAX_DISKS = 200
# What is outside of an area is larger and has a longer edge.
_OUTSIDE_DISKS = 1000
# Painted pixels are gathered in blocks of this side.
_PAINT_BLOCK = 6
_OPAQUE = 0.5
# Channels that differ less are a gray.
_GRAY_RANGE = 0.01
_LINES = ("line", "path")

_Disk: TypeAlias = tuple[float, float, float, Area | None]
"""Row, column and radius, and pixels beside it."""


@dataclass(frozen=True, eq=False)
class LayerOptions:
    """What to take of a layer.

    Attributes
    ----------
    role : str
        What its marks say.
    colors : mapping of int to (float, float, float)
        For a Labels layer: sRGB 0…1 by label; labels that are absent have the layer's colour.
    skipped : frozenset of int
        Labels that say nothing.
    """

    role: Role = "color"
    colors: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class _Frame:
    """Where hints go: the axes and the shape of the image, and a layer's way there."""

    axes: str
    shape: tuple[int, ...]
    to_image: Callable[[np.ndarray], np.ndarray]
    scale: float

    @property
    def has_same_pixels(self) -> bool:
        """Whether a layer's pixels are as large as the image's, and their rows as directed."""
        count = len(self.axes)
        moved = self.to_image(np.vstack([np.zeros(count), np.eye(count)[-2:]]))
        steps = (moved[1:] - moved[0])[:, self.plane]
        return bool(np.allclose(steps, np.eye(2)))

    @property
    def plane(self) -> list[int]:
        """The positions of y and x among the axes."""
        return [self.axes.index("y"), self.axes.index("x")]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """The rows and columns of a plane."""
        y, x = self.plane
        return self.shape[y], self.shape[x]

    def outer(self, position: np.ndarray) -> tuple[int, ...]:
        """Return the whole numbers of a position along the axes that number planes."""
        return tuple(
            round(float(value))
            for letter, value in zip(self.axes, position, strict=True)
            if letter not in "yx"
        )

    def at(self, outer: tuple[int, ...], y: float, x: float) -> tuple[float, ...]:
        """Return a position in the image."""
        rest = iter(outer)
        plane = {"y": float(y), "x": float(x)}
        return tuple(plane[c] if c in plane else float(next(rest)) for c in self.axes)


def hints_from_layers(
    layers: Sequence[Any],
    like: Any = None,
    *,
    axes: str | None = None,
    options: Mapping[Any, LayerOptions] | None = None,
    index: tuple[int, ...] | None = None,
) -> tuple[tuple[Hint, ...], str]:
    """Return the hints that layers hold.

    Parameters
    ----------
    layers : sequence of napari layer
        Points, Shapes, Labels, or RGB images; they may lie elsewhere in the world than the image.
    like : napari.layers.Image, optional
        The image that they are for; by default the layers' own pixels are those of the image.
    axes : str, optional
        The axes of the image in lower case, such as "tyx"; by default those of `like`.
    options : mapping, optional
        What to take of a layer, by layer.
    index : tuple of int, optional
        The plane of layers that have fewer axes than the image; by default the first. Their hints
        are carried to all planes.

    Returns
    -------
    tuple of Hint
        In pixels of the image.
    str
        The axes of their positions.

    Raises
    ------
    InputError
        If a layer is none of these.
    """
    like = like if like is not None else (layers[0] if layers else None)
    if like is None:
        return (), axes or "yx"
    letters = axes or _axes_of(like)
    hints: list[Hint] = []
    for layer in layers:
        frame = _frame(layer, like, letters, index)
        chosen = (options or {}).get(layer, LayerOptions())
        marks = _READERS.get(_kind_of(layer))
        if marks is None:
            raise InputError(
                expected="layers of Points, Shapes, Labels, or an RGB image as hints",
                got=f"“{layer.name}”, which is none of them",
                action="Draw the hints in a Points layer.",
            )
        hints.extend(marks(layer, frame, chosen))
    return tuple(hints), letters


def _kind_of(layer: Any) -> str:
    kind = str(layer._type_string)
    return "rgb" if kind == "image" and layer.rgb else kind


def _axes_of(like: Any) -> str:
    shape = _shape_of(like)
    labels = [str(label).strip().lower() for label in like.axis_labels]
    usual = Axes.for_shape(shape).letters.lower() if shape else "yx"
    if labels.count("y") != 1 or labels.count("x") != 1:
        return usual
    outer = iter(letter for letter in usual if letter not in "yx")
    return "".join(label if label in "yx" else next(outer) for label in labels)


def _shape_of(like: Any) -> tuple[int, ...]:
    """Return the sizes of an image without samples, or, for marks, one that holds them all."""
    if str(like._type_string) in ("image", "labels"):
        data = like.data[0] if getattr(like, "multiscale", False) else like.data
        return tuple(data.shape[:-1] if getattr(like, "rgb", False) else data.shape)
    highest = np.asarray(like.extent.data)[1]
    return tuple(max(int(np.ceil(value)) + 1, 1) for value in np.nan_to_num(highest))


def _frame(layer: Any, like: Any, axes: str, index: tuple[int, ...] | None) -> _Frame:
    plane = index or (0,) * (len(axes) - 2)
    missing = len(axes) - layer.ndim
    own_scale, image_scale = np.abs(layer.scale[-2:]), np.abs(like.scale[-2:])
    to_world, offset = _affine(layer.data_to_world, layer.ndim)
    from_world, origin = _affine(like.world_to_data, len(axes))

    def to_image(positions: np.ndarray) -> np.ndarray:
        if layer == like:
            return positions
        # Axes are counted from the last one: napari shows what has fewer on every plane.
        own = np.pad(positions, ((0, 0), (max(layer.ndim - positions.shape[1], 0), 0)))
        world = own[:, -layer.ndim :] @ to_world.T + offset
        world = np.pad(world, ((0, 0), (max(missing, 0), 0)))[:, -len(axes) :]
        data: np.ndarray = world @ from_world.T + origin
        outer = iter(plane)
        for column, letter in enumerate(axes):
            value = next(outer) if letter not in "yx" else None
            if column < missing and value is not None:
                data[:, column] = value
        return data

    return _Frame(axes, _shape_of(like), to_image, float(np.sqrt(np.prod(own_scale / image_scale))))


def _affine(convert: Callable[[Any], Any], ndim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix and the offset of a conversion of positions, found by trying it."""
    offset = np.asarray(convert(np.zeros(ndim)), float)
    columns = [np.asarray(convert(unit), float) - offset for unit in np.eye(ndim)]
    return np.stack(columns, axis=1), offset


def _from_points(layer: Any, frame: _Frame, options: LayerOptions) -> Iterator[Hint]:
    if not len(layer.data):
        return
    positions = frame.to_image(np.asarray(layer.data, float)).tolist()
    columns = {name: layer.features[name].tolist() for name in layer.features.columns}
    areas = columns.get(AREA_FEATURE, [""] * len(positions))
    radii = np.asarray(columns.get("radius", np.asarray(layer.size, float) / 2), float)
    kinds = columns.get("kind", ["color"] * len(positions))
    carries = columns.get("carry", [""] * len(positions))
    if {"a", "b"} <= set(columns):
        colors = list(zip(columns["a"], columns["b"], strict=True))
    else:
        colors = [to_ab(face) for face in np.asarray(layer.face_color)]
    whole = layer.ndim < len(frame.axes)
    for position, radius, kind, carry, ab, area in zip(
        positions, (radii * frame.scale).tolist(), kinds, carries, colors, areas, strict=True
    ):
        if str(kind) not in KINDS:
            continue
        role = options.role if options.role != "color" else str(kind)
        yield _hint(
            tuple(position),
            radius,
            role,
            ab,
            "all" if whole else str(carry) or None,
            _area(area, layer.name) if frame.has_same_pixels else None,
        )


def _area(text: object, name: str) -> Area | None:
    """Return a point's area; None for an empty cell, which tables also fill with NaN or None."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        return Area.parse(text)
    except ValueError:
        raise InputError(
            expected=f"areas such as 0:-3+7 1:-2+5 in the feature “{AREA_FEATURE}”",
            got=f"{text[:40]!r} in “{name}”",
            action="Correct the feature, or empty it: the disks remain.",
        ) from None


def _from_shapes(layer: Any, frame: _Frame, options: LayerOptions) -> Iterator[Hint]:
    carry = "all" if layer.ndim < len(frame.axes) else None
    # What is recoloured, by plane, where all around it keeps its colours.
    outlines: dict[tuple[int, ...], np.ndarray] = {}
    for corners, shape_type, face, edge, width in zip(
        layer.data,
        layer.shape_type,
        np.asarray(layer.face_color),
        np.asarray(layer.edge_color),
        layer.edge_width,
        strict=True,
    ):
        outline = frame.to_image(_outline(np.asarray(corners, float), str(shape_type)))
        outer, line = frame.outer(outline[0]), outline[:, frame.plane]
        is_line = str(shape_type) in _LINES
        if is_line or options.role == "barrier":
            closed = line if is_line else np.vstack([line, line[:1]])
            radius = 1.0 if options.role == "barrier" else max(width * frame.scale / 2, 0.5)
            disks: Iterator[_Disk] = ((*disk, None) for disk in _along(closed, radius))
        elif options.role == "keep_outside":
            inside = outlines.setdefault(outer, np.zeros(frame.plane_shape, bool))
            inside |= _filled(line, frame.plane_shape)
            disks = iter(())
        else:
            disks = _disks(_filled(line, frame.plane_shape))
        for y, x, radius, area in disks:
            ab = to_ab(edge if is_line else face)
            yield _hint(frame.at(outer, y, x), radius, options.role, ab, carry, area)
    for outer, inside in outlines.items():
        for y, x, radius, area in _disks(~inside, _OUTSIDE_DISKS):
            yield _hint(frame.at(outer, y, x), radius, options.role, None, carry, area)


def _from_labels(layer: Any, frame: _Frame, options: LayerOptions) -> Iterator[Hint]:
    # Barriers are rows of disks, which nothing fills up.
    is_exact = frame.has_same_pixels and options.role != "barrier"
    for outer, plane, carry in _planes(layer, frame):
        labels = np.unique(plane)
        if options.role == "keep_outside":
            outside = np.isin(plane, [0, *options.skipped])
            for y, x, radius, area in _disks(outside, _OUTSIDE_DISKS, is_exact=is_exact):
                position, grown = _moved(frame, outer, y, x, radius)
                yield _hint(position, grown, options.role, None, carry, area)
            continue
        for label in labels[labels > 0].tolist():
            if label in options.skipped:
                continue
            own = options.colors.get(label)
            ab = to_ab(np.asarray(layer.get_color(label)) if own is None else own)
            for y, x, radius, area in _disks(plane == label, is_exact=is_exact):
                position, grown = _moved(frame, outer, y, x, radius)
                yield _hint(position, grown, options.role, ab, carry, area)


def _from_rgb(layer: Any, frame: _Frame, options: LayerOptions) -> Iterator[Hint]:
    for outer, plane, carry in _planes(layer, frame):
        painted = _painted(plane)
        rows, columns = np.nonzero(painted)
        if not len(rows):
            continue
        lab = to_lab(_as_unit(plane)[rows, columns, :3])
        across = plane.shape[1] // _PAINT_BLOCK + 1
        block = rows // _PAINT_BLOCK * across + columns // _PAINT_BLOCK
        _, block, count = np.unique(block, return_inverse=True, return_counts=True)
        means = [np.bincount(block, v) / count for v in (rows, columns, lab[:, 1], lab[:, 2])]
        for y, x, a, b, pixels in zip(*means, count, strict=True):
            radius = max(float(np.sqrt(pixels / np.pi)), 0.5)
            position, grown = _moved(frame, outer, y, x, radius)
            yield _hint(position, grown, options.role, (float(a), float(b)), carry)


_READERS: dict[str, Callable[[Any, _Frame, LayerOptions], Iterator[Hint]]] = {
    "points": _from_points,
    "shapes": _from_shapes,
    "labels": _from_labels,
    "rgb": _from_rgb,
}


def _hint(
    position: tuple[float, ...],
    radius: float,
    role: str,
    ab: tuple[float, float] | None,
    carry: Any,
    area: Area | None = None,
) -> Hint:
    kind: Any = "keep" if role == "keep_outside" else role
    return Hint(position, ab if kind == "color" else None, float(radius), kind, carry, area=area)


def _planes(
    layer: Any, frame: _Frame
) -> Iterator[tuple[tuple[int, ...], np.ndarray, Literal["all"] | None]]:
    """Yield the planes of a layer with pixels that have any value: its index, pixels, carry."""
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    samples = 1 if getattr(layer, "rgb", False) else 0
    outer_sizes = data.shape[: data.ndim - 2 - samples]
    carry: Literal["all"] | None = "all" if len(outer_sizes) < len(frame.axes) - 2 else None
    for outer in itertools.product(*map(range, outer_sizes)):
        plane = np.asarray(data[outer])
        if plane.any():
            yield outer, plane, carry


def _moved(
    frame: _Frame, outer: tuple[int, ...], y: float, x: float, radius: float
) -> tuple[tuple[float, ...], float]:
    """Return a disk of a layer's own pixels, on one of its planes, in pixels of the image."""
    moved = frame.to_image(np.array([[*outer, y, x]], float))[0]
    y, x = moved[frame.plane]
    return frame.at(frame.outer(moved), y, x), radius * frame.scale


def _disks(mask: np.ndarray, most: int = _MAX_DISKS, *, is_exact: bool = True) -> Iterator[_Disk]:
    """Yield disks that cover a mask; with the first one come the pixels that they leave."""
    # Loaded with the first mask: it needs PyTorch, which the panel opens without.
    from napari_colorgan.guidance.marks import disks_of_mask

    disks, left = disks_of_mask(mask, most)
    for number, (y, x, radius) in enumerate(disks):
        is_all = number > 0 or not is_exact or not left.any()
        area = None if is_all else Area.of_mask(left, (int(y), int(x)))
        yield float(y), float(x), float(radius), area


def _along(line: np.ndarray, radius: float) -> Iterator[tuple[float, float, float]]:
    """Yield disks along a line, so near to one another that there is no gap."""
    for start, end in itertools.pairwise(line):
        steps = max(1, int(np.ceil(np.linalg.norm(end - start) / max(radius, 1.0))))
        for share in np.arange(steps) / steps:
            yield (*(start + share * (end - start)), radius)
    yield (*line[-1], radius)


def _outline(corners: np.ndarray, shape_type: str) -> np.ndarray:
    """Return the corners of a shape; of an ellipse, which napari keeps as a box, enough of them."""
    if shape_type != "ellipse":
        return corners
    center = corners.mean(axis=0)
    first, second = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)[:, None]
    ellipse: np.ndarray = center + np.cos(angles) * first + np.sin(angles) * second
    return ellipse


def _filled(line: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from skimage.draw import polygon2mask

    mask: np.ndarray = polygon2mask(shape, line)
    return mask


def _painted(plane: np.ndarray) -> np.ndarray:
    """Return where an RGB plane is painted: where it is opaque, or else where it is no gray."""
    pixels = _as_unit(plane)
    if pixels.shape[-1] == 4 and (pixels[..., 3] < _OPAQUE).any():
        painted: np.ndarray = pixels[..., 3] >= _OPAQUE
        return painted
    colored: np.ndarray = np.ptp(pixels[..., :3], axis=-1) > _GRAY_RANGE
    return colored


def _as_unit(plane: np.ndarray) -> np.ndarray:
    if np.issubdtype(plane.dtype, np.integer):
        levels: np.ndarray = plane / np.iinfo(plane.dtype).max
        return levels
    return plane
