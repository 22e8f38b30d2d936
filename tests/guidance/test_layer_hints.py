"""Layers as hints, for what they have: no napari window, and no napari in the module."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from napari.layers import Image, Labels, Points, Shapes, Vectors
from skimage.draw import polygon2mask

from napari_colorgan.errors import InputError
from napari_colorgan.guidance.hint_list import Hints
from napari_colorgan.guidance.layer_hints import LayerOptions, hints_from_layers
from napari_colorgan.guidance.swatches import to_ab, to_lab, to_rgb

IMAGE = Image(np.zeros((40, 60), np.uint8))


def test_points_keep_their_place_colour_and_radius() -> None:
    points = Points([[3, 4], [10, 20]], face_color=["red", "gray"], size=8)
    hints = Hints.from_layers([points], IMAGE)
    assert hints.axes == "yx"
    assert [hint.position for hint in hints] == [(3, 4), (10, 20)]
    assert [hint.radius for hint in hints] == [4, 4]
    np.testing.assert_allclose(hints.hints[0].ab, to_ab((1, 0, 0)), atol=1e-4)
    assert hints.hints[1].ab == (0, 0)


def test_a_layer_that_lies_elsewhere_is_brought_to_the_image() -> None:
    image = Image(np.zeros((40, 60), np.uint8), scale=(2, 2), translate=(10, 0))
    points = Points([[20, 8]], size=4)
    (hint,), _ = hints_from_layers([points], image)
    assert hint.position == (5, 4)
    assert hint.radius == 1


def test_points_of_a_plane_count_for_all_planes_of_a_stack() -> None:
    stack = Image(np.zeros((5, 40, 60), np.uint8))
    (hint,), _ = hints_from_layers([Points([[3, 4]])], stack, index=(2,))
    assert (hint.position, hint.carry) == ((2, 3, 4), "all")


def test_areas_of_a_plane_count_for_all_planes_of_a_stack() -> None:
    stack = Image(np.zeros((5, 200, 200), np.uint8))
    hints, axes = hints_from_layers([Labels(leaves(200).astype(int))], stack, index=(2,))
    assert axes[1:] == "yx"
    assert {(hint.position[0], hint.carry) for hint in hints} == {(2, "all")}
    assert hints[0].area is not None
    picture = np.zeros((40, 60, 3))
    picture[5:20, 5:30] = (0.8, 0.2, 0.1)
    hints, _ = hints_from_layers([Image(picture, rgb=True)], stack, index=(1,))
    assert {(hint.position[0], hint.carry) for hint in hints} == {(1, "all")}


@pytest.mark.parametrize("shape", [(40, 60), (1, 40, 60), (3, 40, 60), (2, 3, 40, 60)])
@pytest.mark.parametrize("like", [(40, 60), (3, 40, 60), (2, 3, 40, 60)])
@pytest.mark.parametrize("kind", ["labels", "rgb", "points"])
def test_axes_are_counted_from_the_last_one(shape: tuple, like: tuple, kind: str) -> None:
    """As napari shows layers above one another, whatever axes they have."""
    index = tuple(size - 1 for size in shape[:-2])
    place = (*index, slice(10, 14), slice(20, 24))
    pixels = np.zeros(shape, int)
    pixels[place] = 1
    picture = np.repeat(pixels[..., None], 3, axis=-1) * (0.8, 0.2, 0.1)
    layer = {
        "labels": lambda: Labels(pixels),
        "rgb": lambda: Image(picture, rgb=True),
        "points": lambda: Points([[*index, 12, 22]]),
    }[kind]()
    plane = (1, 2)[: len(like) - 2]
    hints, axes = hints_from_layers([layer], Image(np.zeros(like, np.uint8)), index=plane)
    assert len(axes) == len(like)
    assert hints
    common = min(len(index), len(plane))
    expected = (*plane[: len(plane) - common], *index[len(index) - common :])
    for hint in hints:
        assert hint.position[:-2] == expected
        assert hint.position[-2:] == pytest.approx((11.5, 21.5), abs=3)
        assert (hint.carry == "all") is (len(shape) < len(like))


@pytest.mark.parametrize("cell", [float("nan"), None, "", "  "])
def test_an_empty_area_is_none(cell: object) -> None:
    points = Points([[3, 4]], features={"hint_area": np.array([cell], object)})
    (hint,), _ = hints_from_layers([points], IMAGE)
    assert hint.area is None


def test_an_area_that_is_none_is_named() -> None:
    points = Points([[3, 4]], name="mine", features={"hint_area": ["foo"]})
    with pytest.raises(InputError, match="'foo' in “mine”"):
        hints_from_layers([points], IMAGE)


def test_barriers_have_no_area() -> None:
    layer = Labels(leaves(200).astype(int))
    hints, _ = hints_from_layers([layer], layer, options={layer: LayerOptions("barrier")})
    assert {hint.area for hint in hints} == {None}


def test_paths_are_scribbles_and_polygons_are_areas() -> None:
    shapes = Shapes(
        [np.array([[5, 5], [5, 25]]), np.array([[20, 10], [20, 30], [35, 30], [35, 10]])],
        shape_type=["path", "polygon"],
        edge_color="red",
        face_color="blue",
        edge_width=4,
    )
    hints, _ = hints_from_layers([shapes], IMAGE)
    red = [hint for hint in hints if hint.position[0] < 10]
    assert {hint.radius for hint in red} == {2}
    columns = sorted(hint.position[1] for hint in red)
    assert columns[0] == 5
    assert columns[-1] == 25
    assert max(np.diff(columns)) <= 2
    blue = covered([hint for hint in hints if hint.position[0] > 10])
    inside = np.zeros((40, 60), bool)
    inside[20:35, 10:30] = True
    assert (blue & inside).sum() > 0.9 * inside.sum()
    assert (blue & ~inside).sum() < 0.15 * inside.sum()


def covered(hints: list) -> np.ndarray:
    rows, columns = np.mgrid[:40, :60]
    mask = np.zeros((40, 60), bool)
    for hint in hints:
        y, x = hint.position
        mask |= (rows - y) ** 2 + (columns - x) ** 2 <= hint.radius**2
    return mask


def test_a_barrier_has_no_gap() -> None:
    shapes = Shapes([np.array([[5, 5], [30, 50]])], shape_type="line")
    hints, _ = hints_from_layers([shapes], IMAGE, options={shapes: LayerOptions("barrier")})
    assert {hint.kind for hint in hints} == {"barrier"}
    places = np.array([hint.position for hint in hints])
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() <= 1.01


def test_labels_have_their_own_colours_or_those_of_the_table() -> None:
    data = np.zeros((40, 60), int)
    data[5:15, 5:15], data[25:35, 40:50] = 1, 7
    labels = Labels(data)
    own, _ = hints_from_layers([labels], IMAGE)
    np.testing.assert_allclose(own[0].ab, to_ab(labels.get_color(1)), atol=1e-6)
    options = LayerOptions("color", {1: (0, 0, 1)}, frozenset({7}))
    chosen, _ = hints_from_layers([labels], IMAGE, options={labels: options})
    assert {hint.ab for hint in chosen} == {to_ab((0, 0, 1))}
    assert covered(list(chosen))[7:13, 7:13].all()
    assert not covered(list(chosen))[20:].any()


def leaves(side: int) -> np.ndarray:
    """Return a mask with a long and curved edge, which few disks don't cover."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    angle, distance = np.arctan2(rows, columns), np.hypot(rows, columns)
    return np.asarray(distance < 0.3 + 0.17 * np.cos(7 * angle))


