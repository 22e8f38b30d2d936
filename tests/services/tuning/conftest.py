"""A fine-tuning so small that it takes seconds: blocks of colour and a recipe of a few steps."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.events import run
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.runs import TuningRun
from napari_colorgan.services.tuning.folders import new_run_folder
from napari_colorgan.services.tuning.preparing import ArraySource, prepare_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Return a recipe file: 20 steps of batch 2 an epoch of 40 planes, at a bold rate."""
    config = TrainingConfig(
        data=DataConfig(size=64, near_gray=2.0, memory_gib=0.1),
        phases=(PhaseConfig("supervised", epochs=8, batch_size=2, lr=3e-2, l1=10.0),),
        rebalance=0.0,
        score="l1",
        validations=2,
        checkpoint_minutes=1e-6,
    )
    path = tmp_path / "recipe.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    return path


@pytest.fixture
def small_steps(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `fine_tune`, which takes no recipe, use the small one."""
    module = import_module("napari_colorgan.services.fine_tune")
    monkeypatch.setattr(module, "FineTuneRequest", partial(FineTuneRequest, recipe=recipe))


@pytest.fixture
def prepare(
    stained: np.ndarray, recipe: Path, tiny_model_file: Path
) -> Iterator[Callable[..., TuningRun]]:
    """Return a function that makes a run of so many epochs, ready to be started."""
    made: list[TuningRun] = []

    def prepare(epochs: float) -> TuningRun:
        request = FineTuneRequest(
            [],
            new_run_folder("ナ stain"),
            base=tiny_model_file,
            recipe=recipe,
            minutes=None,
            epochs=epochs,
        )
        source = ArraySource("my layer", stained, Axes("ZYXS"))
        made.append(TuningRun(run(prepare_job(request, [source]))))
        return made[-1]

    yield prepare
    for each in made:
        each.cancel()
