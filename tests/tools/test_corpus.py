"""The corpus tool tells right from wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import corpus
from corpus import compare, main, reference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    np.save(tmp_path / "b.npy", pixels[..., 0])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.png").write_bytes(b"nothing")
    return tmp_path


def test_a_folder_is_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder / "page.md"
    main([str(folder), "--list", "--page", str(page)])
    output = capsys.readouterr().out
    assert "| images | 3 |" in output
    assert "| right (mean ΔL\\* ≤ 1) | 1 |" in output
    assert "refused" in output
    assert "| images | 3 |" in page.read_text()


def test_what_is_read_otherwise_without_a_word_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compare(folder / "a.png").verdict == "right"
    upside_down = reference(folder / "a.png")[::-1]
    monkeypatch.setattr(corpus, "reference", lambda path: upside_down)
    assert compare(folder / "a.png").verdict == "wrong"


def test_what_raises_anything_else_is_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(corpus, "read_stack", fail)
    assert compare(folder / "a.png").verdict == "traceback"
