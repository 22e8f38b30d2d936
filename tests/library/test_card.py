"""A card reads back from a file's metadata as it was, and its page shows what it states."""

from __future__ import annotations

import base64
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorgan.errors import ModelError
from napari_colorgan.library.card import LARGEST_PICTURE, STATEMENT, CardPicture, Metric, ModelCard
from napari_colorgan.library.pages import card_page

JPEG = base64.b64encode(b"\xff\xd8\xff" + b"no real pixels").decode()
CARD = ModelCard(
    name="natürlich 1",
    version="1.0",
    title="Photographs",
    domain="photographs",
    description="Learns | from\n\n# pictures\n## Facts\nof the world.",
    architecture={"architecture": "unet", "decoder_channels": [128, 96]},
    scale=0.5,
    working_size=256,
    vividness=0.4,
    training_data=(("COCO \\| more", "CC BY 4.0"), ("own", "CC0")),
    config='name = "a"  # ```toml\n## Limitations\n',
    metrics=(
        Metric("bsds500 (256 px)", "PSNR (dB)", 23.123456789, 21.5, base=0.0, low=22, high=24.5),
    ),
    created="2026-01-31",
    parent="natural",
    limitations="None | known.",
    sha256="0" * 64,
    parent_sha256="1" * 64,
    pictures=(CardPicture("What it paints [gray]", JPEG), CardPicture("", JPEG)),
)
texts = st.text(max_size=40)
finite = st.floats(allow_nan=False, allow_infinity=False)
bounds = st.none() | st.tuples(finite, finite)
metrics = st.builds(
    lambda bounds, *values: Metric(
        *values, **dict(zip(("low", "high"), bounds or (), strict=False))
    ),
    bounds,
    texts,
    texts,
    finite,
    st.none() | finite,
    st.none() | finite,
)
cards = st.builds(
    ModelCard,
    name=st.sampled_from(["a", "модель 2", "x.y"]),
    version=st.sampled_from(["1", "2.0 beta"]),
    title=texts,
    domain=st.sampled_from(["film", "H&E | frozen"]),
    description=texts | st.just("\\# no heading\n\\\\## nor this"),
    scale=st.sampled_from(["fit", "native"]) | st.floats(0.01, 16),
    working_size=st.integers(32, 4096),
    vividness=st.floats(0, 1),
    training_data=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    config=texts,
    metrics=st.lists(metrics, max_size=3).map(tuple),
    created=st.dates().map(lambda day: day.isoformat()),
    parent=st.none() | st.just("natural"),
    limitations=texts,
    pictures=st.lists(st.builds(CardPicture, texts, st.just(JPEG)), max_size=2).map(tuple),
)


@pytest.mark.parametrize(
    "card", [CARD, dataclasses.replace(CARD, metrics=(), config="", pictures=())]
)
def test_reads_back_from_metadata(card: ModelCard) -> None:
    assert ModelCard.from_metadata(card.to_metadata()) == card


@given(card=cards)
def test_any_card_reads_back(card: ModelCard) -> None:
    assert ModelCard.from_metadata(card.to_metadata()) == card
    assert card_page(card).count("\n## ") >= 6


def test_says_that_colour_is_predicted() -> None:
    for text in (card_page(CARD), CARD.to_metadata()["statement"]):
        assert STATEMENT in text
    for words in ("predicted, not measured", "diagnosis", "evidence"):
        assert words in STATEMENT


def test_page_is_readable() -> None:
    lines = card_page(CARD).splitlines()
    assert lines[0] == "# Photographs"
    assert "| Name | natürlich 1 |" in lines
    measured = "| bsds500 (256 px) | PSNR (dB) | 23.1235 (22.0 to 24.5) |"
    assert f"{measured} 21.5 | (none) | (none) | 0.0 |" in lines


def test_metadata_is_text_to_text() -> None:
    metadata = CARD.to_metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert json.loads(metadata["architecture"]) == CARD.architecture


def test_what_a_later_release_adds_is_ignored() -> None:
    metadata = CARD.to_metadata()
    rows = [{**row, "interval": [1, 2]} for row in json.loads(metadata["metrics"])]
    metadata |= {"metrics": json.dumps(rows), "picture": "data"}
    assert ModelCard.from_metadata(metadata) == CARD