@pytest.mark.parametrize("kind", ["labels", "outside", "shape"])
def test_areas_are_exact(kind: str) -> None:
    mask = leaves(200)
    image, labels, option = Image(np.zeros((200, 200))), Labels(mask.astype(int)), LayerOptions()
    layer: Labels | Shapes = labels
    if kind == "outside":
        option, mask = LayerOptions("keep_outside"), ~mask
    if kind == "shape":
        layer = Shapes([[[20, 30], [90, 180.5], [150, 100], [190, 10]]], shape_type="polygon")
        mask = polygon2mask((200, 200), layer.data[0])
    hints, _ = hints_from_layers([layer], image, options={layer: option})
    assert [hint.area is not None for hint in hints] == [True] + [False] * (len(hints) - 1)
    assert len(hints) <= 1000
    drawn = np.zeros_like(mask)
    for hint in hints:
        y, x = (int(value) for value in hint.position)
        rows, columns = np.ogrid[:200, :200]
        drawn |= np.hypot(rows - y, columns - x) <= hint.radius
        if hint.area is not None:
            drawn[hint.area.pixels((y, x), mask.shape)] = True
    assert np.array_equal(drawn, mask)


def test_pixels_of_another_size_are_covered_by_disks_alone() -> None:
    image, labels = Image(np.zeros((400, 400))), Labels(leaves(200).astype(int), scale=(2, 2))
    hints, _ = hints_from_layers([labels], image)
    assert all(hint.area is None for hint in hints)
    beside = Labels(leaves(200).astype(int), translate=(10, 20))
    hints, _ = hints_from_layers([beside], image)
    assert hints[0].area is not None


def test_what_is_not_to_be_recoloured_is_kept() -> None:
    data = np.zeros((40, 60), int)
    data[10:30, 20:40] = 1
    for layer in (Labels(data), Shapes([[[10, 20], [10, 40], [30, 40], [30, 20]]])):
        hints, _ = hints_from_layers([layer], IMAGE, options={layer: LayerOptions("keep_outside")})
        assert {hint.kind for hint in hints} == {"keep"}
        kept = covered(list(hints))
        assert kept[data == 0].mean() > 0.95
        assert kept[data == 1].mean() < 0.1


@pytest.mark.parametrize("alpha", [False, True])
def test_what_is_painted_counts(alpha: bool) -> None:
    picture = np.full((40, 60, 4 if alpha else 3), 120, np.uint8)
    if alpha:
        picture[..., 3] = 0
    picture[10:20, 30:42, :3] = (200, 40, 30)
    if alpha:
        picture[10:20, 30:42, 3] = 255
    hints, _ = hints_from_layers([Image(picture, rgb=True)], IMAGE)
    assert hints
    for hint in hints:
        np.testing.assert_allclose(hint.ab, to_ab(np.array([200, 40, 30]) / 255), atol=1e-4)
        assert 9 <= hint.position[0] <= 20
        assert 29 <= hint.position[1] <= 42


def test_other_layers_are_refused() -> None:
    with pytest.raises(InputError, match="Points, Shapes, Labels"):
        hints_from_layers([Vectors(np.zeros((1, 2, 2)))], IMAGE)


def test_napari_is_not_imported() -> None:
    code = "import napari_colorgan.guidance.layer_hints, sys; sys.exit('napari' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("lightness", [3, 20, 50, 80, 97])
@pytest.mark.parametrize("ab", [(0, 0), (20, -30), (90, 90), (-100, 5), (3, -105)])
def test_a_swatch_keeps_lightness_and_hue(lightness: float, ab: tuple[float, float]) -> None:
    lab = to_lab(to_rgb(lightness, ab))
    assert abs(lab[0] - lightness) < 0.1
    chroma = np.hypot(*lab[1:])
    assert chroma <= np.hypot(*ab) + 0.1
    if chroma > 5:
        assert lab[1:] @ ab / chroma / np.hypot(*ab) > 0.999
