"""Waiting threads sleep in the commands that train, unless the user has said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_colorgan.cli.process import let_threads_sleep

CHECK = """
import sys
from napari_colorgan.cli import {module}

def check():
    print("early" if "torch" not in sys.modules else "late")
    sys.exit(0)

{module}.let_threads_sleep = check
{module}.{module}()
"""


def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize("module", ["train", "fine_tune"])
def test_said_before_pytorch_reads_it(module: str) -> None:
    command = [sys.executable, "-c", CHECK.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "early"
