"""`napari-colorgan fine-tune` from pictures to a model in the library."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imread, imsave
from typer.testing import CliRunner

from napari_colorgan.cli.app import build_app
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.run_request import FineTuneRequest
from tuning_runs import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    from napari_colorgan.library.store import ModelLibrary


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "two fields"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = np.kron(coarse, np.ones((12, 12, 1), np.uint8))
        imsave(folder / f"{number}.png", picture, check_contrast=False)
    return folder


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(build_app(), ["fine-tune", *map(str, arguments)])


@pytest.mark.slow
def test_pictures_become_a_model_by_name(
    tiny_library: ModelLibrary, pictures: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    asked = (pictures, "--base", "tiny", "--epochs", 0.5, "--name", "fields", "--output", run)
    result = invoke(*asked)
    assert result.exit_code == 0, result.output
    assert "before" in result.output
    assert tiny_library.find("fields").card.parent == "tiny"
    # A finished run is taken up and judged again, without harm.
    again = invoke("--resume", "--output", run)
    assert again.exit_code == 0, again.output
    assert "taken" in invoke(*asked).output
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    onto = invoke(pictures, "--base", "tiny", "--epochs", 9, "--output", run)
    assert onto.exit_code == 1
    assert "Resume it (--resume), or name another folder." in onto.output
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_gray_images_are_given_for_virtual_staining(
    tiny_library: ModelLibrary, pictures: Path, tmp_path: Path
) -> None:
    grays, run = tmp_path / "phase", tmp_path / "run"
    grays.mkdir()
    for number in range(2):
        colors = imread(pictures / f"{number}.png")
        imsave(grays / f"{number}.png", 255 - colors[..., 0], check_contrast=False)
    alone = pictures / "0.png"
    asked = (pictures, alone, "--base", "tiny", "--epochs", 0.5, "--output", run)
    result = invoke(*asked, "--gray", grays, "--gray", "-")
    assert result.exit_code == 0, result.output
    assert FineTuneRequest.load(run).gray == (grays, None)
    # So little training leaves the base as it was, whose card needs no warning.
    kept, trained = (load_model_file(run / f"{n}.safetensors").card for n in ("model", "trained"))
    assert "Virtual staining: 2 of its 3 planes" in trained.limitations
    assert "Virtual staining" not in kept.limitations
    wrong = invoke(*asked, "--gray", grays)
    assert wrong.exit_code == 1
    assert "as many gray images as colour images, 2" in wrong.output


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts the program; none outlives its test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-m", "napari_colorgan", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "80"},
        )
        started.append(program)
        return program

    yield start
    for program in started:
        program.kill()
        program.wait()
        assert program.stdout is not None
        program.stdout.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_printed_command_goes_on_from_ctrl_c(
    tiny_library: ModelLibrary,
    pictures: Path,
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    run, name = tmp_path / "a long name of a folder " / "my run", "Bob's stain"
    # Far more than it takes until a step is first told of, on the fastest machine.
    settings = ("--base", "tiny", "--epochs", 100_000, "--name", name, "--device", "cpu")
    program = start("fine-tune", pictures, *settings, "--output", run)
    events = run / "events.jsonl"

    def has_stepped() -> bool:
        assert program.poll() is None, program.communicate()[0]
        return events.exists() and '"StepDone"' in events.read_text("utf-8")

    wait_for(has_stepped)
    program.send_signal(signal.SIGINT)
    output, _ = program.communicate(timeout=PATIENCE_S)
    assert program.returncode == 130, output
    _, printed = output.split("Continue with:\n")
    caller, *words = shlex.split(printed)
    assert caller == "napari-colorgan"
    again = start(*words)
    # Asked before its imports are done, it still ends after a step.
    (run / "stop").touch()
    output, _ = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0, output
    assert "Resumed after step" in output
    assert f"in the library as '{name}'" in output
    assert tiny_library.find(name).card.parent == "tiny"


@pytest.mark.slow
def test_a_run_gets_its_name_when_it_is_resumed(
    tiny_library: ModelLibrary, pictures: Path, tmp_path: Path
) -> None:
    asked = ("--base", "tiny", "--epochs", 0.5, "--output", tmp_path / "run")
    assert invoke(pictures, *asked).exit_code == 0
    again = invoke("--resume", "--output", tmp_path / "run", "--name", "late")
    assert "in the library as 'late'" in again.output
    assert tiny_library.find("late").card.name == "late"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "images to train on"),
        (("--resume",), "--output"),
        (("--resume", "--output", "nowhere"), "that can be resumed"),
    ],
)
def test_what_is_missing_is_said(
    tiny_library: ModelLibrary, arguments: tuple[str, ...], expected: str
) -> None:
    asked = arguments or ("--base", "tiny")
    result = invoke(*asked)
    assert result.exit_code == 1
    assert expected in result.output
