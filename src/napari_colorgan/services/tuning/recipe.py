"""What a recipe says about a fine-tuning, and recipes of one's own; free of torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli_w

from napari_colorgan.io import write_atomically
from napari_colorgan.io.problems import writing
from napari_colorgan.services.tuning.settings import data_at_scale
from napari_colorgan.training.data_config import DataConfig
from napari_colorgan.training.phase_config import PhaseConfig
from napari_colorgan.training.plain_values import build, to_plain
from napari_colorgan.training.plan import total_epochs
from napari_colorgan.training.recipe_file import read_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.services.tuning.request import Scale

FILE = "recipe.toml"
RATES = ("lr", "encoder_lr", "discriminator_lr")


@dataclass(frozen=True)
class RecipeValues:
    """What a recipe means for a base.

    Attributes
    ----------
    size : int
        The patches' side in pixels.
    batch_size : int
        Patches a step, the most of all phases.
    learning_rate : float
        The decoder's, at its peak, in the first phase that has one.
    epochs : float
        Passes over the planes in all, where no time is given.
    data : DataConfig
        All else about patches.
    """

    size: int
    batch_size: int
    learning_rate: float
    epochs: float
    data: DataConfig


def recipe_values(recipe: str | Path, scale: Scale | None, base: ModelCard) -> RecipeValues:
    """Return what a recipe means for a base at a scale, by default the base's.

    Raises
    ------
    ConfigError
        If the recipe can't be read.
    """
    values = read_recipe(recipe)
    data = data_at_scale(build(DataConfig, values.get("data", {}), "data."), scale, base)
    phases = _phases(values)
    # A fit is one step that learns at no rate.
    gradual = [phase for phase in phases if not phase.is_fit] or phases
    return RecipeValues(
        size=data.size,
        batch_size=max(phase.batch_size for phase in gradual),
        learning_rate=next((phase.lr for phase in gradual if phase.lr), 0.0),
        epochs=total_epochs(phases),
        data=data,
    )


def adapt_recipe(
    recipe: str | Path, values: RecipeValues, size: int, learning_rate: float
) -> dict[str, Any]:
    """Return a recipe with a patch size and a learning rate of one's own.

    Parameters
    ----------
    recipe : str or Path
        Its name or file.
    values : RecipeValues
        What it means for the base; the scale is fixed to theirs.
    size : int
        The patches' side in pixels, a multiple of 32.
    learning_rate : float
        What `values.learning_rate` becomes; all other rates change in proportion, so that those
        of 0 stay.
    """
    table = read_recipe(recipe)
    factor = learning_rate / values.learning_rate if values.learning_rate else 1.0
    data = to_plain(dataclasses.replace(values.data, size=size))
    phases = [
        to_plain(
            dataclasses.replace(phase, **{name: getattr(phase, name) * factor for name in RATES})
        )
        for phase in _phases(table)
    ]
    return {**table, "data": data, "phases": phases}


def _phases(table: dict[str, Any]) -> list[PhaseConfig]:
    """Return a recipe's phases, with what it leaves out as it is by default."""
    stated = [build(PhaseConfig, phase, "phases.") for phase in table.get("phases", [])]
    return stated or [PhaseConfig("supervised")]


def write_recipe(table: dict[str, Any], folder: Path) -> Path:
    """Write a recipe into a run's folder, which is made; return its path.

    Raises
    ------
    FileError
        If the folder can't be written.
    """
    path = folder / FILE
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
    with write_atomically(path) as temporary:
        temporary.write_text(tomli_w.dumps(table), encoding="utf-8")
    return path
