"""The models that ship: small, whole, described, and with state-dict keys that never change."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_colorgan.library.folders import BUNDLED_FOLDER
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.store import ModelLibrary

KEYS = Path(__file__).with_name("state_dict_keys")
FILES = sorted(BUNDLED_FOLDER.glob("*.safetensors"))
LARGEST = 40 * 10**6


def name_of(path: Path) -> str:
    return path.name.removesuffix(MODEL_SUFFIX)


@pytest.mark.parametrize(("name", "scale"), [("natural", "fit"), ("microscopy", "native")])
def test_both_ship(name: str, scale: str) -> None:
    entry = ModelLibrary().find(name)
    assert entry.bundled
    assert entry.path == BUNDLED_FOLDER / (name + MODEL_SUFFIX)
    assert entry.card.scale == scale
    assert entry.card.architecture["spread_channels"] > 0


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_bundled_model_is_small_and_says_what_it_is(path: Path) -> None:
    assert path.name.endswith(MODEL_SUFFIX)
    assert path.stat().st_size <= LARGEST
    card = ModelLibrary().find(name_of(path)).card
    for text in (card.title, card.domain, card.description, card.limitations, card.license):
        assert text
    assert card.training_data
    assert card.config
    assert any(metric.gray is not None for metric in card.metrics)
    assert any("fails" in picture.caption for picture in card.pictures)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_state_dict_keys_are_frozen(path: Path) -> None:
    # They are public: a renamed module would make every user's own models unreadable.
    model = load_model_file(path)
    frozen = (KEYS / f"{name_of(path)}.txt").read_text(encoding="utf-8").split()
    assert sorted(model.generator.state_dict()) == frozen


def test_no_list_of_keys_is_left_over() -> None:
    assert {path.stem for path in KEYS.glob("*.txt")} == {name_of(path) for path in FILES}
