"""Live guiding: one pass of the network, and hints that are exact where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

from napari_colorgan import Hint, Hints
from napari_colorgan.axes import Axes
from napari_colorgan.errors import InputError
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.live.plane_session import StackSession

if TYPE_CHECKING:
    from napari_colorgan.library.model_file import Model

AB = (20.0, 18.0)


def gray(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 200, (*shape[:-2], -(-shape[-2] // 16), -(-shape[-1] // 16)))
    full = coarse.repeat(16, axis=-2).repeat(16, axis=-1)
    return full[..., : shape[-2], : shape[-1]].astype(np.uint8)


def session(model: Model, stack: np.ndarray, letters: str, **choices: object) -> StackSession:
    settings = PredictionSettings(device="cpu", precision="float32", **choices)  # type: ignore[arg-type]
    return StackSession(stack, Axes(letters), model, settings)


def test_a_hint_is_exact_and_acts_elsewhere(spreading_model: Model) -> None:
    plane = session(spreading_model, gray(120, 150), "YX").plane()
    hints = Hints((Hint((40.0, 50.0), AB, 0.0), Hint((90.0, 100.0), kind="gray")), "yx")
    free, guided = plane.guided(), plane.guided(hints)
    for hint in hints:
        place = (hint.position[0], hint.position[1])
        shown = np.array(guided.color_at(place))
        meant = np.array([plane.lightness_at(place), *(hint.ab or ())])
        assert deltaE_ciede2000(shown, meant) < 0.5
    assert np.abs(guided.render().astype(int) - free.render()).mean() > 1


def test_a_part_is_what_the_whole_shows(spreading_model: Model) -> None:
    hints = Hints((Hint((40.0, 50.0), AB, 6.0), Hint((42.0, 60.0), kind="keep", radius=5.0)), "yx")
    guided = session(spreading_model, gray(120, 150), "YX").plane().guided(hints)
    whole = guided.render()
    part = guided.render(slice(30, 71), slice(33, 90))
    assert np.abs(whole[30:71, 33:90].astype(int) - part).max() <= 1
    small = guided.render(step=4)
    assert small.shape == (30, 38, 3)
    blocks = whole[:120, :148].reshape(30, 4, 37, 4, 3).mean((1, 3))
    assert np.abs(small[:, :37] - blocks).mean() < 4


def test_kept_places_have_the_colours_they_have_without_hints(spreading_model: Model) -> None:
    plane = session(spreading_model, gray(120, 150), "YX").plane()
    near = Hint((40.0, 50.0), AB, 8.0)
    keep = Hint((44.0, 60.0), kind="keep", radius=5.0)
    free = plane.guided().render()
    guided = plane.guided(Hints((near, keep), "yx")).render()
    assert np.abs(guided[42:47, 58:63].astype(int) - free[42:47, 58:63]).max() <= 1
    assert np.abs(guided[38:43, 48:53].astype(int) - free[38:43, 48:53]).max() > 5


def test_a_barrier_holds_a_hint_back(spreading_model: Model) -> None:
    plane = session(spreading_model, np.full((128, 128), 120, np.uint8), "YX").plane()
    hint = Hint((64.0, 30.0), AB, 4.0)
    wall = tuple(Hint((float(y), 64.0), kind="barrier", radius=1.0) for y in range(128))
    free = plane.guided().render().astype(int)

    def moved(hints: tuple[Hint, ...]) -> np.ndarray:
        changed = plane.guided(Hints(hints, "yx")).render() - free
        return np.abs(changed).mean(axis=(0, 2))

    without, walled = moved((hint,)), moved((hint, *wall))
    assert without[90:].mean() > 3
    assert walled[90:].mean() < 0.1 * without[90:].mean()
    assert walled[20:40].mean() > 0.7 * without[20:40].mean()


def test_hints_are_carried_to_other_planes_and_fade(spreading_model: Model) -> None:
    stack = np.repeat(gray(1, 96, 96), 4, axis=0)
    open_stack = session(spreading_model, stack, "TYX")
    hints = Hints((Hint((0.0, 40.0, 50.0), AB, 6.0),), "tyx")
    moved = [
        np.abs(p.guided(hints).render().astype(int) - p.guided().render()).mean()
        for p in map(open_stack.plane, [(0,), (1,), (3,)])
    ]
    assert moved[0] > 1
    assert moved[0] * 1.5 > moved[1] >= moved[2] > 0.2 * moved[0]
    alone = Hints((Hint((0.0, 40.0, 50.0), AB, 6.0, carry="this"),), "tyx")
    plane = open_stack.plane((1,))
    assert np.array_equal(plane.guided(alone).render(), plane.guided().render())


def test_likely_colours_differ_and_are_shown_at_the_place(spreading_model: Model) -> None:
    plane = session(spreading_model, gray(96, 96), "YX").plane()
    colors = plane.likely_colors((50, 60), 5)
    assert 1 <= len(colors) <= 5
    shares = [color.share for color in colors]
    assert shares == sorted(shares, reverse=True)
    ab = np.array([color.ab for color in colors])
    apart = np.hypot(*(ab[:, None] - ab[None]).T) + 100 * np.eye(len(ab))
    assert apart.min() > 5
    with pytest.raises(InputError, match="inside the plane"):
        plane.likely_colors((96, 0))


def test_suggested_places_tell_less_when_they_are_known(spreading_model: Model) -> None:
    plane = session(spreading_model, gray(96, 128), "YX").plane()
    first, second = plane.suggest(count=2)
    assert first.gain > second.gain > 0
    assert first.position != second.position
    known = Hints((Hint(first.position, AB, 6.0),), "yx")
    assert plane.suggest(known, 1)[0].gain < first.gain


def test_suggestions_go_over_the_planes_of_a_sequence(spreading_model: Model) -> None:
    stack = gray(5, 96, 128)
    stack[1:] = 127  # nothing to be gained there
    stack[3] = gray(96, 128)[::-1]
    film = session(spreading_model, stack, "TYX")
    found = film.suggest((0,), None, 6)
    gains = [suggestion.gain for _, suggestion in found]
    assert gains == sorted(gains, reverse=True)
    assert len({index for index, _ in found}) > 1
    # A hint that is carried leaves less for the planes around it, one of its plane alone doesn't.
    best = {index: suggestion.gain for index, suggestion in reversed(film.suggest((0,), None, 50))}
    for carry, falls in (("all", True), ("this", False)):
        hints = Hints((Hint((0.0, 40.0, 50.0), AB, 6.0, carry=carry),), "tyx")  # type: ignore[arg-type]
        after = {i: s.gain for i, s in reversed(film.suggest((0,), hints, 50))}
        assert (after[(3,)] < 0.5 * best[(3,)]) == falls
    assert {index for index, _ in session(spreading_model, stack, "CYX").suggest((2,))} == {(2,)}


@pytest.mark.parametrize("stack", [np.zeros((40, 40), np.uint8), np.full((3, 5), 7, np.uint16)])
def test_empty_and_constant_planes_can_be_hinted(spreading_model: Model, stack: np.ndarray) -> None:
    plane = session(spreading_model, stack, "YX").plane()
    hints = Hints((Hint((1.0, 1.0), AB), Hint((1.0, 1.0), (-30.0, 5.0))), "yx")
    assert np.isfinite(plane.guided(hints).render()).all()
    assert plane.suggest(hints, 1)


def test_thousands_of_hints_are_worked_off(spreading_model: Model) -> None:
    rng = np.random.default_rng(0)
    stack = gray(256, 256)
    hints = Hints.from_arrays(
        rng.uniform(0, 255, (3000, 2)), rng.normal(0, 20, (3000, 2)), radius=0
    )
    plane = session(spreading_model, stack, "YX", scale="native").plane()
    guided = plane.guided(hints)
    last = hints.hints[-1]
    assert np.allclose(guided.color_at((last.position[0], last.position[1]))[1:], last.ab, atol=1.5)
