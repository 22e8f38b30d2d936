"""The live preview: what a run would give, of the part on view, from a prediction that is kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.events import JobCancelled, cancellable, run
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.colorize import ColorizeRequest, colorize_job
from napari_colorgan.services.live.preview import PreviewPainted, PreviewSession
from napari_colorgan.services.live.request import Part, PreviewRequest

if TYPE_CHECKING:
    from pathlib import Path

PLANE = np.random.default_rng(0).integers(0, 256, (96, 128), dtype=np.uint8)
AXES = Axes("YX")
FULL = DisplayRange(0, 255)
WHOLE = Part(0, 0, 96, 128)


def request(model: Path, part: Part = WHOLE, **changes: Any) -> PreviewRequest:
    settings = {"scale": "fit", "device": "cpu", "precision": "float32"}
    display = changes.pop("display", FULL)
    chosen = PredictionSettings(**{**settings, **changes})
    return PreviewRequest(PLANE, AXES, (), part, model, chosen, display)


def colorized(model: Path, display: DisplayRange = FULL, **changes: Any) -> np.ndarray:
    settings = request(model, **changes).settings
    result: np.ndarray = run(
        colorize_job(ColorizeRequest(PLANE, AXES, model, settings, display))
    ).rgb
    return result


@pytest.mark.parametrize("part", [WHOLE, Part(10, 20, 30, 40), Part(1, 2, 31, 40, 3)])
@pytest.mark.parametrize("scale", ["fit", "native", 0.5])
def test_a_part_is_what_a_run_gives_there(tiny_model_file: Path, part: Part, scale: Any) -> None:
    painted = run(PreviewSession().job(request(tiny_model_file, part, scale=scale)))
    whole = colorized(tiny_model_file, scale=scale)
    np.testing.assert_array_equal(painted, whole[np.ix_(*part.pixels(PLANE.shape))])


def test_strength_and_range_are_painted_from_what_is_kept(tiny_model_file: Path) -> None:
    session = PreviewSession()
    run(session.job(request(tiny_model_file)))
    events: list[Any] = []
    strong = run(session.job(request(tiny_model_file, strength=2.0)), events.append)
    assert events == []
    np.testing.assert_array_equal(strong, colorized(tiny_model_file, strength=2.0))
    bright = DisplayRange(0, 100)
    final = run(session.job(request(tiny_model_file, display=bright)), events.append)
    assert [type(event) for event in events] == [PreviewPainted]
    np.testing.assert_array_equal(final, colorized(tiny_model_file, bright))


def test_a_run_uses_what_the_preview_has_kept(
    tiny_model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_colorgan.inference.predictor import PlanePredictor

    session = PreviewSession()
    run(session.job(request(tiny_model_file)))
    whole = colorized(tiny_model_file, strength=1.5)

    def refuse(*_: object) -> None:
        raise AssertionError("the network runs again")

    monkeypatch.setattr(PlanePredictor, "_analyze", refuse)
    kept = session.kept(PLANE, (), FULL, None)
    settings = request(tiny_model_file, strength=1.5).settings
    again = run(
        colorize_job(ColorizeRequest(PLANE, AXES, tiny_model_file, settings, FULL, kept=kept))
    )
    np.testing.assert_array_equal(again.rgb, whole)


def test_what_is_kept_of_other_values_is_not_used(tiny_model_file: Path) -> None:
    plane = PLANE.copy()
    session = PreviewSession()
    settings = request(tiny_model_file).settings
    run(session.job(PreviewRequest(plane, AXES, (), WHOLE, tiny_model_file, settings, FULL)))
    kept = session.kept(plane, (), FULL, None)
    assert kept is not None
    assert session.kept(plane, (), DisplayRange(0, 9), None) is None
    plane[:] = PLANE.T[:96, :96].repeat(2, axis=1)[:, :128]
    result = run(
        colorize_job(ColorizeRequest(plane, AXES, tiny_model_file, settings, FULL, kept=kept))
    )
    anew = run(colorize_job(ColorizeRequest(plane, AXES, tiny_model_file, settings, FULL)))
    np.testing.assert_array_equal(result.rgb, anew.rgb)


@pytest.mark.parametrize("rows", [slice(-50, 20), slice(90, 300), slice(200, 300)])
def test_parts_stay_in_the_plane(rows: slice) -> None:
    for step in (1, 3, 200):
        part = Part.of_window((96, 128), rows, slice(0, 128), step)
        rows_of_part, columns = part.pixels((96, 128))
        assert 0 <= rows_of_part.min() <= rows_of_part.max() < 96
        assert 0 <= columns.min() <= columns.max() < 128


def test_a_cancelled_job_stops_inside_a_plane(tiny_model_file: Path) -> None:
    asked = 0
    flag = threading.Event()

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        if asked == 3:
            flag.set()
        return flag.is_set()

    target = np.zeros((96, 128, 3), np.uint8)
    from napari_colorgan.axes import ArrayTarget

    job = colorize_job(
        ColorizeRequest(
            PLANE,
            AXES,
            tiny_model_file,
            request(tiny_model_file).settings,
            FULL,
            target=ArrayTarget(target, AXES),
        )
    )
    with cancellable(is_cancelled), pytest.raises(JobCancelled):
        run(job)
    assert asked == 3
    assert not target.any()
