"""Hints, references and consistency, from what a user gives to the colours of files and arrays."""
# Over 300 lines: hints, references and consistent stacks share one model and one moving scene.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels
from PIL import Image as Picture
from skimage.color import rgb2lab

from napari_colorgan import Hint, Hints, colorize, suggest_hint
from napari_colorgan.axes import Axes
from napari_colorgan.core.execution import NetworkRunner
from napari_colorgan.core.transfer import BETWEEN_PLANES, FROM_ANCHORS
from napari_colorgan.errors import FileError, InputError
from napari_colorgan.events import Notice, run
from napari_colorgan.guidance.sources import GuideSources
from napari_colorgan.guidance.swatches import to_ab
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.colorize import ColorizeRequest, colorize_job
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files
from napari_colorgan.services.guiding import MOST_HINTS, make_guides
from napari_colorgan.services.models import make_predictor

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.inference.settings import Precision
    from napari_colorgan.library.model_file import Model

RED = (55.0, 40.0)
CHOICES: dict[str, Any] = {"device": "cpu", "precision": "float32"}


def moving(frames: int, shift: int = 1) -> np.ndarray:
    rng = np.random.default_rng(1)
    scene = rng.integers(40, 220, (6, 12)).repeat(16, axis=0).repeat(16, axis=1).astype(np.uint8)
    return np.stack([scene[:, shift * t : shift * t + 96] for t in range(frames)])


def colored(plane: np.ndarray, factor: float = 1.0) -> np.ndarray:
    values = plane.astype(float)
    rgb = np.stack([values, values * 0.6 * factor, 255 - values], axis=-1)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def chroma_change(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - two).mean())


def test_hints_reach_every_way_to_colours(spreading_model: Model, tmp_path: Path) -> None:
    stack = moving(3)
    hints = Hints((Hint((1.0, 40.0, 40.0), RED, 4.0, carry="this"),), "tyx")
    hints.to_csv(tmp_path / "hints.csv")
    plain = colorize(stack, spreading_model, axes="TYX", consistent=False, **CHOICES)
    guided = colorize(stack, spreading_model, axes="TYX", hints=hints, consistent=False, **CHOICES)
    assert [np.array_equal(a, b) for a, b in zip(plain, guided, strict=True)] == [True, False, True]
    from_file = colorize(
        stack,
        spreading_model,
        axes="TYX",
        hints=tmp_path / "hints.csv",
        consistent=False,
        **CHOICES,
    )
    assert np.array_equal(from_file, guided)
    with pytest.raises(InputError, match="hints along"):
        colorize(stack, spreading_model, axes="ZYX", hints=hints, **CHOICES)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_planes_have_the_same_bytes_in_any_order_and_lazily(
    spreading_model: Model, precision: Precision
) -> None:
    # The same for all: "auto", the default of a request, is bfloat16 on some machines.
    settings = PredictionSettings(device="cpu", precision=precision)
    choices: dict[str, Any] = {"device": "cpu", "precision": precision}
    stack = moving(20)
    whole = colorize(stack, spreading_model, axes="TYX", **choices)
    lazy = colorize(stack, spreading_model, axes="TYX", lazy=True, **choices)
    assert np.array_equal(np.asarray(lazy[17]), whole[17])
    assert np.array_equal(np.asarray(lazy[3]), whole[3])
    request = ColorizeRequest(
        stack, Axes("TYX"), spreading_model, settings, indices=[(9,), (2,)], sources=GuideSources()
    )
    backwards = run(colorize_job(request)).rgb
    assert np.array_equal(backwards[9], whole[9])
    assert np.array_equal(backwards[2], whole[2])
    independent = colorize(stack, spreading_model, axes="TYX", consistent=False, **choices)
    assert chroma_change(independent, whole) > 0
    # Channels, and axes that nobody has named, are no sequence.
    for letters in ("CYX", None):
        assert np.array_equal(
            colorize(stack, spreading_model, axes=letters, **choices), independent
        )


def test_a_keyframe_colours_the_planes_of_its_scene(spreading_model: Model) -> None:
    stack = moving(6)
    stack[4:] = 255 - stack[4:, ::-1, ::-1] // 3  # another scene
    truth = np.stack([colored(plane) for plane in stack])
    plain = colorize(stack, spreading_model, axes="TYX", consistent=False, **CHOICES)
    keyed = colorize(stack, spreading_model, axes="TYX", keyframes={(0,): truth[0]}, **CHOICES)
    for plane in range(1, 4):
        assert _ab_error(keyed[plane], truth[plane]) < 0.6 * _ab_error(plain[plane], truth[plane])


