"""A former and a new model side by side, in two pictures and with notes of one who looked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.services.evaluation.colorizer import make_colorizer
from napari_colorgan.services.evaluation.settings import PHOTOGRAPH_SIZE, REPEATABLE, ImageSet
from napari_colorgan.services.evaluation.truth import choose_pictures, read_truth
from quality_pictures import read_real, write_sheet
from quality_sets import QUALITY_SETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model

NOTES = "quality-beside.toml"
"""The notes, beside the page."""
SHEET, REAL_SHEET = "quality-beside.jpg", "quality-beside-real.jpg"
DRAWN = 24
SEED = 0
LARGEST = 400_000


@dataclass(frozen=True)
class Beside:
    """Two models on the same photographs.

    Attributes
    ----------
    former, new : str
        What they are called: name and version.
    drawn : int
        How many photographs were drawn for the sheet `SHEET`; 0 where none may be shown.
    sets : tuple of str
        The sets from which they were drawn.
    real : tuple of str
        The names of the black-and-white photographs on the sheet `REAL_SHEET`, in its order.
    notes : mapping of str to str
        What somebody saw there, by those names.
    """

    former: str
    new: str
    drawn: int
    sets: tuple[str, ...]
    real: tuple[str, ...]
    notes: Mapping[str, str]


def put_beside(former: Model, new: Model, data: Path, docs: Path) -> Beside:
    """Colorize photographs by two models, and write both sheets.

    Parameters
    ----------
    former, new : Model
        For photographs.
    data : Path
        The folder in which the sets' folders lie.
    docs : Path
        The folder of the page, of its notes and of `images`.

    Returns
    -------
    Beside
        What is shown.
    """
    images = docs / "images"
    images.mkdir(parents=True, exist_ok=True)
    colorizers = [make_colorizer(model, REPEATABLE) for model in (former, new)]
    sets = [
        each
        for each in QUALITY_SETS.values()
        if each.model == "natural" and each.is_shown and (data / each.folders[0]).is_dir()
    ]
    rows = []
    if sets:
        folders = tuple(data / folder for each in sets for folder in each.folders)
        for picture in choose_pictures(ImageSet("shown", folders), DRAWN, SEED):
            truth = read_truth(picture, PHOTOGRAPH_SIZE)
            if truth is not None:
                ours = [colorize(truth.gray, None).rgb for colorize in colorizers]
                rows.append((truth.gray_8_bit, *ours, truth.rgb))
        write_sheet(rows, images / SHEET, columns=2, largest=LARGEST)
    real = read_real(data)
    if real:
        gray_rows = [
            (
                gray,
                *(colorize((gray / 255).astype(np.float32), None).rgb for colorize in colorizers),
            )
            for gray in real.values()
        ]
        write_sheet(gray_rows, images / REAL_SHEET, thumbnail=192, columns=2, largest=LARGEST)
    names = _title(former.card), _title(new.card)
    return Beside(
        former=names[0],
        new=names[1],
        drawn=len(rows),
        sets=tuple(each.name for each in sets),
        real=tuple(real),
        notes=read_notes(docs / NOTES, *names, tuple(real)),
    )


def read_notes(path: Path, former: str, new: str, names: Sequence[str]) -> dict[str, str]:
    """Read the notes on two models' colours of the black-and-white photographs.

    Parameters
    ----------
    path : Path
        TOML with the keys `former`, `new` and a table `notes`; it may be missing.
    former, new : str
        The models that are shown. Notes on others are left out: they would be wrong.
    names : sequence of str
        The photographs.

    Returns
    -------
    dict of str to str
        By name, those that are written.

    Raises
    ------
    InputError
        If a note is on a photograph that isn't there.
    """
    if not path.is_file():
        return {}
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    if (values.get("former"), values.get("new")) != (former, new):
        return {}
    notes: dict[str, str] = values.get("notes", {})
    unknown = sorted(set(notes) - set(names))
    if unknown:
        raise InputError(
            expected=f"notes on the photographs {', '.join(names)} in {path.name}",
            got=", ".join(unknown),
            action="Correct the names in that file.",
        )
    return notes


def _title(card: ModelCard) -> str:
    return f"{card.name} {card.version}"
