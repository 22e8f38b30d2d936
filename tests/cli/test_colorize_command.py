"""``colorize``: every option reaches the engine, and no file's failure stops the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_colorgan.io import read_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

pytestmark = pytest.mark.usefixtures("tiny_library")


@pytest.fixture
def ramp() -> np.ndarray:
    """Return a gray image, 40 × 64."""
    return np.tile(np.arange(0, 256, 4, dtype=np.uint8), (40, 1))


@pytest.fixture
def photograph(ramp: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "photograph.png"
    Image.fromarray(ramp).save(path)
    return path


def colors(path: Path) -> np.ndarray:
    return np.asarray(read_stack(path).data)


def test_one_file_to_one_file(
    photograph: Path, tmp_path: Path, ramp: np.ndarray, invoke: Callable[..., Result]
) -> None:
    output = tmp_path / "colour.png"
    result = invoke("colorize", photograph, "--output", output, "--model", "tiny")
    assert result.exit_code == 0
    assert result.stdout.split() == [str(output)]
    rgb = colors(output)
    assert rgb.shape == (*ramp.shape, 3)
    assert rgb.dtype == np.uint8
    assert (rgb.max(-1) != rgb.min(-1)).any()


def test_a_part_tells_that_others_are_missing(
    ramp: np.ndarray, tmp_path: Path, invoke: Callable[..., Result]
) -> None:
    source, output = tmp_path / "stack.tif", tmp_path / "colour.ome.zarr"
    tifffile.imwrite(source, np.stack([ramp] * 9), metadata={"axes": "ZYX"})
    words = ["-o", output, "--model", "tiny", "--scale", "6"]
    first = invoke("colorize", source, *words, "--part", "1/2")
    assert (first.exit_code, first.stdout) == (0, "")
    assert "others are missing" in first.stderr
    assert invoke("colorize", source, *words, "--part", "2/2").stdout.split() == [str(output)]


def test_options_reach_the_engine(
    ramp: np.ndarray, tmp_path: Path, invoke: Callable[..., Result], tiny_model_file: Path
) -> None:
    source, output = tmp_path / "stack.tif", tmp_path / "colour.tif"
    tifffile.imwrite(source, np.stack([ramp, ramp[::-1]]))
    options = f"--model {tiny_model_file} --scale 0.5 --temperature 0.3 --strength 0 --axes ZYX"
    words = f"{options} --dtype uint16 --device cpu".split()
    result = invoke(
        "colorize", source, "-o", output, *words, "--uncertainty", tmp_path / "unsure.tif"
    )
    assert result.exit_code == 0, result.stderr
    rgb = colors(output)
    assert (rgb.shape, rgb.dtype) == ((2, *ramp.shape, 3), np.uint16)
    spread = rgb.max(-1).astype(int) - rgb.min(-1)
    assert spread.max() <= 65535 * 0.005  # no strength: gray, but for rounding
    unsure = colors(tmp_path / "unsure.tif")
    assert unsure.shape == (2, *ramp.shape)
    assert read_stack(output).axes.letters == "ZYXS"
    assert "ZYX" == read_stack(tmp_path / "unsure.tif").axes.letters


def test_former_options_give_the_same_colours_and_a_notice(
    photograph: Path, tmp_path: Path, invoke: Callable[..., Result]
) -> None:
    words = {
        "former": ["--saturation", "1.5", "--vividness", "0.3"],
        "today": ["--strength", "1.5", "--temperature", str(10**-0.3)],
    }
    made = {}
    for name, options in words.items():
        output = tmp_path / f"{name}.png"
        result = invoke("colorize", photograph, "-o", output, "-m", "tiny", *options)
        assert result.exit_code == 0, result.stderr
        made[name] = colors(output)
        assert ("saturation = 1.5 is deprecated" in result.stderr) == (name == "former")
        assert ("use temperature = 0.501" in result.stderr) == (name == "former")
    np.testing.assert_array_equal(made["former"], made["today"])


@pytest.mark.parametrize("command", ["colorize", "evaluate"])
def test_former_options_are_hidden(command: str, invoke: Callable[..., Result]) -> None:
    page = invoke(command, "--help").stdout
    assert "--temperature" in page
    assert "--vividness" not in page
    assert "--saturation" not in page


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--scale", "large", "'fit', 'native' or a number"),
        ("--scale", "nan", "'fit', 'native' or a number"),
        ("--temperature", "2", "from 0.1 to 1"),
        ("--strength", "-1", "strength"),
        ("--saturation", "11", "saturation to be a number from 0 to 10"),
        ("--vividness", "nan", "vividness to be a number from 0 to 1"),
        ("--device", "abacus", "'abacus'"),
        ("--model", "natura1", "natura1"),
        ("--axes", "TZYX", "axes"),
    ],
)
def test_refuses_odd_values(
    option: str, value: str, message: str, photograph: Path, invoke: Callable[..., Result]
) -> None:
    output = photograph.with_name("colour.png")
    words = ["--model", "tiny", option, value]
    result = invoke("colorize", photograph, "--output", output, *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not output.exists()


def test_a_failing_file_is_reported_and_the_rest_go_on(
    photograph: Path, tmp_path: Path, invoke: Callable[..., Result]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "empty [1].tif").touch()
    Image.open(photograph).save(folder / "b.jpg")
    output = tmp_path / "out"
    pattern = f"{photograph.parent}/photo*.png"
    result = invoke("colorize", folder, pattern, "absent.png", "-o", output, "-m", "tiny")
    assert result.exit_code == 1
    assert result.stdout.split() == [str(output / "b.png"), str(output / "photograph.png")]
    assert sorted(path.name for path in output.iterdir()) == ["b.png", "photograph.png"]
    assert "empty [1].tif" in result.stderr
    assert "absent.png" in result.stderr
    assert "2 of 4 files failed." in result.stderr


def test_replaces_outputs_only_when_told(photograph: Path, invoke: Callable[..., Result]) -> None:
    output = photograph.with_name("colour.png")
    output.write_bytes(b"mine")
    words = ["colorize", photograph, "--output", output, "--model", "tiny"]
    refused = invoke(*words)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    assert output.read_bytes() == b"mine"
    assert invoke(*words, "--overwrite").exit_code == 0
    assert output.read_bytes() != b"mine"


def test_needs_inputs_and_an_output(photograph: Path, invoke: Callable[..., Result]) -> None:
    assert invoke("colorize").exit_code == 2
    assert invoke("colorize", photograph).exit_code == 2
    assert invoke("colorize", photograph, "-o", "x.png", "--dtype", "int3").exit_code == 2


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="other systems have no SIGINT to send")
def test_ctrl_c_leaves_nothing_half_done(ramp: np.ndarray, tmp_path: Path) -> None:
    source, output = tmp_path / "film.tif", tmp_path / "out"
    tifffile.imwrite(source, np.repeat(ramp[None], 3000, 0), metadata={"axes": "TYX"})
    words = ["colorize", str(source), "--output", f"{output}/", "--model", "tiny"]
    with subprocess.Popen(
        [sys.executable, "-m", "napari_colorgan", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not list(output.glob(".*")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Cancelled" in complaint
    assert "Traceback" not in complaint
    assert list(output.iterdir()) == []
