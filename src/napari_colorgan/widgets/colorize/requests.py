"""From the form's choices to what the engine is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.provenance import describe_origin
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
    scales: dict[str, Any] = {"model": None, "number": options.scale_number}
    several = predicts_distribution(entry)
    return PredictionSettings(
        scale=scales.get(options.scale, options.scale),
        vividness=options.vividness if several else None,
        saturation=options.saturation,
        device=preferences.device if options.device == "preferences" else options.device,
        precision=preferences.precision,
        memory_limit=preferences.memory_limit,
        dtype=options.dtype,
        uncertainty=options.uncertainty and several,
    )


def layer_metadata(
    entry: ModelEntry, settings: PredictionSettings, display: DisplayRange
) -> dict[str, Any]:
    """Return what a result layer says about its origin, from its first plane on."""
    return {METADATA_KEY: describe_origin(entry.card, settings, display)}
