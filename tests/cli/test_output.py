"""What happens to the standard streams, and signals, cost no result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.io.outputs.temporaries import PREFIX

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals and streams are POSIX's"),
]
PROGRAM = [sys.executable, "-m", "napari_colorgan"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAPARI_COLORGAN_HOME", str(tmp_path / "home"))
    noise = np.random.default_rng(0).integers(0, 256, (40, 48), np.uint8)
    Image.fromarray(noise).save("gray.png")
    return tmp_path


def shell(line):
    command = line.replace("napari-colorgan", " ".join(PROGRAM))
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("streams", "code"),
    [
        (">&- 2>&- <&-", 0),
        ("> /dev/full 2> /dev/full", 1),
    ],
)
def test_a_result_is_there_whatever_becomes_of_the_streams(folder, streams, code):
    done = shell(f"napari-colorgan colorize gray.png -o color.png {streams}")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    with Image.open("color.png") as picture:
        assert picture.size == (48, 40)
        assert picture.mode == "RGB"


def test_the_loss_of_what_is_printed_is_said(folder):
    done = shell("napari-colorgan models list > /dev/full")
    assert done.returncode == 1
    assert "Expected to print the results" in done.stderr


def many_planes(folder):
    np.save(folder / "stack.npy", np.zeros((5000, 40, 48), np.uint8))
    return [*PROGRAM, "colorize", "stack.npy", "-o", "color.ome.zarr"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_like_ctrl_c(folder, number, code):
    # The tests may have been started by nohup, which programs inherit.
    before = signal.signal(number, signal.SIG_DFL)
    process = subprocess.Popen(many_planes(folder), stderr=subprocess.PIPE, text=True)
    signal.signal(number, before)
    wait_for(lambda: any(path.name.startswith(PREFIX) for path in folder.iterdir()))
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == code
    assert "Cancelled" in errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in folder.iterdir() if path.name != "home") == [
        "gray.png",
        "stack.npy",
    ]


def wait_for(condition):
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
