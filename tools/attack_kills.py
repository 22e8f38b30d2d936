"""Kills and races: what is left is whole, nothing is lost, and a run ends as if never killed.

The work is done by the program itself in forked children, which start at once, since everything is
loaded already.
"""
# Over 300 lines: one way to kill for each kind of work, side by side.

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import signal
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from attack_corpus import make_model, training_config
from attack_files import HANG, Count
from attack_worker import LOST, RIGHT, TRACEBACK
from napari_colorgan.cli.app import build_app
from napari_colorgan.errors import ColorganError
from napari_colorgan.io import read_stack
from napari_colorgan.io.outputs import temporaries
from napari_colorgan.library.file_format import check_weights
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.training.run_folder.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATIENCE_S = 240.0
_RACERS = 8
_EPOCHS = 200  # of a fine-tuning: some seconds


class _Wrong(Exception):
    """What should be there is not, or what should not be there is."""


def _fork(*words: object) -> int:
    """Run the program in a child process; return the child's number."""
    child = os.fork()
    if child:
        return child
    code = 1
    # The program itself is never run with warnings as errors, as tests are.
    warnings.simplefilter("ignore")
    with contextlib.suppress(BaseException):
        devnull = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(devnull, stream)
        try:
            build_app()([str(word) for word in words], prog_name="napari-colorgan")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    os._exit(code)


def _wait(child: int) -> int:
    """Return a child's exit status, negative for a signal; end it if it takes too long."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError


def _program(*words: object) -> None:
    """Run the program to its end, which has to be a good one."""
    code = _wait(_fork(*words))
    if code != 0:
        text = f"{' '.join(map(str, words))} ends with {code}"
        raise _Wrong(text)


def _killed(rng: np.random.Generator, seconds: float, *words: object) -> bool:
    """Run the program and end it at a random moment; return whether it was still running."""
    child = _fork(*words)
    time.sleep(float(rng.random()) * seconds)
    number = signal.SIGKILL if rng.random() < 0.5 else signal.SIGTERM
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)
    code = _wait(child)
    if code not in (0, -signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM):
        text = f"{words[0]} ends with {code} after signal {number}"
        raise _Wrong(text)
    return code != 0


def _no_temporaries(folder: Path) -> None:
    left = [path.name for path in folder.iterdir() if path.name.startswith(temporaries.PREFIX)]
    if left:
        text = f"temporaries stay: {left}"
        raise _Wrong(text)


class Kills:
    """Kills of each kind of work, in a folder of their own.

    Parameters
    ----------
    folder : Path
        An empty folder.
    seed : int
        Of all moments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._rng = np.random.default_rng(seed)
        self._model = make_model(folder)
        stack = np.zeros((60, 64, 64), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None]
        np.save(folder / "stack.npy", stack)
        self._pictures = folder / "pictures"
        self._pictures.mkdir()
        for number in range(4):
            coarse = self._rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
            picture = np.kron(coarse, np.ones((14, 14, 1), np.uint8))
            Image.fromarray(picture).save(self._pictures / f"{number}.png")
        (folder / "config.toml").write_text(training_config(10.0).to_toml(), encoding="utf-8")
        self._expected: dict[str, str] = {}
        self._load_everything()

    def _load_everything(self) -> None:
        """Load what loads late: children start at once, and another user may not read it."""
        app = build_app()
        words = ["colorize", self._pictures / "0.png", "--model", self._model]
        for name in ("loaded.png", "loaded.png", "loaded.tif"):
            arguments = [str(word) for word in (*words, "--output", self._folder / name)]
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
                contextlib.suppress(SystemExit),
            ):
                app(arguments, prog_name="napari-colorgan")

    def colorize(self, number: int) -> None:
        """Colorize a stack over an earlier result, which stays or is replaced."""
        suffix = (".tif", ".ome.zarr")[number % 2]
        out = self._folder / f"colorize{suffix}"
        words = ("colorize", self._folder / "stack.npy", "--model", self._model, "--output", out)
        if not out.exists():
            _program(*words)
        before = np.asarray(read_stack(out).data[0])
        _killed(self._rng, 1.5, *words, "--overwrite")
        if not np.array_equal(np.asarray(read_stack(out).data[0]), before):
            text = f"{out.name} is neither the old nor the new one"
            raise _Wrong(text)
        _program(*words, "--overwrite")
        _no_temporaries(self._folder)

    def models(self, number: int) -> None:
        """Import and rename a model; it is in the library under one name or both."""
        library = ModelLibrary()
        name, new = f"m{number}", f"n{number}"
        _killed(self._rng, 0.3, "models", "import", self._model, "--name", name)
        names = {entry.name for entry in library.entries()}
        if name not in names:
            _program("models", "import", self._model, "--name", name, "--again")
        _killed(self._rng, 0.3, "models", "rename", name, new)
        left = [entry for entry in library.entries() if entry.name in (name, new)]
        if not left or library.skipped():
            text = f"{len(left)} of 1 models, unusable: {library.skipped()}"
            raise _Wrong(text)
        for entry in left:
            check_weights(entry.path)
            _program("models", "delete", entry.name, "--yes")
        _program("models", "import", self._model, "--name", name, "--again")
        _no_temporaries(library.folders.own)
        _program("models", "delete", name, "--yes")

    def train(self, number: int) -> None:
        """Kill a training and resume it; it ends with the same weights."""
        config = self._folder / "config.toml"
        self._resume("config.toml", number, "train", config, "--data", self._pictures)

    def fine_tune(self, number: int) -> None:
        """Kill a fine-tuning and resume it; it ends with the same weights."""
        words = (self._pictures, "--base", self._model, "--epochs", _EPOCHS, "--hold-out", 0.3)
        self._resume("request.json", number, "fine-tune", *words)

    def _resume(self, first_file: str, number: int, *words: object) -> None:
        """Kill a run up to four times; `first_file` is there as soon as it can be resumed."""
        kind = str(words[0])
        run = self._folder / f"{kind}{number}"
        new = (*words, "--output", run, "--device", "cpu")
        if kind not in self._expected:
            _program(*new)
            self._expected[kind] = _weights(run)
            shutil.rmtree(run)
        begun = False
        for _ in range(4):
            if not _killed(self._rng, 5.0, *((*new, "--resume") if begun else new)):
                break
            begun = (run / first_file).exists()
            if not begun:
                shutil.rmtree(run, ignore_errors=True)
        if not (run / "model.safetensors").exists():
            _program(*((*new, "--resume") if begun else new))
        if _weights(run) != self._expected[kind]:
            text = f"a resumed {kind} ends with other weights"
            raise _Wrong(text)
        for folder in (run, run / "checkpoints", run / "previews"):
            temporaries.remove_abandoned(folder, at_once=True)
            _no_temporaries(folder)
        if RunDirectory(run).newest_checkpoint()[1]:
            text = "a checkpoint is damaged"
            raise _Wrong(text)
        shutil.rmtree(run)

    def race(self, number: int) -> None:
        """Let eight processes want one name at once, for a model or a picture: one gets it."""
        name = f"race{number}"
        out = self._folder / f"{name}.png"
        picture = self._pictures / "0.png"
        words: Sequence[object] = ("models", "import", self._model, "--name", name, "--again")
        if number % 2:
            words = ("colorize", picture, "--model", self._model, "--output", out)
        codes = [_wait(child) for child in [_fork(*words) for _ in range(_RACERS)]]
        if codes.count(0) != 1 or any(code not in (0, 1) for code in codes):
            text = f"the eight end with {codes}"
            raise _Wrong(text)
        if number % 2:
            read_stack(out)
            out.unlink()
        else:
            ModelLibrary().delete(name)

    def other_user(self, number: int) -> None:
        """Colorize as another user than root, with a home that can't be written."""
        if os.getuid() != 0:
            return
        home = self._folder / f"home{number}"
        home.mkdir(mode=0o555)
        out = self._folder / f"other{number}"
        out.mkdir(mode=0o777 if number % 2 else 0o555)
        out.chmod(0o777 if number % 2 else 0o555)
        child = os.fork()
        if child == 0:
            os.environ["NAPARI_COLORGAN_HOME"] = str(home)
            os.setgid(65534)
            os.setuid(65534)
            picture = self._pictures / "0.png"
            words = ("colorize", picture, "--model", self._model, "--output", out / "a.png")
            os._exit(_wait(_fork(*words)))
        code, made = _wait(child), (out / "a.png").exists()
        if (code, made) != ((0, True) if number % 2 else (1, False)):
            text = f"ends with {code}, {'with' if made else 'without'} a result"
            raise _Wrong(text)
        shutil.rmtree(home)
        shutil.rmtree(out)


