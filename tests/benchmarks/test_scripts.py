"""The benchmarks run: they reach into the product's insides, which change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
# Others differ from these in what they are given alone, or start programs for minutes.
NAMES = [
    "native-4096",
    "seams",
    "networks",
    "training-step",
    "training-data",
    "training-precision",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_on_tiny_inputs(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--small", "--only", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
