"""Training data far larger than the memory: a stack of 21 GB, of which little is ever held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.io import stack_writer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
PLANES, SIDE = 27_000, 512
# Of 27,000 planes so many are looked at; held, they would take 400 MB.
MOST_PLANES = 500
MOST_MIB = 250
CHILD = r"""
import json, re, sys
from pathlib import Path

import torch
import torchvision.transforms.v2
import zarr
from napari_colorgan import io
from napari_colorgan.events import run
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.services.dataset import prepare
from napari_colorgan.services.tuning import preparing
from napari_colorgan.training import trainer

torch.set_num_threads(1)
stack, recipe, base, output = map(Path, sys.argv[1:5])
prepare.MOST_PLANES = int(sys.argv[5])

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 2**10

before = peak()
common = {"base": base, "recipe": recipe, "minutes": None, "epochs": 0.001, "device": "cpu"}
result = run(fine_tune_job(FineTuneRequest([stack], output / "file", **common)))
found = io.read_stack(stack)
preparing.MOST_BYTES = 2**26
source = preparing.ArraySource("layer", found.data, found.axes)
prepared = run(preparing.prepare_job(FineTuneRequest([], output / "layer", **common), [source]))
[copy] = (prepared / "data").iterdir()
print(json.dumps({
    "shape": list(found.data.shape),
    "data": result.model.card.training_data[0][0],
    "copied": copy.stat().st_size,
    "mib": peak() - before,
}))
"""


@pytest.mark.slow
def test_memory_is_bounded(tmp_path: Path, recipe: Path, tiny_model_file: Path) -> None:
    stack = make_stack(tmp_path / "stack.ome.zarr")
    text = recipe.read_text(encoding="utf-8")
    assert "memory_gib = 0.1" in text
    arguments = [sys.executable, "-c", CHILD, stack, recipe, tiny_model_file, tmp_path, MOST_PLANES]
    done = subprocess.run(
        list(map(str, arguments)), check=True, capture_output=True, text=True, timeout=300
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert np.prod(found["shape"]) > 20e9
    assert found["data"].startswith(f"stack.ome.zarr ({MOST_PLANES} planes, ")
    assert found["copied"] < 2**26 + 4096
    assert found["mib"] < MOST_MIB


def make_stack(path: Path) -> Path:
    """Write a stack of which those planes that are looked at share one chunk on the disk."""
    shape = (PLANES, SIDE, SIDE, 3)
    plane = np.zeros(shape[1:], np.uint8)
    plane[:, : SIDE // 2] = (200, 80, 160)
    plane[:, SIDE // 2 :] = (90, 40, 150)
    axes = Axes("ZYXS")
    with stack_writer(path, shape, np.dtype(np.uint8), axes) as target:
        target.write((0,), plane)
    chunks = path / "0" / "c" / "0"
    for number in np.linspace(0, PLANES - 1, MOST_PLANES).round().astype(int)[1:]:
        (chunks / str(number) / "0").mkdir(parents=True)
        os.link(chunks / "0" / "0" / "0", chunks / str(number) / "0" / "0")
    return path
