"""``hints``: from a hint to the picture of what is on view, beside the network alone."""

from __future__ import annotations

from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from inputs import DISPLAY, bare_network, plane
from measure import seconds
from napari_colorgan.axes import Axes
from napari_colorgan.events import run
from napari_colorgan.guidance.hint_list import Hint, Hints
from napari_colorgan.guidance.sources import GuideSources
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.live.guided_preview import GuidedPreviews
from napari_colorgan.services.live.request import Part, PreviewRequest

if TYPE_CHECKING:
    from conftest import Record
    from inputs import Subject

# Of a canvas on which a large plane is seen whole.
_CANVAS = 1024


def time_hints(benchmark: Any, subject: Subject, record: Record, side: int, rounds: int) -> float:
    """Return and record the seconds from a hint, added or dragged, to its picture."""
    pixels = plane(side)
    step = max(1, side // _CANVAS)
    previews = GuidedPreviews()
    known = tuple(
        Hint((side * (n + 1) / 7, side * (n * 2 % 5 + 1) / 7), (10.0 * n - 20, 5.0 * n))
        for n in range(5)
    )
    numbers = count()

    def request(hints: tuple[Hint, ...]) -> PreviewRequest:
        return PreviewRequest(
            stack=pixels,
            axes=Axes("YX"),
            index=(),
            part=Part(0, 0, side // step, side // step, step),
            model="natural",
            settings=PredictionSettings(device="cpu", precision="float32"),
            display=DISPLAY,
            sources=GuideSources(Hints(hints), consistent=False),
        )

    def drag() -> None:
        place = side * (0.2 + 0.6 * (next(numbers) % 37) / 37)
        run(previews.job(request((*known, Hint((place, side / 2), (30.0, 40.0))))))

    run(previews.job(request(known)))
    predictor = subject.predictor(device="cpu", precision="float32")
    predictor.predict([pixels], DISPLAY)
    bare = bare_network(predictor, subject)
    fed = torch.rand(1, 1, subject.working_size, subject.working_size) * 2 - 1
    bare(fed)
    laps: list[float] = []
    # Lap by lap in turns, so that whatever else the machine does slows both.
    benchmark.pedantic(drag, setup=lambda: laps.append(seconds(lambda: bare(fed))), rounds=rounds)
    found = float(benchmark.stats.stats.median)
    record(f"From a hint to its picture, {side} × {side} on view", found, "s")
    record("– the network alone, which a hint doesn't run", median(laps), "s")
    return found


def test_small_plane(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """Six hints on 512 × 512, one of them dragged."""
    found = time_hints(benchmark, subject, record, 128 if small else 512, 3 if small else 40)
    record("– hint to picture, in milliseconds", 1000 * found, "ms", at_most=100)


def test_large_plane(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """Six hints on 4096 × 4096, seen whole on a canvas of 1024 × 1024."""
    found = time_hints(benchmark, subject, record, 256 if small else 4096, 3 if small else 40)
    record("– hint to picture, in milliseconds", 1000 * found, "ms", at_most=200)
