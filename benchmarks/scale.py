"""What one frame costs, and what a million would, on any number of cores.

``python benchmarks/scale.py [--side 2048] [--repeats 3] [--page]``: the steps of one frame are
measured on one core, as processor time, which other programs disturb little. The rest is computed
from these, from the scheduler's rate in benchmarks/results/cluster.json, and from the prices and
bandwidths below. The figures go to benchmarks/results/scale.json, and into docs/how-to/scale.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

import napari_colorgan
from napari_colorgan.axes import Axes
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.services.models import load_model, make_predictor

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "how-to" / "scale.md"
BEGIN, END = "<!-- scale: written by benchmarks/scale.py -->", "<!-- end of the scale -->"
FRAMES = 1_000_000
CORES = (1, 100, 10_000)
# Assumptions, said as such on the page: a core's hour, a terabyte's month, a file system's stream.
CORE_HOUR, TERABYTE_MONTH = 0.03, 20.0
STREAMS = {"1 GB/s": 1e9, "10 GB/s": 1e10}
MODELS = {"natural, *fit*": "natural", "microscopy, *native*": "microscopy"}


def main() -> int:
    """Measure, write the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    options = parser.parse_args()
    results = HERE / "results" / "scale.json"
    if not options.page:
        results.write_text(json.dumps(_measured(options), indent=1) + "\n")
    found = json.loads(results.read_text())
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{_page(found)}\n\n{END}{after}", encoding="utf-8")
    print(_page(found))
    return 0


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(1)
    found: dict[str, Any] = {"side": options.side}
    with tempfile.TemporaryDirectory() as folder:
        found |= _files(Path(folder), options.side, options.repeats)
    found["predict"] = {
        label: _predict(name, options.side, options.repeats) for label, name in MODELS.items()
    }
    return found


def _frame(side: int) -> np.ndarray:
    """Return a photograph of the package, enlarged, with the noise of a scan; 16 bits."""
    samples = Path(napari_colorgan.__file__).parent / "samples"
    with Image.open(samples / "photograph.jpg") as picture:
        large = picture.convert("L").resize((side, side), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 0.5, (side, side))
    values = (np.asarray(large) + noise).clip(0, 255) * 257
    frame: np.ndarray = values.astype(np.uint16)
    return frame


def _files(folder: Path, side: int, repeats: int) -> dict[str, Any]:
    frame, color = _frame(side), np.empty((side, side, 3), np.uint8)
    color[...] = (frame // 257).astype(np.uint8)[..., None]
    color[..., 2] //= 2
    gray, rgb = folder / "gray.ome.zarr", folder / "rgb.ome.zarr"
    with stack_writer(gray, (repeats, side, side), "uint16", Axes("TYX")) as target:
        for number in range(repeats):
            target.write((number,), frame)
    stack = read_stack(gray)
    decode = [_spent(lambda n=n: stack.axes.read_plane(stack.data, (n,))) for n in range(repeats)]
    with stack_writer(rgb, (repeats, side, side, 3), "uint8", Axes("TYXS")) as target:
        write = [_spent(lambda n=n: target.write((n,), color)) for n in range(repeats)]
    return {
        "decode": median(decode),
        "write": median(write),
        "bytes_in": _size(gray) / repeats,
        "bytes_out": _size(rgb) / repeats,
    }


def _predict(name: str, side: int, repeats: int) -> float:
    predictor = make_predictor(load_model(name), PredictionSettings(device="cpu"))
    frame = _frame(side)
    display = DisplayRange(0, 65535)
    predictor.predict([frame], display)
    return median(_spent(lambda: predictor.predict([frame], display)) for _ in range(repeats))


def _spent(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _page(found: dict[str, Any]) -> str:
    cluster = json.loads((HERE / "results" / "cluster.json").read_text())
    # A scheduler is one thread.
    rate = 1000 / cluster["scheduler"]["processor_ms"]
    moved = found["bytes_in"] + found["bytes_out"]
    lines = [
        f"Measured for one frame of {found['side']}² on one core, in processor time:",
        "",
        "| | decode | predict | write | in all |",
        "|---|---|---|---|---|",
    ]
    for label, seconds in found["predict"].items():
        total = found["decode"] + seconds + found["write"]
        steps = (found["decode"], seconds, found["write"], total)
        lines.append(f"| {label} | " + " | ".join(f"{step:.2f} s" for step in steps) + " |")
    lines += [
        "",
        f"A frame of 16 bits takes {found['bytes_in'] / 1e6:.1f} MB in OME-Zarr, its colours of 8 "
        f"bits with their smaller levels {found['bytes_out'] / 1e6:.1f} MB: "
        f"{found['bytes_in'] * FRAMES / 1e12:.1f} TB are read for a million frames, and "
        f"{found['bytes_out'] * FRAMES / 1e12:.1f} TB written.",
        "",
        "Computed from these, for a million frames:",
        "",
        "| model | cores | hours | frames/s | read and written | tasks/s |",
        "|---|---|---|---|---|---|",
    ]
    for label, seconds in found["predict"].items():
        total = found["decode"] + seconds + found["write"]
        for cores in CORES:
            speed = cores / total
            lines.append(
                f"| {label} | {cores:,} | {FRAMES / speed / 3600:,.1f} | {speed:,.1f} | "
                f"{speed * moved / 1e9:,.3f} GB/s | {speed:,.1f} |"
            )
    lines += ["", *_limits(found, moved, rate)]
    return "\n".join(lines)


def _limits(found: dict[str, Any], moved: float, rate: float) -> list[str]:
    lines = ["Where it ends, computed:", ""]
    for label, seconds in found["predict"].items():
        total = found["decode"] + seconds + found["write"]
        streams = ", ".join(
            f"{name} at {size / moved * total:,.0f}" for name, size in STREAMS.items()
        )
        hours = FRAMES * total / 3600
        lines.append(
            f"- **{label}**: cores that fill a file system of {streams}; that one scheduler keeps "
            f"busy with a frame a task ({rate:,.0f} tasks/s): {rate * total:,.0f}. "
            f"{hours:,.0f} core-hours, {hours * CORE_HOUR:,.0f} € at {CORE_HOUR} € each."
        )
    host = 16 / (found["decode"] + found["write"])
    lines += [
        f"- **One GPU** beside 16 cores gets and returns at most {host:,.0f} frames/s, since the "
        f"cores decode and write: {FRAMES / host / 3600:.1f} hours at best. The network's own time "
        "on a GPU was not measured here.",
        f"- **Storage** of the colours at {TERABYTE_MONTH:.0f} € a terabyte and month: "
        f"{found['bytes_out'] * FRAMES / 1e12 * TERABYTE_MONTH:,.0f} € a month.",
    ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
