"""Recipes for fine-tuning: adapted to a base, to the request and to a user's own settings.

Only `tuning_config` needs torch, so that a panel can show a recipe's values at once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli_w

from napari_colorgan.core.networks.generator_config import GeneratorConfig, extended
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.io.problems import writing
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.plan import total_epochs
from napari_colorgan.training.recipe_file import build, read_recipe, to_plain

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.discriminator import DiscriminatorConfig
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.services.run_request import FineTuneRequest
    from napari_colorgan.services.tuning.settings import Scale
    from napari_colorgan.training.config import TrainingConfig

FILE = "recipe.toml"
RATES = ("lr", "encoder_lr", "discriminator_lr")
FIT_ZOOM = (1.0, 1.25)
# Shares of the time. The discriminator trains alone first: an untrained one gives the generator
# useless gradients.
DISCRIMINATOR_SHARE, ADVERSARIAL_SHARE = 0.05, 0.25
# Learning rates that learn a stain in a hundred steps make adversarial training unstable.
ADVERSARIAL_RATE_DIVISOR = 10


@dataclass(frozen=True)
class RecipeValues:
    """A recipe's values for a given base.

    Attributes
    ----------
    size : int
        The patches' side in pixels.
    batch_size : int
        Patches a step, the maximum of all phases.
    learning_rate : float
        The decoder's, at its peak, in the first phase that has one.
    epochs : float
        Passes over the planes in all, where no time is given.
    data : DataConfig
        All settings of patches.
    """

    size: int
    batch_size: int
    learning_rate: float
    epochs: float
    data: DataConfig


def recipe_values(recipe: str | Path, scale: Scale | None, base: ModelCard) -> RecipeValues:
    """Return a recipe's values for a base at a scale, by default the base's.

    Parameters
    ----------
    recipe : str or Path
        Its name or path.
    scale : Scale or None
        "fit" or "native"; None takes the base's.
    base : ModelCard
        The base model's card.

    Raises
    ------
    ConfigError
        If the recipe can't be read.
    """
    values = read_recipe(recipe)
    data = data_at_scale(build(DataConfig, values.get("data", {}), "data."), scale, base)
    phases = _phases(values)
    # A closed-form phase is one step, without a learning rate.
    gradient_phases = [phase for phase in phases if not phase.is_closed_form] or phases
    return RecipeValues(
        size=data.size,
        batch_size=max(phase.batch_size for phase in gradient_phases),
        learning_rate=next((phase.lr for phase in gradient_phases if phase.lr), 0.0),
        epochs=total_epochs(phases),
        data=data,
    )


def adapt_recipe(
    recipe: str | Path, values: RecipeValues, size: int, learning_rate: float
) -> dict[str, Any]:
    """Return a recipe with another patch size and learning rate.

    Parameters
    ----------
    recipe : str or Path
        Its name or file.
    values : RecipeValues
        Its values for the base; their scale is written into the recipe.
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
    """Return a recipe's phases, with defaults for what it leaves out."""
    phases = [build(PhaseConfig, phase, "phases.") for phase in table.get("phases", [])]
    return phases or [PhaseConfig("supervised")]


def write_recipe(table: dict[str, Any], folder: Path) -> Path:
    """Write a recipe into a run's folder, which is made; return its path.

    Parameters
    ----------
    table : dict[str, Any]
        Plain values.
    folder : Path
        The run's folder.

    Returns
    -------
    Path
        The file.

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


def tuning_config(request: FineTuneRequest, base: ModelCard) -> TrainingConfig:
    """Return the settings of a run.

    Parameters
    ----------
    request : FineTuneRequest
        The user's choices.
    base : ModelCard
        The base's card: its architecture, scale, working size and vividness are kept.

    Raises
    ------
    ConfigError
        If the recipe can't be read, or doesn't suit the base.
    """
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.plan import share_epochs

    recipe = TrainingConfig.load(request.recipe)
    generator = extended(GeneratorConfig.from_dict(base.architecture), recipe.generator)
    phases = recipe.phases
    # The base's architecture decides which phases are possible.
    if not generator.detail:
        phases = tuple(phase for phase in phases if not phase.is_closed_form)
    if generator.head != "distribution":
        phases = tuple(dataclasses.replace(phase, classification=0.0) for phase in phases)
    data = data_at_scale(recipe.data, request.scale, base)
    discriminator = recipe.discriminator
    if request.adversarial and all(phase.kind != "adversarial" for phase in phases):
        phases = _with_discriminator(phases)
        discriminator = _for_patches(discriminator, data.size, generator.output_stride)
    config = dataclasses.replace(
        recipe,
        generator=generator,
        discriminator=discriminator,
        data=dataclasses.replace(data, validation_share=request.hold_out),
        phases=phases,
        vividness=base.vividness,
    )
    return config if request.epochs is None else share_epochs(config, request.epochs)


def data_at_scale(data: DataConfig, scale: Scale | None, base: ModelCard) -> DataConfig:
    """Return the settings of patches at a scale, by default at the base's.

    Where a recipe states the scale itself, its settings are kept; only patch sizes that the base's
    stride doesn't divide are rounded up.

    Parameters
    ----------
    data : DataConfig
        The recipe's.
    scale : Scale or None
        "fit" or "native"; None takes the base's.
    base : ModelCard
        The base model's card.

    Raises
    ------
    ConfigError
        If the base's architecture is unknown.
    """
    stride = GeneratorConfig.from_dict(base.architecture).stride
    scale = scale or ("fit" if base.scale == "fit" else "native")
    size = data.size
    if scale == "fit" and data.scale != "fit":
        # In the middle of the zoom's range, objects have the size that the base was trained for.
        # Photographs are not turned: gravity shows in them.
        size = max(round(base.working_size / (sum(FIT_ZOOM) / 2) / 32) * 32, 64)
        data = dataclasses.replace(data, zoom=FIT_ZOOM, turns=False, flips=True)
    return dataclasses.replace(data, scale=scale, size=-(-size // stride) * stride)


def _for_patches(config: DiscriminatorConfig, size: int, stride: int) -> DiscriminatorConfig:
    """Return a discriminator with so few levels that the base's patches are large enough for it."""
    while config.downs > 1 and config.smallest_patch(stride) > size:
        config = dataclasses.replace(config, downs=config.downs - 1)
    return config


def _with_discriminator(phases: tuple[PhaseConfig, ...]) -> tuple[PhaseConfig, ...]:
    """Return phases of which the last quarter of the time is adversarial."""
    last = next(phase for phase in reversed(phases) if not phase.is_closed_form)
    total = total_epochs(phases)
    supervised = 1.0 - DISCRIMINATOR_SHARE - ADVERSARIAL_SHARE
    shortened = tuple(
        dataclasses.replace(phase, epochs=phase.epochs * supervised) for phase in phases
    )
    discriminator = dataclasses.replace(
        last, kind="discriminator", epochs=total * DISCRIMINATOR_SHARE, ramp_steps=0
    )
    adversarial = dataclasses.replace(
        last,
        kind="adversarial",
        epochs=total * ADVERSARIAL_SHARE,
        lr=last.lr / ADVERSARIAL_RATE_DIVISOR,
        encoder_lr=last.encoder_lr / ADVERSARIAL_RATE_DIVISOR,
        adversarial=0.1,
    )
    return (*shortened, discriminator, adversarial)
