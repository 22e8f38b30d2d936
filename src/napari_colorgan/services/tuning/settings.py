"""The recipe for fine-tuning, fitted to a base and to what the user asked for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from napari_colorgan.core.generator_config import GeneratorConfig, extended

if TYPE_CHECKING:
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.services.tuning.request import FineTuneRequest, Scale
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.data_config import DataConfig
    from napari_colorgan.training.phase_config import PhaseConfig

FIT_ZOOM = (1.0, 1.25)
# Shares of the time: a discriminator that knows nothing would lead the generator astray.
DISCRIMINATOR_SHARE, ADVERSARIAL_SHARE = 0.05, 0.25
# The rates that learn a stain in a hundred steps are too bold for a game of two.
ADVERSARIAL_CARE = 10


def tuning_config(request: FineTuneRequest, base: ModelCard) -> TrainingConfig:
    """Return the settings of a run.

    Parameters
    ----------
    request : FineTuneRequest
        What was asked for.
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
    if not generator.detail:
        phases = tuple(phase for phase in phases if not phase.is_fit)
    if generator.head != "distribution":
        phases = tuple(dataclasses.replace(phase, classification=0.0) for phase in phases)
    if request.adversarial and all(phase.kind != "adversarial" for phase in phases):
        phases = _with_discriminator(phases)
    config = dataclasses.replace(
        recipe,
        generator=generator,
        data=dataclasses.replace(
            data_at_scale(recipe.data, request.scale, base), validation_share=request.hold_out
        ),
        phases=phases,
        vividness=base.vividness,
    )
    return config if request.epochs is None else share_epochs(config, request.epochs)


def data_at_scale(data: DataConfig, scale: Scale | None, base: ModelCard) -> DataConfig:
    """Return how pictures become patches at a scale, by default at the base's.

    A recipe that states the scale itself is taken at its word, but for patches that the base's
    stride doesn't divide: they become a little larger.

    Raises
    ------
    ConfigError
        If the base's architecture is unknown.
    """
    stride = GeneratorConfig.from_dict(base.architecture).stride
    scale = scale or ("fit" if base.scale == "fit" else "native")
    size = data.size
    if scale == "fit" and data.scale != "fit":
        # Patches in whose middle a picture looks as large as the base is used to; upright, too.
        size = max(round(base.working_size / (sum(FIT_ZOOM) / 2) / 32) * 32, 64)
        data = dataclasses.replace(data, zoom=FIT_ZOOM, turns=False, flips=True)
    return dataclasses.replace(data, scale=scale, size=-(-size // stride) * stride)


def _with_discriminator(phases: tuple[PhaseConfig, ...]) -> tuple[PhaseConfig, ...]:
    """Give the last quarter of the time to the adversarial game."""
    from napari_colorgan.training.plan import total_epochs

    last = next(phase for phase in reversed(phases) if not phase.is_fit)
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
        lr=last.lr / ADVERSARIAL_CARE,
        encoder_lr=last.encoder_lr / ADVERSARIAL_CARE,
        adversarial=0.1,
    )
    return (*shortened, discriminator, adversarial)
