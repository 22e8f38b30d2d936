"""The process that meets damaged files, so that nothing they do ends the attack itself.

It is told a kind and a path on a line, tries what users do with such a file, and answers with a
line: the outcome and what was said. An audit hook ends every attempt to use the network.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import run
from napari_colorgan.guidance.hint_csv import read_hints
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import read_stack
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.memory import free_system_memory
from napari_colorgan.services.arrays.colorize import colorize
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.runs import TuningRun
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHT, CLEAR, TRACEBACK, LOST = "right", "clear error", "traceback", "lost"
# What files may make this process take beyond what it takes from the start.
_MEMORY = 3 * 2**30
_SETTINGS = PredictionSettings(device="cpu", precision="float32")
_GRAY = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")
_RUNS = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.startfile")


class _Lost(Exception):
    """What was undamaged is gone or can't be used."""


def _try_model(path: Path) -> None:
    """List, find, load and use a model, and import it beside an undamaged one."""
    with tempfile.TemporaryDirectory() as home:
        library = ModelLibrary(Path(home) / "own", path.parent)
        names = {entry.name for entry in library.entries()}
        if "good" not in names:
            text = "the undamaged model beside it is not listed any more"
            raise _Lost(text)
        library.skipped()
        entry = library.import_file(path, again=True)
        colorize(_GRAY, library.load(entry.name), device="cpu", precision="float32")


def _try_picture(path: Path) -> None:
    """Colorize a file, and an undamaged one in the same call."""
    with tempfile.TemporaryDirectory() as folder:
        good = path.parent / "good.png"
        request = FilesRequest(
            [path, good], folder, path.parent / "tiny.colorgan.safetensors", _SETTINGS
        )
        result = run(colorize_files(request))
        done = {task.source: task.output for task in result.done}
        if good not in done:
            text = "the undamaged file beside it was not colorized"
            raise _Lost(text)
        if path in done:
            _check(path, done[path])
        for _, error in result.failed:
            if "where this failed" in str(error):  # an error that nobody has foreseen
                raise RuntimeError(str(error))
            raise error


def _check(source: Path, output: Path) -> None:
    """Raise unless an output has the size of its source and three samples."""
    stack, colors = read_stack(source), read_stack(output)
    size = stack.axes.plane_shape(stack.data.shape)
    if colors.axes.plane_shape(colors.data.shape) != size or not colors.axes.has_samples:
        text = f"{output.name} is not the size of {source.name}"
        raise _Lost(text)


def _try_run(path: Path) -> None:
    """Look at a run directory as panels and --resume do; each look may end in its own error."""
    directory, tuning = RunDirectory(path), TuningRun(path)
    looks: list[Callable[[], Any]] = [
        lambda: tuning.state,
        lambda: tuning.request,
        lambda: tuning.comparison,
        lambda: tuning.poll(),
        lambda: str(tuning.failure()),
        lambda: FineTuneRequest.load(path),
        directory.lock.acquire,
        directory.lock.release,
        directory.load_config,
        directory.load_plan,
        directory.newest_checkpoint,
        directory.events,
    ]
    problem = None
    for look in looks:
        try:
            look()
        except ColorganError as error:
            problem = problem or error
    if problem is not None:
        raise problem


TRIES: dict[str, Callable[[Path], object]] = {
    "model files": _try_model,
    "pictures": _try_picture,
    "run folders": _try_run,
    "hint files": lambda path: read_hints(path),
    "recipes": lambda path: TrainingConfig.load(path),
}


def attempt(kind: str, path: Path) -> tuple[str, str]:
    """Return the outcome of what users do with a file, and what was said."""
    try:
        TRIES[kind](path)
    except ColorganError as error:
        return CLEAR, str(error)
    except _Lost as error:
        return LOST, str(error)
    except BaseException:  # noqa: BLE001  # whatever it is, it is counted
        return TRACEBACK, traceback.format_exc()
    return RIGHT, ""


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _NETWORK or event in _RUNS:
        text = f"a file has led to {event} {arguments!r}"
        raise PermissionError(text)


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    sys.stdout = sys.stderr
    colorize(_GRAY, sys.argv[1], device="cpu", precision="float32")  # loads what loads late
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, limit))
    assert free_system_memory() <= _MEMORY
    sys.addaudithook(_forbid)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        kind, path = json.loads(line)
        print(json.dumps(attempt(kind, Path(path))), file=answers, flush=True)
        for left in (Path(os.environ["NAPARI_COLORGAN_HOME"]) / "results").glob("*"):
            shutil.rmtree(left, ignore_errors=True)


if __name__ == "__main__":
    main()
