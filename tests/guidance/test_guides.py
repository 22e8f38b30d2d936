"""Guides travel from a request to the network, on every way that leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from napari_colorgan import colorize
from napari_colorgan.errors import InputError
from napari_colorgan.events import run
from napari_colorgan.guidance.guides import Guides, PlaneGuides
from napari_colorgan.guidance.hints import HintMap

if TYPE_CHECKING:
    from pathlib import Path

COLOR = (30.0, -25.0)
HINTS = HintMap.empty(64, 64).with_rectangle(20, 20, 20, 20, COLOR)
STACK = np.full((3, 64, 64), 128, np.uint8)


def shows_the_hint(plane: np.ndarray) -> bool:
    found = rgb2lab(plane[24:36, 24:36])[..., 1:]
    return bool(np.abs(found - COLOR).max() < 2)


def test_a_plane_has_its_own_guides() -> None:
    guides = Guides({(1,): HINTS})
    assert guides.of_plane((0,)) is None
    found = guides.of_plane((1,))
    assert isinstance(found, PlaneGuides)
    assert found.hints is HINTS
    assert Guides().of_plane(()) is None


def test_hints_without_their_plane_are_refused() -> None:
    for wrong in ({1: HINTS}, [HINTS], HINTS):
        with pytest.raises(InputError, match="index"):
            Guides(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("lazy", [False, True])
def test_hints_decide_the_colours_of_their_plane(tiny_model_file: Path, lazy: bool) -> None:
    rgb = np.asarray(
        colorize(STACK, tiny_model_file, guides=Guides({(1,): HINTS}), device="cpu", lazy=lazy)
    )
    assert [shows_the_hint(plane) for plane in rgb] == [False, True, False]


def test_hints_decide_the_colours_of_a_file(tiny_model_file: Path, tmp_path: Path) -> None:
    from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

    Image.fromarray(STACK[0]).save(tmp_path / "gray.png")
    request = FilesRequest(
        [tmp_path / "gray.png"],
        tmp_path / "colour.png",
        model=tiny_model_file,
        guides=Guides({(): HINTS}),
    )
    assert not run(colorize_files(request)).failed
    assert shows_the_hint(np.asarray(Image.open(tmp_path / "colour.png")))


def test_hints_of_another_size_are_refused(tiny_model_file: Path) -> None:
    with pytest.raises(InputError, match="hint map"):
        colorize(STACK[0][:60], tiny_model_file, guides=Guides({(): HINTS}), device="cpu")
