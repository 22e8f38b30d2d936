"""A model that is put into the package has its keys listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bundle
from napari_colorgan.library.model_file import load_model_file

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_copies_the_model_and_lists_its_keys(
    tiny_model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "BUNDLED_FOLDER", tmp_path)
    monkeypatch.setattr(bundle, "KEYS", tmp_path / "keys")
    target = bundle.bundle(tiny_model_file, "little")
    assert target.parent == tmp_path
    model = load_model_file(target)
    assert model.card.name == "little"
    keys = (tmp_path / "keys" / "little.txt").read_text().split()
    assert keys == sorted(model.generator.state_dict())
