"""The fuzzer: damages files at random, and counts what becomes of them."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from attack_corpus import make_model, make_pictures, make_run, make_texts
from attack_mutate import mutate, mutate_folder
from attack_worker import CLEAR, LOST, RIGHT, TRACEBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

HANG, KILLED = "hang", "killed"
OUTCOMES = (CLEAR, RIGHT, TRACEBACK, HANG, KILLED, LOST)
BAD = (TRACEBACK, HANG, KILLED, LOST)
# Far more than the slowest file takes on a busy machine.
_PATIENCE_S = 90.0
_START_S = 300.0


@dataclass
class Count:
    """What became of the cases of one kind.

    Attributes
    ----------
    outcomes : dict of str to int
        How many there were of each outcome.
    failures : list of str
        What is to be looked at, with the case's number.
    """

    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    failures: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many cases there were."""
        return sum(self.outcomes.values())

    def add(self, outcome: str, case: str = "", said: str = "") -> None:
        """Count a case; `said` is kept of bad ones."""
        self.outcomes[outcome] += 1
        if outcome in BAD:
            self.failures.append(f"{case}: {outcome}\n{said}")


class Worker:
    """A process that tries files; it is started anew when one has ended or stopped it."""

    def __init__(self, home: Path, model: Path) -> None:
        self._home = home
        self._model = model
        self._process: subprocess.Popen[str] | None = None

    def attempt(self, kind: str, path: Path) -> tuple[str, str]:
        """Return the outcome of a file, and what was said."""
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps([kind, str(path)]) + "\n")
            process.stdin.flush()
            answer = self._line(_PATIENCE_S)
        except BrokenPipeError:
            answer = ""
        if answer:
            outcome, said = json.loads(answer)
            return outcome, said
        code = process.poll() if answer is None else process.wait()
        self.close()
        return (HANG, "no answer") if answer is None else (KILLED, f"exit code {code}")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            environment = {**os.environ, "NAPARI_COLORGAN_HOME": str(self._home)}
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("attack_worker.py")), self._model],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            if self._line(_START_S) != "ready\n":
                text = "the worker doesn't start"
                raise RuntimeError(text)
        return self._process

    def _line(self, patience: float) -> str | None:
        """Return the next line, "" if the process has ended, None if it says nothing."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], patience)
        return self._process.stdout.readline() if ready else None


class Cases:
    """Damaged files of each kind, one after the other; a case's number is its seed.

    Parameters
    ----------
    folder : Path
        Where the undamaged ones and the damaged ones lie.
    seed : int
        Of all cases.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._sources = folder / "sources"
        self._cases = folder / "cases"
        self._sources.mkdir()
        self._cases.mkdir()
        (self._sources / "pictures").mkdir()
        pictures = make_pictures(self._sources / "pictures")
        self.corpus = {
            "model files": [make_model(self._sources)],
            "pictures": pictures,
            "run folders": [make_run(self._sources)],
            "hint files": make_texts(self._sources)[:1],
            "recipes": make_texts(self._sources)[1:],
        }
        self.kinds = tuple(self.corpus)
        self.model = Path(shutil.copy(self.corpus["model files"][0], self._cases))
        make_model(self._cases, "good")
        shutil.copy(self._sources / "pictures" / "a.png", self._cases / "good.png")

    @contextlib.contextmanager
    def case(self, kind: str, number: int) -> Iterator[Path]:
        """Yield a damaged file or folder, which is removed afterwards."""
        rng = np.random.default_rng([self._seed, self.kinds.index(kind), number])
        corpus = self.corpus[kind]
        source = corpus[int(rng.integers(len(corpus)))]
        path = self._cases / f"case-{number}-{source.name}"
        if source.is_dir():
            shutil.copytree(source, path)
            mutate_folder(path, rng)
        else:
            other = corpus[int(rng.integers(len(corpus)))]
            data = other.read_bytes() if other.is_file() else b""
            path.write_bytes(mutate(source.read_bytes(), rng, data))
        try:
            yield path
        finally:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def fuzz(minutes: float, seed: int, kinds: tuple[str, ...] = ()) -> dict[str, Count]:
    """Damage files for some minutes.

    Parameters
    ----------
    minutes : float
        How long.
    seed : int
        Of the cases; the same seed makes the same ones.
    kinds : tuple of str, optional
        Which kinds; all by default.

    Returns
    -------
    dict of str to Count
        By kind.
    """
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="attack-") as name:
        cases = Cases(Path(name), seed)
        counts = {kind: Count() for kind in kinds or cases.kinds}
        worker = Worker(Path(name) / "home", cases.model)
        (Path(name) / "home").mkdir()
        try:
            for number in itertools.count():
                for kind, count in counts.items():
                    with cases.case(kind, number) as path:
                        count.add(*_named(worker.attempt(kind, path), path))
                if time.monotonic() > end:
                    return counts
        finally:
            worker.close()
    return counts


def _named(answer: tuple[str, str], path: Path) -> tuple[str, str, str]:
    outcome, said = answer
    return outcome, path.name, said
