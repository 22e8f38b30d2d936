"""The card in a narrow panel: what users want to know, nothing that needs a table."""

from __future__ import annotations

from napari_colorgan.library.card import STATEMENT, Metric, ModelCard
from napari_colorgan.widgets.shared.card_view import card_digest

FULL = ModelCard(
    name="natural",
    version="2",
    title="Photographs",
    domain="photographs, old and new",
    description="A U-Net.",
    working_size=256,
    vividness=0.35,
    training_data=(("COCO", "CC BY 4.0"),),
    config='learning_rate = "long"',
    metrics=(
        Metric("bsds500", "PSNR (dB)", 24.5678, gray=22.9),
        Metric("bsds500", "colorfulness", 0.81),
        Metric("prokudin", "PSNR (dB)", 25.0),
    ),
    created="2026-01-31",
    parent="base",
    limitations="Skin may be wrong.",
    sha256="0123456789ab" + "c" * 52,
)


def test_a_full_card() -> None:
    assert card_digest(FULL).split("\n\n") == [
        "# Photographs",
        STATEMENT,
        "A U-Net.",
        "## Limitations",
        "Skin may be wrong.",
        "## Results on held-out images",
        "bsds500:",
        "- PSNR (dB): 24.6 (gray: 22.9)\n- colorfulness: 0.81",
        "prokudin:",
        "- PSNR (dB): 25",
        "## Training data",
        "- COCO: CC BY 4.0",
        "## Facts",
        "- For: photographs, old and new\n- Working scale: fit to 256 px\n"
        "- Colour strength: 1\n- Temperature: 0.45\n"
        "- Version: 2, 2026-01-31\n- Made from: base\n- Licence: BSD-3-Clause\n"
        "- SHA-256: 0123456789ab…",
    ]


def test_what_is_empty_is_left_out() -> None:
    bare = ModelCard("a", "1", "A", "cells", "", scale="native", created="2026-01-31")
    assert card_digest(bare).split("\n\n") == [
        "# A",
        STATEMENT,
        "## Facts",
        "- For: cells\n- Working scale: native\n- Colour strength: 1\n"
        "- Temperature: 1\n- Version: 1, 2026-01-31\n"
        "- Licence: BSD-3-Clause",
    ]
