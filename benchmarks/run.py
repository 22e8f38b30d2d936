"""Measure speed and memory, and write docs/performance.md.

``python benchmarks/run.py [--only NAME]… [--small] [--list]``: each benchmark runs in a process
of its own and leaves its figures in benchmarks/results/NAME.json, from all of which the page and
its plot are written anew. So a run can be broken off, and one benchmark repeated, at no loss.
``--small`` tries the scripts on tiny inputs and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from napari_colorgan.cli.process import SLEEPING
from page import machine, write_page

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
BENCHMARKS = {
    "fit": "test_fit.py::test_large_plane",
    "plane-512": "test_fit.py::test_small_plane",
    "planes": "test_fit.py::test_many_planes",
    "native-4096": "test_native.py::test_4096",
    "native-12000": "test_native.py::test_12000",
    "seams": "test_native.py::test_seams",
    "stack": "test_stack.py::test_long_stack",
    "sides": "test_sides.py::test_sides",
    "hints-512": "test_hints.py::test_small_plane",
    "hints-4096": "test_hints.py::test_large_plane",
    "networks": "test_networks.py::test_networks",
    "training-step": "test_training.py::test_step",
    "training-data": "test_training.py::test_data",
    "training-precision": "test_training.py::test_precision",
    "import": "test_start.py::test_import",
    "widget": "test_start.py::test_widget",
    "viewer": "test_viewer.py::test_viewer",
    "help": "test_start.py::test_help",
}


def measure(name: str, *, small: bool) -> dict[str, Any] | None:
    """Run a benchmark; return its figures, or None if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmark"]
        command += ["-o", "addopts=--import-mode=importlib", "-o", f"pythonpath={HERE}"]
        command += ["-o", "filterwarnings=ignore", f"--benchmark-json={report}"]
        command += ["-o", "faulthandler_timeout=0"]  # the large ones take minutes
        command += ["--basetemp", f"{folder}/pytest", f"{HERE}/{BENCHMARKS[name]}"]
        environment = {**os.environ, **({"COLORGAN_BENCH_SMALL": "1"} if small else {})}
        # Nothing is timed by a worker of pytest-xdist, and a test that starts this one is such.
        environment.pop("PYTEST_XDIST_WORKER", None)
        if name == "training-data":
            environment |= SLEEPING  # as the command "train" sets itself up
        print(f"\n── {name} ──", flush=True)
        if subprocess.run(command, cwd=HERE.parent, env=environment, check=False).returncode:
            return None
        (found,) = json.loads(report.read_text())["benchmarks"]
        extra: dict[str, Any] = found["extra_info"]
        return {"machine": machine(), **extra}


def main() -> int:
    """Run what the arguments ask for; return 0 if all of it ran and kept its bounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--small", action="store_true", help="try the scripts on tiny inputs")
    parser.add_argument("--list", action="store_true", help="print the benchmarks' names")
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(BENCHMARKS))
        return 0
    failed = []
    for name in [] if arguments.page else arguments.only or BENCHMARKS:
        figures = measure(name, small=arguments.small)
        if figures is None:
            failed.append(name)
        elif not arguments.small:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
    if not arguments.small:
        found = {
            name: json.loads((RESULTS / f"{name}.json").read_text())
            for name in BENCHMARKS
            if (RESULTS / f"{name}.json").is_file()
        }
        failed += write_page(found, HERE.parent / "docs")
    print(f"\nFailed: {', '.join(failed)}." if failed else "\nAll ran within their bounds.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
