"""From the form's choices to what the engine is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.colorize import describe_origin
from napari_colorgan.settings import declared
from napari_colorgan.widgets.shared.layers import METADATA_KEY
from napari_colorgan.widgets.shared.model_picker import predicts_distribution

if TYPE_CHECKING:
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.widgets.shared.options import Options
    from napari_colorgan.widgets.shared.preferences import Preferences


def prediction_settings(
    options: Options, preferences: Preferences, entry: ModelEntry
) -> PredictionSettings:
    """Return the engine's settings: the form's choices, over napari's preferences."""
    choices = {name: getattr(options, name) for name in declared(PredictionSettings)}
    choices |= {"precision": preferences.precision, "memory_limit": preferences.memory_limit}
    if options.device == "preferences":
        choices["device"] = preferences.device
    if not predicts_distribution(entry):
        choices |= {"vividness": None, "uncertainty": False}
    return PredictionSettings(**choices)


def layer_metadata(
    entry: ModelEntry, settings: PredictionSettings, display: DisplayRange
) -> dict[str, Any]:
    """Return what a result layer says about its origin, from its first plane on."""
    return {METADATA_KEY: describe_origin(entry.card, settings, display)}
