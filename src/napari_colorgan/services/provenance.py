"""What a result says about its origin."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.library.card import ModelCard

PREDICTED = "predicted, not measured"
"""What a result says about its colour."""


def describe_origin(
    card: ModelCard, settings: PredictionSettings, display: DisplayRange
) -> dict[str, Any]:
    """Return a result's metadata.

    Parameters
    ----------
    card : ModelCard
        The model's.
    settings : PredictionSettings
        The user's choices; what was left to the card is filled in.
    display : DisplayRange
        How the input's values were shown.

    Returns
    -------
    dict
        "software", "model", "version", "sha256", "settings" and "display" (dicts of plain
        values), and "colour", which says that it is predicted.
    """
    from napari_colorgan import __version__

    used = asdict(settings)
    used["scale"] = card.scale if settings.scale is None else settings.scale
    used["vividness"] = card.vividness if settings.vividness is None else settings.vividness
    return {
        "software": f"napari-colorgan {__version__}",
        "model": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "settings": used,
        "display": asdict(display),
        "colour": PREDICTED,
    }


def as_text(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata for a file: text stays, everything else becomes JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in metadata.items()
    }
