"""What a plane costs by the length of its side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inputs import DISPLAY, plane
from measure import seconds

if TYPE_CHECKING:
    from inputs import Subject

SIDES = (256, 512, 1024, 2048, 4096, 8192)


def test_sides(benchmark: Any, subject: Subject, small: bool) -> None:
    """Seconds for "fit" and "native", from 256 to 8192 pixels."""
    fit = subject.predictor(device="cpu")
    native = subject.predictor(device="cpu", scale="native")
    sides = SIDES[:2] if small else SIDES
    curves: dict[str, list[float]] = {"fit": [], "native": []}
    for predictor in (fit, native):
        predictor.predict([plane(256)], DISPLAY)
    for side in sides:
        pixels = plane(side)
        for name, predictor in (("fit", fit), ("native", native)):
            laps = 1 if side > 2048 else 5
            curves[name].append(
                min(seconds(lambda: predictor.predict([pixels], DISPLAY)) for _ in range(laps))  # noqa: B023
            )
    benchmark.extra_info["curves"] = {"sides": list(sides), **curves}
    largest = plane(sides[-1])
    benchmark.pedantic(lambda: fit.predict([largest], DISPLAY), rounds=1)
