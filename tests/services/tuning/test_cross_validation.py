"""Few held-out planes are believed only if the training planes teach each other something."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_colorgan.events import Event, PlaneDone, Started, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.fine_tune import fine_tune_job
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning.comparison import Change, Comparison
from napari_colorgan.services.tuning.cross_validation import cross_validate_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import PhaseConfig
from napari_colorgan.training.pictures.data import PictureStore, find_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

FIT = PhaseConfig("closed_form", batch_size=8, accumulate=2, weight_decay=10.0, l1=10.0)


@pytest.fixture
def base(tiny_model_file: Path) -> Generator:
    return load_model_file(tiny_model_file).generator


@pytest.fixture
def config(recipe: Path, base: Generator) -> TrainingConfig:
    generator = dataclasses.replace(base.config, detail=True)
    return dataclasses.replace(TrainingConfig.load(recipe), phases=(FIT,), generator=generator)


def store(stacks: list[np.ndarray]) -> PictureStore:
    return PictureStore(find_pictures(stacks), max_side=None, memory_gib=0.1)


def tinted(lightness: np.ndarray, tints: list[tuple[float, float, float]]) -> np.ndarray:
    planes = [lightness[..., None] * np.array(tint) for tint in tints]
    return np.rint(np.stack(planes)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def lightness() -> np.ndarray:
    rng = np.random.default_rng(2)
    found: np.ndarray = np.kron(rng.uniform(60, 200, (12, 16)), np.ones((8, 8)))
    return found


def test_planes_of_one_stain_agree(
    stained: np.ndarray, config: TrainingConfig, base: Generator
) -> None:
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    events: list[Event] = []
    assert run(cross_validate_job(config, base, store([stained])), events.append)
    assert events[0] == Started(5, "check")
    assert [e.done for e in events if isinstance(e, PlaneDone)][-1] == 5
    assert all(torch.equal(before[name], t) for name, t in base.state_dict().items())


def test_planes_of_opposite_tints_do_not(
    lightness: np.ndarray, config: TrainingConfig, base: Generator
) -> None:
    # What any three teach is the opposite of what the fourth shows, and gray is between them.
    stack = tinted(lightness, [(1.2, 1, 0.8), (0.8, 1, 1.2), (1.2, 0.9, 1.2), (0.8, 1.1, 0.8)])
    assert not run(cross_validate_job(config, base, store([stack])))


def test_without_a_fit_or_with_one_plane_it_is_not_told(
    lightness: np.ndarray, stained: np.ndarray, config: TrainingConfig, base: Generator
) -> None:
    stack = tinted(lightness, [(1.2, 1, 0.8), (0.8, 1, 1.2)])
    supervised = dataclasses.replace(
        config, phases=(PhaseConfig("supervised", batch_size=2, l1=10.0),)
    )
    events: list[Event] = []
    assert run(cross_validate_job(supervised, base, store([stack])), events.append)
    assert run(cross_validate_job(config, base, store([stained[:1]])), events.append)
    assert events == []


def test_a_run_whose_planes_disagree_keeps_its_base(
    lightness: np.ndarray,
    config: TrainingConfig,
    recipe: Path,
    tmp_path: Path,
    tiny_model_file: Path,
) -> None:
    # The plane that is held out looks like two others: alone, it would say that all went well.
    tints = [(1.3, 1, 0.7), (1.3, 1, 0.7), (1.3, 1, 0.7), (0.7, 1, 1.3), (0.7, 1.2, 0.7)]
    recipe.write_text(config.to_toml(), encoding="utf-8")
    request = FineTuneRequest(
        [tinted(lightness, tints)],
        tmp_path / "run",
        base=tiny_model_file,
        recipe=recipe,
        minutes=None,
        epochs=1.0,
    )
    result = run(fine_tune_job(request))
    [l1, *_] = result.comparison.changes
    assert l1.tuned < 0.9 * l1.base
    assert not result.comparison.agrees
    assert not result.comparison.is_better
    assert (request.output / "trained.safetensors").exists()


@pytest.mark.parametrize(
    ("tuned", "pictures", "agrees", "is_better", "rejection_reason"),
    [
        (5.0, 2, True, True, ""),
        (5.0, 2, False, False, "cross-validation"),
        (5.0, 20, False, True, ""),
        (5.9, 2, True, False, "chance"),
        (5.9, 20, True, True, ""),
        (6.5, 2, True, False, ""),
        (6.5, 20, True, False, ""),
    ],
)
def test_verdict_of_few_pictures_asks_for_more(
    tuned: float, pictures: int, agrees: bool, is_better: bool, rejection_reason: str
) -> None:
    found = Comparison((Change("l1", 6.0, tuned, None, None),), pictures, agrees)
    assert found.is_better is is_better
    assert rejection_reason in found.rejection_reason
    assert bool(found.rejection_reason) is bool(rejection_reason)
    assert Comparison.from_dict(found.to_dict()) == found
