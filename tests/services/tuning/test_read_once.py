"""A fine-tuning decodes each picture once, measures each plane once and writes its model once."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from skimage.io import imsave

from napari_colorgan import io
from napari_colorgan.core import metrics
from napari_colorgan.events import EpochDone, Event, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import PhaseConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

CLOSED_FORM = PhaseConfig("closed_form", batch_size=4, accumulate=4, weight_decay=10.0, l1=10.0)


class Counts:
    """How often files are decoded, planes are measured and model files are written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoded: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.measured = 0
        read_stack, l1_percent, replace = io.read_stack, metrics.l1_percent, os.replace

        def read(path: Any, *rest: Any, **named: Any) -> Any:
            self.decoded[Path(path).name] += 1
            return read_stack(path, *rest, **named)

        def measure(predicted: Any, truth: Any) -> Any:
            self.measured += len(predicted)
            return l1_percent(predicted, truth)

        def write(source: Any, target: Any, **named: Any) -> None:
            self.written[Path(target).name] += 1
            replace(source, target, **named)

        monkeypatch.setattr(io, "read_stack", read)
        monkeypatch.setattr(metrics, "l1_percent", measure)
        monkeypatch.setattr(os, "replace", write)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    return Counts(monkeypatch)


@pytest.fixture
def request_of(
    stained: np.ndarray, recipe: Path, tmp_path: Path, tiny_model_file: Path
) -> Callable[..., FineTuneRequest]:
    """Return a function that makes a request for five files, with closed-form phases."""
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for file, plane in zip(files, stained, strict=True):
        imsave(file, plane, check_contrast=False)
    config = TrainingConfig.load(recipe)
    base = load_model_file(tiny_model_file)
    generator = dataclasses.replace(base.generator.config, detail=True)
    phases = (CLOSED_FORM, *config.phases)

    def request_of(scale: str, **budget: float | None) -> FineTuneRequest:
        data = dataclasses.replace(config.data, scale=scale, zoom=(1.0, 1.0))
        changed = dataclasses.replace(config, generator=generator, phases=phases, data=data)
        recipe.write_text(changed.to_toml(), encoding="utf-8")
        return FineTuneRequest(
            files, tmp_path / "run", base=tiny_model_file, recipe=recipe, scale=scale, **budget
        )

    return request_of


@pytest.mark.parametrize("scale", ["fit", "native"])
@pytest.mark.parametrize(
    "budget", [{"minutes": None, "epochs": 4.0}, {"minutes": 0.05, "epochs": None}]
)
def test_everything_is_done_once(
    request_of: Callable[..., FineTuneRequest],
    counts: Counts,
    scale: str,
    budget: dict[str, float | None],
) -> None:
    request, events = request_of(scale, **budget), list[Event]()
    result = run(fine_tune_job(request), events.append)
    # A few held-out planes are not trusted alone, so that this includes a cross-validation.
    assert result.comparison.is_small_sample
    assert counts.decoded == {f"{number}.png": 1 for number in range(5)}
    validations = sum(isinstance(event, EpochDone) for event in events)
    # Beside the validations: the gray baseline, the base and the result.
    in_training = result.comparison.pictures * (validations + 3)
    # Both generators of the cross-validation are measured on each of the four other planes.
    in_cross_validation = 2 * 4 if is_checked(events) else 0
    assert counts.measured == in_training + in_cross_validation
    assert counts.written["model.safetensors"] == 1
    assert counts.written["trained.safetensors"] == int(not result.comparison.is_better)


def is_checked(events: list[Event]) -> bool:
    """Return whether there was a cross-validation."""
    return any(getattr(event, "unit", "") == "check" for event in events)


def test_what_memory_does_not_hold_is_decoded_again(
    request_of: Callable[..., FineTuneRequest], recipe: Path, counts: Counts
) -> None:
    request = request_of("fit", minutes=None, epochs=1.0)
    text = recipe.read_text(encoding="utf-8")
    assert "memory_gib = 0.1" in text
    recipe.write_text(text.replace("memory_gib = 0.1", "memory_gib = 0.0"), encoding="utf-8")
    run(fine_tune_job(request))
    assert min(counts.decoded.values()) > 1
