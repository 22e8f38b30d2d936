"""The input of a run: which planes of which arrays, with which model and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.colorize import describe_origin
from napari_colorgan.settings import declared
from napari_colorgan.widgets.shared.layers import METADATA_KEY, SOURCE_KEY
from napari_colorgan.widgets.shared.model_picker import predicts_distribution

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.guidance.guides import Guides
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.kept_prediction import KeptPrediction
    from napari_colorgan.library.store import ModelEntry
    from napari_colorgan.services.arrays.blocks import PlaneBlock
    from napari_colorgan.widgets.shared.options import Options
    from napari_colorgan.widgets.shared.preferences import Preferences


@dataclass(frozen=True, eq=False)
class RunPlan:
    """The input of a run, a copy that does not change with the form or the viewer.

    Attributes
    ----------
    layer : napari.layers.Image
        The source.
    levels : tuple of array
        Its arrays, the full resolution first, or what was mixed of its channels.
    display : DisplayRange
        How their values are shown.
    block : PlaneBlock
        The planes to colorize.
    first : tuple of int
        The plane to start with: the one on view.
    entry : ModelEntry
        The model.
    settings : PredictionSettings
        The settings of the prediction.
    replace : bool
        Whether the result takes the place of the source's newest earlier result.
    guides : Guides or None
        What guides the colours.
    sources : GuideSources or None
        What the user gives to guide them.
    kept : (tuple of int, KeptPrediction) or None
        What a preview has predicted for one of the planes.
    """

    layer: Image
    levels: tuple[Any, ...]
    display: DisplayRange
    block: PlaneBlock
    first: PlaneIndex
    entry: ModelEntry
    settings: PredictionSettings
    replace: bool = True
    guides: Guides | None = None
    sources: GuideSources | None = None
    kept: tuple[PlaneIndex, KeptPrediction] | None = None


def prediction_settings(
    options: Options, preferences: Preferences, entry: ModelEntry
) -> PredictionSettings:
    """Return the settings of a prediction: the form's, where it has them, else the preferences.

    Parameters
    ----------
    options : Options
        The form's state.
    preferences : Preferences
        napari's preferences of this plugin.
    entry : ModelEntry
        The chosen model.
    """
    choices = {name: getattr(options, name) for name in declared(PredictionSettings)}
    choices |= {"precision": preferences.precision, "memory_limit": preferences.memory_limit}
    if options.device == "preferences":
        choices["device"] = preferences.device
    if not predicts_distribution(entry):
        choices |= {"temperature": None, "uncertainty": False}
    return PredictionSettings(**choices)


def layer_metadata(
    plan: RunPlan, settings: PredictionSettings, display: DisplayRange
) -> dict[str, Any]:
    """Return the metadata of a result layer about its origin.

    Parameters
    ----------
    plan : RunPlan
        What is colorized, by which model.
    settings : PredictionSettings
        The settings of the prediction.
    display : DisplayRange
        How values are displayed.
    """
    origin = describe_origin(plan.entry.card, settings, display)
    return {METADATA_KEY: origin, SOURCE_KEY: str(plan.layer.unique_id)}
