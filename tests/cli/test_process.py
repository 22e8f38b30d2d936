"""Waiting threads sleep in the commands that train, unless the user has said otherwise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from napari_colorgan.cli.process import Ended, ended_by_signals, interruptible, let_threads_sleep

CHECK = """
import sys
from napari_colorgan.__main__ import main
from napari_colorgan.cli import {module}

def check():
    print("early" if "torch" not in sys.modules else "late")
    sys.exit(0)

{module}.let_threads_sleep = check
main()
"""


def test_what_the_user_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("train", ["train", "natural"]),
        ("fine_tune", ["fine-tune", "a.png"]),
        ("colorize", ["colorize", "a.png", "--output", "b.png"]),
        ("evaluate", ["evaluate", "natural", "--data", "a.png"]),
    ],
)
def test_said_before_pytorch_reads_it(module: str, arguments: list[str]) -> None:
    command = [sys.executable, "-c", CHECK.format(module=module), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "early", done.stderr


posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


@posix
def test_signals_end_a_program_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Ended) as ended, ended_by_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.exit_code == 143
    assert isinstance(ended.value, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGTERM) == before


@posix
def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals(), interruptible(print):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_training_ends_at_its_next_event(number: int) -> None:
    shown: list[object] = []
    # The tests may have been started by nohup.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with interruptible(shown.append) as relay:
            os.kill(os.getpid(), number)
            with pytest.raises(Ended) as ended:
                relay("event")  # type: ignore[arg-type]
    finally:
        signal.signal(number, before)
    assert shown == ["event"]
    assert ended.value.exit_code == 128 + number
