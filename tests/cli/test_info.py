"""``info``: enough to answer a question about somebody's installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from typer.testing import Result


def test_tells_versions_devices_and_folders(home: Path, invoke: Callable[..., Result]) -> None:
    result = invoke("info")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"napari-colorgan {__version__}" in lines
    assert f"own models {home / 'models'} (not made yet)" in lines
    assert any(line.startswith("cpu ") and line.endswith("GiB free") for line in lines)
    for title in ("Versions", "System", "Folders", "Missing"):
        assert title in lines


def test_tells_what_is_missing(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answer = invoke("info").stdout
    assert "a Qt backend" in answer
    assert "pip install 'napari-colorgan[train]'" in answer
    assert "pip install 'napari-colorgan[scale]'" in answer
    assert "pip install 'napari-colorgan[distributed]'" in answer


def test_tells_of_models_that_cannot_be_used(home: Path, invoke: Callable[..., Result]) -> None:
    (home / "models").mkdir()
    (home / "models" / "broken.colorgan.safetensors").write_bytes(b"PK")
    assert "broken.colorgan.safetensors" in invoke("info").stdout
