"""Run every check that has to pass, then say which did and how long each took.

``python tools/check.py [--lint] [PYTEST_ARGUMENTS]``: the checks of style, types, imports, sizes
and manifest go first, and with ``--lint`` they are all. Other arguments go to pytest, and then
only the tests are run: on several cores, unless the arguments name files or folders of tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = [name for name in ("src", "tests", "tools", "benchmarks") if (ROOT / name).is_dir()]
BIN = Path(sys.executable).parent

LINT = {
    "ruff check": ["ruff", "check", *CODE],
    "ruff format": ["ruff", "format", "--check", *CODE],
    "sizes": ["python", "tools/sizes.py"],
    "lint-imports": ["lint-imports", "--no-logo"],
    "npe2 validate": ["npe2", "validate", "napari_colorgan"],
    "mypy": ["mypy"],
}


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    Attributes
    ----------
    name : str
        The check.
    code : int
        Its exit code.
    seconds : float
        How long it took.
    """

    name: str
    code: int
    seconds: float


def run(name: str, command: list[str]) -> Outcome:
    """Run a check; what it prints is shown as it comes."""
    print(f"\n── {name} ──", flush=True)
    start = time.monotonic()
    program = BIN / command[0]
    completed = subprocess.run([program, *command[1:]], cwd=ROOT, env=_environment(), check=False)
    return Outcome(name, completed.returncode, time.monotonic() - start)


def _environment() -> dict[str, str]:
    # One thread each for the tests' workers, which don't wait in busy loops either.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    # What a test run finds must not depend on who runs it.
    removed = {"NAPARI_COLORGAN_HOME", "NAPARI_COLORGAN_SHARED_MODELS", "PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    return {**threads, **kept, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def _workers(arguments: list[str]) -> list[str]:
    # A few named tests are done before several workers have started, and --pdb needs a terminal.
    named = any((ROOT / each.split("::")[0]).exists() for each in arguments)
    if named or any(each == "--pdb" or each.startswith("-n") for each in arguments):
        return []
    # One worker a core; the tests of a file share what takes long to make.
    return ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for; return 0 if all of it passed."""
    checks = dict(LINT) if not arguments or arguments == ["--lint"] else {}
    if arguments != ["--lint"]:
        checks["pytest"] = ["pytest", *_workers(arguments), *arguments]
    outcomes = [run(name, command) for name, command in checks.items()]
    print("\n── summary ──")
    for outcome in outcomes:
        verdict = "passed" if outcome.code == 0 else f"FAILED (exit code {outcome.code})"
        print(f"{outcome.name:<15}{outcome.seconds:7.1f} s  {verdict}")
    return 0 if all(outcome.code == 0 for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
