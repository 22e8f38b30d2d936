"""`make screenshots`: pictures that are small enough for a page, from the tested demo's parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from animation import MOST_BYTES, write_animation

if TYPE_CHECKING:
    from types import ModuleType

MOMENTS = ("before", "after")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def screenshots(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import screenshots

    return screenshots


@pytest.mark.parametrize("side", [64, 700])
def test_a_picture_keeps_to_its_size(screenshots: ModuleType, tmp_path: Path, side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 4), dtype=np.uint8)
    screenshots.save(noise, tmp_path / "new" / "noise.jpg")
    assert 0 < (tmp_path / "new" / "noise.jpg").stat().st_size <= screenshots.MOST_BYTES


def test_the_documentation_has_them_all(screenshots: ModuleType) -> None:
    subjects = ("photograph", "film", "histology")
    names = {f"{subject}-{moment}" for subject in subjects for moment in MOMENTS}
    names |= {"fine-tune-settings", "fine-tune-run", "fine-tune-result", "models"}
    assert {path.stem for path in screenshots.IMAGES.glob("*.jpg")} >= names
    for name in ("hints", "stain", "micrograph", "film", "batch"):
        path = screenshots.IMAGES / f"{name}.webp"
        assert path.stat().st_size <= MOST_BYTES
        with Image.open(path) as animation:
            assert animation.n_frames >= 3
            assert animation.info["loop"] == 0
    for path in screenshots.IMAGES.glob("*.jpg"):
        assert path.stat().st_size <= screenshots.MOST_BYTES


def test_an_animation_keeps_to_its_size(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (700, 900, 3), dtype=np.uint8) for _ in range(6)]
    write_animation(frames, tmp_path / "noise.webp", 100, 500)
    assert (tmp_path / "noise.webp").stat().st_size <= MOST_BYTES
    with Image.open(tmp_path / "noise.webp") as animation:
        assert animation.n_frames == 6
        assert animation.width < 900
