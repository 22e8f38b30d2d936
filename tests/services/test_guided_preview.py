"""Live previews with hints and references, with a tiny model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.events import run
from napari_colorgan.guidance.hint_list import Hint, Hints
from napari_colorgan.guidance.sources import GuideSources
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.live.guided_preview import GuidedPreviews
from napari_colorgan.services.live.request import Part, PreviewRequest

if TYPE_CHECKING:
    from pathlib import Path

PLANE = np.linspace(0, 255, 64 * 96).reshape(64, 96).astype(np.uint8)


def request(model: Path, *hints: Hint, **choices: object) -> PreviewRequest:
    sources = GuideSources(Hints(hints), consistent=False)
    return replace(
        PreviewRequest(
            stack=PLANE,
            axes=Axes("YX"),
            index=(),
            part=Part(0, 0, 64, 96, 1),
            model=model,
            settings=PredictionSettings(device="cpu"),
            display=DisplayRange(0, 255),
            sources=sources,
        ),
        **choices,
    )


def test_a_hint_needs_no_network_and_is_seen_at_its_place(tiny_model_file: Path) -> None:
    previews = GuidedPreviews()
    plain = run(previews.job(request(tiny_model_file)))
    hinted = request(tiny_model_file, Hint((20, 30), (40.0, 20.0), 2.0))
    assert previews.has(hinted)
    picture = run(previews.job(hinted))
    assert picture.shape == (64, 96, 3)
    assert (picture != plain).any()
    details = run(previews.details_job(hinted, (20.0, 30.0), 9, match=False))
    assert details.colors is not None
    np.testing.assert_allclose(details.colors.now, (40, 20), atol=1.0)
    assert 1 <= len(details.colors.likely) <= 9


def test_a_part_is_that_of_the_whole(tiny_model_file: Path) -> None:
    previews = GuidedPreviews()
    hint = Hint((20, 30), (40.0, 20.0), 2.0)
    whole = run(previews.job(request(tiny_model_file, hint)))
    part = request(tiny_model_file, hint, part=Part(8, 16, 24, 32, 1))
    np.testing.assert_array_equal(run(previews.job(part)), whole[8:32, 16:48])


def test_a_smaller_level_takes_hints_of_the_full_resolution(tiny_model_file: Path) -> None:
    previews = GuidedPreviews()
    hint = Hint((40.5, 60.5), (40.0, 20.0), 4.0)
    half = request(tiny_model_file, hint, factor=0.5)
    details = run(previews.details_job(half, (40.5, 60.5), 3, match=False))
    assert details.colors is not None
    np.testing.assert_allclose(details.colors.now, (40, 20), atol=1.0)


def test_the_strength_needs_no_network(tiny_model_file: Path) -> None:
    previews = GuidedPreviews()
    run(previews.job(request(tiny_model_file)))
    stronger = request(tiny_model_file, settings=PredictionSettings(device="cpu", strength=0.0))
    assert previews.has(stronger)
    gray = run(previews.job(stronger))
    assert np.ptp(gray.astype(int), axis=2).max() <= 1
    native = request(tiny_model_file, settings=PredictionSettings(device="cpu", scale="native"))
    assert not previews.has(native)
