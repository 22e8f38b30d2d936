"""``fit``: one large plane, a small one, and many, against the network alone."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from inputs import DISPLAY, bare_network, plane, precision_of
from measure import seconds

if TYPE_CHECKING:
    from conftest import Record
    from inputs import Subject


def time_plane(
    benchmark: Any, subject: Subject, record: Record, side: int, rounds: int
) -> tuple[float, float]:
    """Return and record the seconds of one square uint16 plane, and of the network alone."""
    pixels = plane(side)
    predictor = subject.predictor(device="cpu")
    predictor.predict([pixels], DISPLAY)
    bare = bare_network(predictor, subject)
    size = subject.working_size
    fed = torch.rand(1, 1, size, size) * 2 - 1
    bare(fed)
    laps: list[float] = []
    benchmark.pedantic(
        lambda: predictor.predict([pixels], DISPLAY),
        # Lap by lap in turns, so that whatever else the machine does slows both.
        setup=lambda: laps.append(seconds(lambda: bare(fed))),
        rounds=rounds,
    )
    whole = benchmark.stats.stats.median
    record(f"One plane {side} × {side} uint16, fit ({precision_of(predictor)})", whole, "s")
    record("– the network alone", median(laps), "s")
    return whole, median(laps)


def test_large_plane(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """One 2048 × 2048 uint16 plane: seconds on top of the network's."""
    side, rounds = (256, 2) if small else (2048, 20)
    whole, network = time_plane(benchmark, subject, record, side, rounds)
    record("– the call on top of the network", whole - network, "s", at_most=0.35)


def test_small_plane(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """One 512 × 512 uint16 plane at default settings: times the network's."""
    whole, network = time_plane(benchmark, subject, record, 512, 2 if small else 30)
    record("– the call's time over the network's", whole / network, "×", at_most=1.6)


def test_many_planes(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """100 planes of 512 × 512: planes a second, as a share of the network's."""
    count = 8 if small else 100
    pixels = plane(512 + count)
    planes = [pixels[i : i + 512, i : i + 512] for i in range(count)]
    predictor = subject.predictor(device="cpu")
    predictor.predict(planes[:1], DISPLAY)
    bare = bare_network(predictor, subject)
    size, batch = subject.working_size, predictor.batch_size((512, 512))
    fed = torch.rand(batch, 1, size, size) * 2 - 1
    bare(fed)
    laps: list[float] = []

    def colorize() -> None:
        for first in range(0, count, batch):
            predictor.predict(planes[first : first + batch], DISPLAY)

    def network() -> None:
        for first in range(0, count, batch):
            bare(fed[: min(batch, count - first)])

    benchmark.pedantic(
        colorize, setup=lambda: laps.append(seconds(network)), rounds=1 if small else 5
    )
    whole = benchmark.stats.stats.median
    record(f"{count} planes 512 × 512, fit ({precision_of(predictor)})", count / whole, "planes/s")
    record("– the network alone", count / median(laps), "planes/s")
    record("– share of the network's rate", median(laps) / whole, "×", at_least=0.7)