def _weights(run: Path) -> str:
    # A fine-tuning that made nothing better returns its base, and keeps what it trained.
    trained = run / "trained.safetensors"
    path = trained if trained.exists() else run / "model.safetensors"
    return hashlib.sha256(path.read_bytes()[-10_000:]).hexdigest()


def kill(minutes: float, seed: int) -> dict[str, Count]:
    """Kill and race for some minutes; return what became of it, by kind."""
    end = time.monotonic() + 60 * minutes
    counts: dict[str, Count] = {}
    with tempfile.TemporaryDirectory(prefix="attack-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.environ["NAPARI_COLORGAN_HOME"] = str(folder / "home")
        kills = Kills(folder, seed)
        works: dict[str, Callable[[int], None]] = {
            "kills of colorize": kills.colorize,
            "kills of models import, rename": kills.models,
            "kills of train, resumed": kills.train,
            "kills of fine-tune, resumed": kills.fine_tune,
            "races of 8 processes": kills.race,
            "as another user": kills.other_user,
        }
        counts = {kind: Count() for kind in works}
        number = 0
        while time.monotonic() < end:
            for kind, work in works.items():
                counts[kind].add(*_outcome(work, number))
            number += 1
    return counts


def _outcome(work: Callable[[int], None], number: int) -> tuple[str, str, str]:
    case = f"case {number}"
    try:
        work(number)
    except TimeoutError:
        return HANG, case, "it does not end"
    except _Wrong as error:
        return LOST, case, str(error)
    except ColorganError as error:
        return LOST, case, str(error)
    except Exception as error:  # noqa: BLE001  # it is counted
        return TRACEBACK, case, repr(error)
    return RIGHT, case, ""
