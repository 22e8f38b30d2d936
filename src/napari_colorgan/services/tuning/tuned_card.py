"""What the card of a fine-tuned model says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from napari_colorgan.services.tuning.comparison import Comparison, with_comparison

if TYPE_CHECKING:
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.services.tuning.material import Dataset

_LIMITATIONS = "Made from {planes}: it is for material like that, and was measured on nothing else."


def card_fields(base: ModelCard, material: Dataset) -> dict[str, Any]:
    """Return what a card says before the training: of what it is made, and from which base."""
    made_from = trained_on(material)
    limits = (material.warning, _LIMITATIONS.format(planes=made_from), base.limitations)
    return {
        "title": f"“{base.name}”, fine-tuned on {made_from}",
        "domain": f"own images; the base is for {base.domain}",
        "training_data": tuple((row, "own data") for row in _sources(material)),
        "license": base.license,
        "limitations": "\n\n".join(filter(None, limits)),
    }


def measured_card(card: ModelCard, material: Dataset, comparison: Comparison) -> ModelCard:
    """Return the trained model's card with what was measured on the held-out planes."""
    held_out, planes = material.held_out_planes, material.planes
    measured = f"{held_out} of {planes} planes, which weren't trained on"
    if planes == 1:
        measured = "the rest of the only plane, which wasn't trained on"
    return dataclasses.replace(
        card,
        description=f"{card.description} Measured on {measured}. "
        f"SHA-256 of all planes: `{material.sha256}`.",
        metrics=with_comparison(card.metrics, comparison),
    )


def unchanged_card(card: ModelCard, comparison: Comparison, base: ModelCard) -> ModelCard:
    """Return the measured card of a model whose base's weights are kept as the better ones.

    What it is for, made from and warned of is the base's: no weight has seen the planes.
    """
    description = f"The weights of “{base.name}”: a fine-tuning did not make it better. "
    return dataclasses.replace(
        card,
        title=f"“{base.name}”, unchanged",
        domain=base.domain,
        training_data=base.training_data,
        limitations=base.limitations,
        description=description + card.description,
        metrics=with_comparison(card.metrics, comparison, unchanged=True),
    )


def trained_on(material: Dataset) -> str:
    """Return how many planes were trained on, in words."""
    if material.planes == 1:
        return "a part of a single plane"
    return _planes(material.planes - material.held_out_planes)


def _sources(material: Dataset) -> list[str]:
    held_out = dict(material.held_out_sources)
    rows = []
    for name, count in material.sources:
        held = held_out.get(name, 0)
        apart = "" if not held else f", {held} of them held out"
        if material.planes == 1:
            apart = ", a part of it held out"
        elif held == count:
            apart = ", held out"
        rows.append(f"{name} ({_planes(count)}{apart})")
    return rows


def _planes(count: int) -> str:
    return f"{count} {'plane' if count == 1 else 'planes'}"
