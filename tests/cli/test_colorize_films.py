"""``colorize`` with films: the sample film in colour, and a killed run that continues."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.metadata import SOURCE_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

av = pytest.importorskip("av")
pytestmark = pytest.mark.usefixtures("tiny_library")
FULL = DisplayRange(0, 255)


def save_sample(path: Path, count: int, step: int = 1) -> Path:
    """Save frames of the sample film as a video, every `step`-th pixel of them."""
    sample = read_stack(str(files("napari_colorgan") / "samples" / "film.tif"))
    frames = np.stack([sample.data[i % len(sample.data)] for i in range(count)])[:, ::step, ::step]
    frames = np.repeat(frames[..., None], 3, -1)
    with stack_writer(
        path,
        frames.shape,
        "uint8",
        Axes("TYXS"),
        scale=(1 / 18, 1.0, 1.0),
        units=("second", "pixel", "pixel"),
    ) as target:
        for number, frame in enumerate(frames):
            target.write((number,), frame)
    return path


def test_the_sample_film_in_colour(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    source = save_sample(tmp_path / "film.mp4", 5)
    output = tmp_path / "film_colour.mp4"
    result = invoke("colorize", source, "-o", output, "--model", "tiny")
    assert result.exit_code == 0, result.stderr
    gray, colour = read_stack(source), read_stack(output)
    assert colour.data.shape == gray.data.shape
    assert colour.scale == gray.scale
    for number in (0, 4):
        before, after = (FULL.lightness(stack.data[number]) for stack in (gray, colour))
        assert np.abs(before - after).mean() < 1.5  # a lossy codec
    assert SOURCE_TYPE in colour.metadata.texts["comment"]
    assert not list(tmp_path.glob("*.parts"))


def test_a_folder_of_films_becomes_films(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    (tmp_path / "in").mkdir()
    save_sample(tmp_path / "in" / "a.mkv", 2, 4)
    save_sample(tmp_path / "in" / "b.mp4", 2, 4)
    result = invoke("colorize", tmp_path / "in", "-o", tmp_path / "out", "--model", "tiny")
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mkv", "b.mp4"]


@pytest.mark.slow
def test_a_killed_run_continues(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    source = save_sample(tmp_path / "film.mkv", 130, 12)
    output = tmp_path / "colour.mkv"
    words = ["colorize", str(source), "-o", str(output), "--model", "tiny"]
    process = subprocess.Popen([sys.executable, "-m", "napari_colorgan", *words])
    parts = tmp_path / "colour.mkv.parts"
    deadline = time.monotonic() + 120
    while not (parts / "000000.nut").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()
    first = (parts / "000000.nut").stat()
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert "are there from earlier runs" in result.stderr
    assert first.st_size > 0
    resumed = output.read_bytes()
    output.unlink()
    assert invoke(*words).exit_code == 0
    assert output.read_bytes() == resumed
