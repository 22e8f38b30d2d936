"""Forked children colorize, and the number of threads hardly matters."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")

CODE = """
import multiprocessing, warnings
import numpy as np, torch
warnings.simplefilter("ignore")
torch.set_num_threads(2)
from napari_colorgan import colorize, load_model

image = np.random.default_rng(0).integers(0, 255, (2, 96, 128), np.uint8)
model = load_model("natural")
here = colorize(image, model)
context = multiprocessing.get_context("fork")
with context.Pool(1) as pool:
    there = pool.apply_async(colorize, (image,)).get(timeout=300)
print(np.abs(here.astype(int) - there).max())
"""


@pytest.mark.slow
def test_a_forked_child_colorizes():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, timeout=600
    )
    # A child computes on one thread, which may round otherwise; see the next test.
    assert done.stdout.strip() in ("0", "1"), done.stderr


@pytest.mark.slow
def test_the_number_of_threads_changes_a_level_of_8_bits_at_most():
    import numpy as np
    import torch

    from napari_colorgan import colorize, load_model

    model = load_model("natural")
    image = np.random.default_rng(0).integers(0, 255, (96, 128), np.uint8)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 1, 2):
            torch.set_num_threads(threads)
            colors = colorize(image, model, device="cpu", precision="float32", dtype="float32")
            results.append(colors)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[3])
    # Most pixels differ by less than 1e-6; those brought into sRGB, by a step of the bisection.
    np.testing.assert_allclose(results[0], results[1], rtol=0, atol=1e-4)