def test_consistent_planes_are_as_unsure_as_by_themselves(spreading_model: Model) -> None:
    stack = moving(5)
    choices = {"axes": "TYX", "uncertainty": True, **CHOICES}
    _, alone = colorize(stack, spreading_model, consistent=False, **choices)
    _, together = colorize(stack, spreading_model, consistent=True, **choices)
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert alone.mean() > 0.05
    # A keyframe is known.
    _, keyed = colorize(stack, spreading_model, keyframes={(0,): colored(stack[0])}, **choices)
    assert keyed.mean() < 0.5 * alone.mean()


def test_the_network_sees_each_plane_once(
    spreading_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"predicted": 0, "described": 0}
    predict, describe = NetworkRunner.__call__, NetworkRunner.describe

    def counted(self: NetworkRunner, lightness: Tensor, *args: Any, **choices: Any) -> Any:
        seen["predicted"] += len(lightness)
        return predict(self, lightness, *args, **choices)

    def also_counted(self: NetworkRunner, lightness: Tensor) -> Tensor:
        seen["described"] += len(lightness)
        return describe(self, lightness)

    monkeypatch.setattr(NetworkRunner, "__call__", counted)
    monkeypatch.setattr(NetworkRunner, "describe", also_counted)
    stack = np.stack([moving(1)[0] - t for t in range(18)])  # it grows darker
    colorize(stack, spreading_model, axes="TYX", consistent=True, **CHOICES)
    assert seen == {"predicted": 18, "described": 0}
    stack[9:] = 255 - stack[9:, ::-1]  # perhaps another scene
    colorize(stack, spreading_model, axes="TYX", consistent=True, **CHOICES)
    assert seen["described"] == 16


def test_all_pixels_of_an_area_have_its_colour(spreading_model: Model, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:160, :160] - 80
    mask = np.hypot(rows, columns) < 50 + 27 * np.cos(7 * np.arctan2(rows, columns))
    plane = np.random.default_rng(1).integers(80, 180, mask.shape).astype(np.uint8)
    # Two areas side by side.
    labels = Labels(mask + 1, colormap={1: "#6a7a8a", 2: "#8a7a6a", None: "#000000"})
    hints = Hints.from_layers([labels], Image(plane))
    hints.to_csv(tmp_path / "hints.csv")
    rgb = colorize(plane, spreading_model, hints=hints, **CHOICES)
    disks = Hints(tuple(replace(hint, area=None) for hint in hints))
    by_disks = colorize(plane, spreading_model, hints=disks, **CHOICES)
    ab = np.array([to_ab(np.asarray(labels.get_color(label))) for label in (1, 2)])
    expected = ab[mask.astype(int)]
    errors = [np.abs(rgb2lab(each)[..., 1:] - expected).max() for each in (rgb, by_disks)]
    assert errors[0] < 1  # of rounding to 8 bits
    assert errors[1] > 3
    again = colorize(plane, spreading_model, hints=tmp_path / "hints.csv", **CHOICES)
    assert np.array_equal(again, rgb)


def test_predicted_colours_are_taken_from_more_cells_than_known_ones(
    spreading_model: Model,
) -> None:
    stack, shown = moving(3), DisplayRange(0, 255)
    predictor = make_predictor(spreading_model, PredictionSettings(**CHOICES))
    hints = Hints((Hint((0.0, 40.0, 40.0), RED, 4.0),), "tyx")
    likeness = []
    for sources in (
        GuideSources(),
        GuideSources(keyframes={(0,): colored(stack[0])}),
        GuideSources(hints),
    ):
        guides = make_guides(sources, stack, Axes("TYX"), predictor, shown).of_plane((2,))
        assert guides is not None
        likeness += [source.likeness for source in guides.others]
    assert likeness == [FROM_ANCHORS, BETWEEN_PLANES, BETWEEN_PLANES]


def _ab_error(rgb: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(rgb2lab(rgb) - rgb2lab(truth))[..., 1:].mean())


def test_a_reference_gives_its_colours_where_it_matches(
    spreading_model: Model, tmp_path: Path
) -> None:
    plane = moving(1)[0]
    reference = colored(plane[:, ::-1])
    Picture.fromarray(reference).save(tmp_path / "reference.png")
    Picture.fromarray(np.full((20, 20), 9, np.uint8)).save(tmp_path / "gray.png")
    plain = colorize(plane, spreading_model, **CHOICES)
    for given in (reference, tmp_path / "reference.png", [tmp_path]):
        guided = colorize(plane, spreading_model, references=given, **CHOICES)
        assert _ab_error(guided, colored(plane)) < 0.9 * _ab_error(plain, colored(plane))
    weak = colorize(plane, spreading_model, references=reference, reference_strength=0.0, **CHOICES)
    assert chroma_change(weak, plain) == 0