def test_files_of_earlier_releases_lack_the_parents_hash() -> None:
    metadata = CARD.to_metadata()
    del metadata["parent_sha256"]
    expected = dataclasses.replace(CARD, parent_sha256="")
    assert ModelCard.from_metadata(metadata) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scale", "large"),
        ("scale", 0),
        ("scale", float("nan")),
        ("scale", True),
        ("working_size", 16),
        ("working_size", 256.0),
        ("vividness", 1.5),
        ("vividness", float("nan")),
        ("created", "yesterday"),
        ("sha256", "ABC"),
        ("parent_sha256", "ABC"),
        ("name", "a/b"),
    ],
)
def test_refuses_values_out_of_range(field: str, value: object) -> None:
    with pytest.raises(ModelError):
        dataclasses.replace(CARD, **{field: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True])
def test_refuses_metrics_that_are_no_numbers(value: float) -> None:
    with pytest.raises(ModelError):
        Metric("set", "PSNR", value)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (None, "without this program's card"),
        ("2", "format 2"),
        ("0", "format 0"),
        ("one", "damaged"),
        ("9" * 5000, "damaged"),
    ],
)
def test_refuses_other_formats(stated: str | None, message: str) -> None:
    metadata = CARD.to_metadata()
    del metadata["colorgan_format"]
    if stated is not None:
        metadata["colorgan_format"] = stated
    with pytest.raises(ModelError, match=message):
        ModelCard.from_metadata(metadata)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metrics", "{"),
        ("metrics", '[{"dataset": "a"}]'),
        ("metrics", "[1]"),
        ("training_data", '["abc"]'),
        ("scale", "[" * 100_000),
        ("working_size", '"wide"'),
        ("vividness", "null"),
        ("architecture", None),
        ("sha256", None),
        ("parent_sha256", "zero"),
    ],
)
def test_refuses_damaged_metadata(field: str, value: str | None) -> None:
    metadata = CARD.to_metadata()
    del metadata[field]
    if value is not None:
        metadata[field] = value
    with pytest.raises(ModelError):
        ModelCard.from_metadata(metadata)


def test_pages_without_pictures_have_their_captions() -> None:
    page = card_page(CARD, pictures=False)
    assert "base64" not in page
    assert page.rstrip().endswith("- What it paints (gray)\n\n-")


def test_texts_cannot_make_sections_or_leave_their_cells() -> None:
    page = card_page(CARD)
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Facts",
        "## Training data",
        "## Results on held-out data",
        "## Limitations",
        "## Architecture",
        "## Run configuration",
        "## Limitations",  # within the fence around the run's configuration
        "## Pictures",
    ]
    assert "\\# pictures\n\\## Facts\n" in page
    assert "| COCO \\\\\\| more | CC BY 4.0 |" in page
    assert "````toml" in page


def test_pictures_carry_their_own_pixels() -> None:
    image = f"![What it paints (gray)](data:image/jpeg;base64,{JPEG})"
    assert card_page(CARD).splitlines()[-3] == image


@pytest.mark.parametrize("name", ["L1 x 100", "L1 × 100"])
def test_rows_of_earlier_releases_get_the_id_of_their_metric(name: str) -> None:
    assert Metric("set", name, 1.0).id == "l1"
    assert Metric("set", "another", 1.0).id == ""
    assert Metric("set", name, 1.0, id="other").id == "other"


@pytest.mark.parametrize(
    "jpeg",
    [
        "",
        "no base64",
        base64.b64encode(b"GIF89a").decode(),
        JPEG[:4] + "A" * (LARGEST_PICTURE * 4 // 3),
    ],
    ids=["nothing", "text", "another format", "too large"],
)
def test_what_is_no_small_jpeg_is_refused(jpeg: str) -> None:
    with pytest.raises(ModelError, match="JPEG"):
        CardPicture("caption", jpeg)


def test_rows_have_ids_whatever_release_named_them() -> None:
    names = ("ΔE00", "CIEDE2000", "L1 x 100", "L1 × 100", "colorfulness / truth's", "my own")
    ids = [Metric("s", name, 1.0).id for name in names]
    assert ids == ["delta_e", "delta_e", "l1", "l1", "colorfulness_share", ""]
