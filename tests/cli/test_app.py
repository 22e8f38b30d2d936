"""The program answers at once, and fails with words that help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_colorgan import __version__
from napari_colorgan.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

HEAVY = {"torch", "napari", "numpy", "qtpy", "zarr", "dask", "tifffile", "PIL", "skimage", "timm"}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, env=os.environ
    )


def imported(lines: str) -> set[str]:
    """Return the top-level packages that ``-X importtime`` names."""
    modules = (line.rsplit("|", 1)[-1].strip() for line in lines.splitlines() if "|" in line)
    return {module.partition(".")[0] for module in modules}


def test_help_lists_the_commands(invoke: Callable[..., Result]) -> None:
    answer = invoke("--help").stdout
    for command in ("colorize", "train", "plot", "evaluate", "models", "info"):
        assert f" {command} " in answer
    for command in ("list", "show", "import", "export", "rename", "duplicate", "delete"):
        assert f" {command} " in invoke("models", "--help").stdout
    assert invoke("--version").stdout.strip() == __version__


@pytest.mark.parametrize(
    "command", [[], ["colorize"], ["models", "list"], ["train"], ["evaluate"], ["demo"]]
)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    done = python("-X", "importtime", "-m", "napari_colorgan", *command, "--help")
    assert "Usage" in done.stdout
    assert "typer" in imported(done.stderr)
    assert not imported(done.stderr) & HEAVY


def test_importing_the_package_imports_nothing_heavy() -> None:
    names = imported(python("-X", "importtime", "-c", "import napari_colorgan").stderr)
    assert "napari_colorgan" in names
    assert not names & HEAVY


def test_the_list_of_commands_needs_neither_pydantic_nor_rich() -> None:
    # How long it takes is measured by `make bench`; a subcommand's help loads typer's own pydantic.
    names = imported(python("-X", "importtime", "-m", "napari_colorgan", "--help").stderr)
    assert not names & {"pydantic", "rich"}


def test_errors_say_what_was_expected_what_came_and_what_to_do(
    invoke: Callable[..., Result],
) -> None:
    result = invoke("models", "show", "absent")
    assert result.exit_code == 1
    assert result.stdout == ""
    title, *parts = result.stderr.splitlines()
    assert title == "Error"
    assert [part.split()[0] for part in parts] == ["expected:", "got:", "to"]
    assert "'absent'" in parts[1]


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (FileError(expected="a", got="b", action="C."), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(
    problem: BaseException,
    code: int,
    invoke: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: object) -> None:
        raise problem

    monkeypatch.setattr("napari_colorgan.library.store.ModelLibrary.entries", fail)
    result = invoke("models", "list")
    assert result.exit_code == code
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_bugs_keep_their_traceback(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("napari_colorgan.library.store.ModelLibrary.entries", fail)
    with pytest.raises(ZeroDivisionError):
        invoke("models", "list")


@pytest.mark.skipif(os.name != "posix", reason="other systems have no SIGINT to send")
def test_ctrl_c_ends_cleanly() -> None:
    code = (
        "import time, typer; from napari_colorgan.cli.app import build_app\n"
        "def wait():\n    print('ready', flush=True); time.sleep(60)\n"
        "build_app(wait)(['wait'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Cancelled" in complaint
    assert "Traceback" not in complaint


@pytest.mark.parametrize(
    "words",
    [("colorize", "a.png", "-o", ""), ("colorize", "a.png", "--output="), ("models", "show", "")],
)
def test_an_empty_word_is_not_the_current_folder(
    invoke: Callable[..., Result], words: tuple[str, ...]
) -> None:
    refused = invoke(*words)
    assert refused.exit_code == 2
    assert "expected: a value" in refused.stderr


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ("colorize", LONG, "-o", "out.png"),
        ("colorize", "a.png", "-o", f"{LONG}.png"),
        ("train", "natural", "--data", LONG, "--output", "run"),
        ("train", "natural", "--data", "a.png", "--output", LONG),
        ("train", LONG, "--data", "a.png", "--output", "run"),
        ("fine-tune", LONG, "--output", "run"),
        ("fine-tune", "--resume", "--output", LONG),
        ("evaluate", "natural", "--data", LONG),
        ("evaluate", "natural", "--data", ".", "--json", f"{LONG}/a.json"),
        ("models", "import", LONG),
        ("models", "import", "~nosuchuser/a.safetensors"),
        ("models", "export", "natural", LONG),
        ("models", "show", LONG),
        ("plot", LONG),
    ],
)
def test_a_name_that_no_file_can_have_is_said(
    invoke: Callable[..., Result],
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = invoke(*words)
    assert refused.exit_code == 1
    assert "expected:" in refused.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_signal_that_comes_before_a_command_begins_has_its_exit_status(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("napari_colorgan.cli.app._Group.parse_args", parse)
    assert invoke("--version").exit_code == 128 + signal.SIGTERM