def test_bad_references_are_named(spreading_model: Model, tmp_path: Path) -> None:
    plane = moving(1)[0]
    Picture.fromarray(plane).save(tmp_path / "gray.png")
    (tmp_path / "empty").mkdir()
    for given, message in (
        (tmp_path / "gray.png", "'gray.png' without colour"),
        (np.dstack([plane] * 3), "which is gray"),
        (plane, "of shape"),
        (tmp_path / "empty", "colour pictures in"),
    ):
        with pytest.raises(InputError, match=message):
            colorize(plane, spreading_model, references=given, **CHOICES)
    with pytest.raises(FileError):
        colorize(plane, spreading_model, references=tmp_path / "absent.png", **CHOICES)
    with pytest.raises(InputError, match="strength"):
        colorize(plane, spreading_model, reference_strength=2.0, **CHOICES)


def test_files_take_their_own_hints_and_say_so(spreading_model: Model, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Picture.fromarray(moving(1)[0]).save(tmp_path / name)
    hints = Hints((Hint((40.0, 40.0), RED, 5.0, file="b.png"),), "yx")
    request = FilesRequest(
        [tmp_path / "a.png", tmp_path / "b.png"],
        tmp_path / "out",
        spreading_model,
        sources=GuideSources(hints),
    )
    assert not run(colorize_files(request)).failed
    pictures, told = [], []
    for name in ("a.png", "b.png"):
        with Picture.open(tmp_path / "out" / name) as picture:
            pictures.append(np.asarray(picture))
            told.append(str(picture.info))
    assert not np.array_equal(*pictures)
    assert [hints.digest in text for text in told] == [False, True]


def test_pages_of_a_scanner_are_no_sequence(spreading_model: Model, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "pages.tif", moving(4), photometric="minisblack")
    tifffile.imwrite(tmp_path / "film.ome.tif", moving(4), metadata={"axes": "TYX"}, ome=True)
    results = {}
    for name in ("pages.tif", "film.ome.tif"):
        for consistent in (None, False):
            out = tmp_path / f"{consistent}-{name}"
            sources = GuideSources(consistent=consistent)
            request = FilesRequest([tmp_path / name], out, spreading_model, sources=sources)
            assert not run(colorize_files(request)).failed
            results[name, consistent] = tifffile.imread(out)
    assert np.array_equal(results["pages.tif", None], results["pages.tif", False])
    assert not np.array_equal(results["film.ome.tif", None], results["film.ome.tif", False])


def test_thousands_of_hints_are_said_to_be_thinned_out(spreading_model: Model) -> None:
    places = np.random.default_rng(0).uniform(0, 95, (MOST_HINTS + 1, 2))
    hints = Hints.from_arrays(places, np.full((len(places), 2), 9.0), radius=1)
    notices: list[str] = []

    def note(event: object) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)

    colorize(moving(1)[0], spreading_model, hints=hints, on_event=note, **CHOICES)
    assert any(f"{len(places)} hints" in text for text in notices)


def test_the_next_hint_has_a_place_and_a_gain(spreading_model: Model) -> None:
    plane = moving(1)[0]
    position, gain = suggest_hint(plane, model=spreading_model)
    assert gain > 0
    assert 0 <= position[0] < 96
    hints = Hints((Hint(position, RED),), "yx")
    assert suggest_hint(plane, hints, spreading_model)[1] < gain


def test_planes_of_many_cells_take_colours_in_squares_of_them(
    spreading_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = moving(1)[0]
    given = {"references": colored(plane), "scale": "native", **CHOICES}
    plain = colorize(plane, spreading_model, scale="native", **CHOICES)
    whole = colorize(plane, spreading_model, **given)
    monkeypatch.setattr("napari_colorgan.inference.plane_prediction._MOST_CARRIED", 40)
    few = colorize(plane, spreading_model, **given)
    assert 0 < chroma_change(few, whole) < chroma_change(plain, whole)


def test_a_hint_colours_its_scene_and_only_as_far_as_it_is_carried(
    spreading_model: Model,
) -> None:
    stack = moving(8)
    plain = colorize(stack, spreading_model, axes="TYX", **CHOICES)

    def changed(carry: Any) -> list[bool]:
        hints = Hints((Hint((3.0, 40.0, 40.0), RED, 5.0, carry=carry),), "tyx")
        guided = colorize(stack, spreading_model, axes="TYX", hints=hints, **CHOICES)
        return [chroma_change(a, b) > 0.5 for a, b in zip(plain, guided, strict=True)]

    assert changed("all") == [True] * 8
    assert changed("this") == [i == 3 for i in range(8)]
    forward = changed("forward")
    assert forward[3:] == [True] * 5
    assert not any(forward[:3])
