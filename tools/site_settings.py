"""The page of settings, made from their declarations."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.settings import declared

if TYPE_CHECKING:
    from napari_colorgan.settings import Declared

_HEAD = """# Settings of a prediction

Every setting has one declaration. The Colorize panel, the command line (`--name`), Python
(`colorize(…, name=value)`) and the metadata of results use the names and ranges below.

| name | panel | accepts | default | meaning |
|---|---|---|---|---|
"""


def settings_page() -> str:
    """Return the table of all settings of a prediction as Markdown."""
    rows = [_row(setting) for setting in declared(PredictionSettings).values()]
    return _HEAD + "\n".join(rows) + "\n"


def _row(field: Declared) -> str:
    setting = field.setting
    default = "the model's" if field.default is None else f"`{field.default}`"
    if field.default is dataclasses.MISSING:
        default = "none"
    title = setting.title if setting is not None and setting.row is not None else "–"
    meaning = setting.description if setting is not None else ""
    cells = (f"`{field.name}`", title, field.accepted, default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
