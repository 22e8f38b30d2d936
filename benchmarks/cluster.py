"""What workers of dask.distributed gain and cost, and what they survive.

``python benchmarks/cluster.py [--planes 2000] [--workers 4] [--side 128] [--seconds 10]
[--tasks 100000] [--model natural|small] [--only runs|scheduler]``: a stack is colorized by one
program, by so many worker processes, and by these while every so many seconds one of them, chosen
at random, is killed. The three results are compared byte by byte. Then the scheduler's memory is
watched while simulated tasks go through it. What is found goes to benchmarks/results/cluster.json,
and into docs/performance.md. With the small network of random weights hardly anything but overhead
is left.
"""
# Over 300 lines: one measurement and its page are read in one piece.

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from napari_colorgan.axes import Axes
from napari_colorgan.events import PlaneDone, run
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import stack_writer
from napari_colorgan.services.cluster.feed import MOST_TASKS, Feed
from napari_colorgan.services.cluster.job import colorize_on
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_colorgan.library.model_file import Model

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- cluster: written by benchmarks/cluster.py -->", "<!-- end of the cluster -->"


def main() -> int:
    """Measure, write the figures, and return 1 if anything was lost or differs."""
    options = _options()
    results = HERE / "results" / "cluster.json"
    found = json.loads(results.read_text()) if results.exists() else {}
    if options.only != "scheduler":
        with tempfile.TemporaryDirectory() as name:
            found |= {"options": vars(options), "cores": os.cpu_count()}
            found |= _runs(Path(name), options)
    if options.only != "runs":
        found["scheduler"] = _scheduler_memory(options.tasks)
    results.write_text(json.dumps(found, indent=1) + "\n")
    if {"one", "scheduler"} <= found.keys():
        _write_page(found)
    print(json.dumps(found, indent=1))
    return int(bool(found.get("differences") or found.get("lost")))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planes", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--model", choices=("natural", "small"), default="natural")
    parser.add_argument("--only", choices=("runs", "scheduler"))
    parser.add_argument("--tasks", type=int, default=100_000)
    return parser.parse_args()


def _runs(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    source = folder / "stack.ome.zarr"
    shape = (options.planes, options.side, options.side)
    rng = np.random.default_rng(0)
    with stack_writer(source, shape, "uint8", Axes("TYX")) as target:
        for number in range(options.planes):
            rough = rng.integers(0, 256, (8, 8))
            plane = np.kron(rough, np.ones((options.side // 8, options.side // 8)))
            target.write((number,), plane.astype(np.uint8))
    model = "natural" if options.model == "natural" else _small_model()
    one = _timed(folder / "one", source, model, None)
    many = _timed(folder / "many", source, model, options)
    with _killing(options.seconds) as killed:
        hurt = _timed(folder / "hurt", source, model, options, killed)
        kills = killed["count"]
    contents = {name: _contents(folder / name) for name in ("one", "many", "hurt")}
    expected = contents["one"]
    others = (contents["many"], contents["hurt"])
    return {
        "one": one,
        "many": many,
        "killed": {**hurt, "kills": kills},
        "files": len(expected),
        "lost": sum(len(expected.keys() - other.keys()) for other in others),
        "differences": sum(
            other.get(name) != digest for other in others for name, digest in expected.items()
        ),
    }


def _small_model() -> Model:
    """Return a network of 0.1 million random weights, always the same."""
    import torch

    from napari_colorgan.core.networks.build import build_generator
    from napari_colorgan.core.networks.generator_config import GeneratorConfig
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model

    torch.manual_seed(0)
    config = GeneratorConfig(encoder="test_efficientnet", decoder_channels=(8, 8), output_stride=8)
    card = ModelCard(name="small", version="1", title="Small", domain="", description="Random.")
    return Model(card, build_generator(config).eval())


def _timed(
    folder: Path,
    source: Path,
    model: Model | str,
    options: argparse.Namespace | None,
    killed: dict[str, Any] | None = None,
) -> dict[str, float]:
    """Colorize the stack; return seconds, from the first plane on too, and processor time."""
    from distributed import LocalCluster

    folder.mkdir()
    request = FilesRequest(
        [source],
        folder / "out.ome.zarr",
        model,
        PredictionSettings(scale="native", device="cpu", precision="float32"),
    )
    first: list[float] = []

    def follow(event: object) -> None:
        if isinstance(event, PlaneDone):
            first.append(time.perf_counter())

    before = _processor_time()
    start = time.perf_counter()
    if options is None:
        run(colorize_files(request), follow)
    else:
        with LocalCluster(
            n_workers=options.workers,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster:
            if killed is not None:
                killed["is_on"] = True
            run(colorize_on(cluster.scheduler_address, request), follow)
            if killed is not None:
                killed["is_on"] = False
            spent = _processor_time() - before
            end = time.perf_counter()
    if options is None:
        spent, end = _processor_time() - before, time.perf_counter()
    found = {"seconds": end - start, "from_first_plane": end - first[0], "processor": spent}
    print(folder.name, found, flush=True)
    return found


def _processor_time() -> float:
    """Return what this process and its children have used, those that have ended included."""
    total = sum(os.times()[:4])
    for child in psutil.Process().children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.Error:
            continue
    return total


@contextmanager
def _killing(seconds: float) -> Iterator[dict[str, Any]]:
    """Kill a random worker every so many seconds, while the dict says "is_on"."""
    state: dict[str, Any] = {"is_on": False, "count": 0}
    stop = threading.Event()
    chance = random.Random(0)

    def kill() -> None:
        while not stop.wait(seconds):
            workers = [
                child
                for child in psutil.Process().children(recursive=True)
                # The other children are multiprocessing's helpers.
                if child.memory_info().rss > 50 * 2**20
            ]
            if state["is_on"] and workers:
                chance.choice(workers).send_signal(signal.SIGKILL)
                state["count"] += 1

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        stop.set()
        thread.join()


def _contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _scheduler_memory(most: int) -> dict[str, Any]:
    """Send simulated tasks through a scheduler; return its MiB after some counts of them."""
    from distributed import Client

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        programs = [
            _dask("dask_scheduler", "--scheduler-file", file, "--port", "0", "--no-dashboard")
        ]
        try:
            _wait_for(file)
            options = ["--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
            programs.append(_dask("dask_worker", "--scheduler-file", file, *options))
            with Client(scheduler_file=str(file), set_as_default=False) as client:
                client.wait_for_workers(2, timeout=120)
                process = psutil.Process(programs[0].pid)
                return _through(Feed(client, "simulated"), process, most)
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()


def _through(feed: Feed[int], process: psutil.Process, most: int) -> dict[str, Any]:
    marks = sorted({2000, most // 10, most // 2, most})
    memory, held, handed, done = {}, 0, 0, 0
    start = time.perf_counter()
    for mark in marks:
        while done < mark:
            while handed < mark and feed.has_room:
                feed.submit(handed, _simulated, handed)
                handed += 1
            held = max(held, len(feed))
            done += feed.take() is not None
        memory[str(mark)] = process.memory_info().rss / 2**20
        seconds = time.perf_counter() - start
        print(f"{mark} tasks after {seconds:.0f} s: {memory[str(mark)]:.1f} MiB", flush=True)
    processor = 1000 * sum(process.cpu_times()[:2]) / most
    return {"mib": memory, "most_held": held, "limit": MOST_TASKS, "processor_ms": processor}


def _simulated(number: int) -> tuple[tuple[tuple[int], ...], tuple[str, ...]]:
    return ((number,),), ()


def _dask(program: str, *arguments: object) -> subprocess.Popen[bytes]:
    # The workers find the simulated task in this module.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    command = [sys.executable, "-m", f"distributed.cli.{program}", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def _wait_for(file: Path) -> None:
    end = time.monotonic() + 120
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.1)


def _write_page(found: dict[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{_table(found)}\n\n{END}{after}", encoding="utf-8")


def _table(found: dict[str, Any]) -> str:
    options, one, many, hurt = (found[key] for key in ("options", "one", "many", "killed"))
    planes, workers = options["planes"], options["workers"]
    memory = found["scheduler"]["mib"]
    rows = [
        ("Speed-up over one program, start of the workers included", "seconds"),
        ("Speed-up from the first plane on", "from_first_plane"),
    ]
    lines = [
        f"| {planes:,} planes of {options['side']}², {found['cores']} cores | {workers} workers | "
        f"{workers} workers, {hurt['kills']} killed |",
        "|---|---|---|",
    ]
    lines += [
        f"| {label} | {one[key] / many[key]:.2f} × | {one[key] / hurt[key]:.2f} × |"
        for label, key in rows
    ]
    costs = [f"{each['processor'] / one['processor']:.2f} ×" for each in (many, hurt)]
    lines += [
        f"| Processor time a plane, one program = 1 | {costs[0]} | {costs[1]} |",
        f"| Files lost, of {found['files']:,} | {found['lost']} | (both together) |",
        f"| Files that differ from one program's | {found['differences']} | (both together) |",
    ]
    counts = ", ".join(f"{int(mark):,}: {mib:.0f}" for mark, mib in memory.items())
    lines += [
        "",
        f"MiB of the scheduler after so many tasks: {counts}. It held at most "
        f"{found['scheduler']['most_held']:,} at a time, and spent "
        f"{found['scheduler']['processor_ms']:.1f} ms of its processor on each.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
