"""Terms for whole pictures: decibels, matched colorfulness, looks; and how pictures are drawn."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import pytest
import torch

from napari_colorgan.core import losses, metrics
from napari_colorgan.errors import ConfigError
from napari_colorgan.events import CheckpointSaved, EpochDone, Notice, run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.frozen_network import picture_weights
from napari_colorgan.training.likeness import likeness_terms, look_statistics
from napari_colorgan.training.pictures.augmentation import generator_for, make_batch
from napari_colorgan.training.pictures.data import Picture, PictureStore
from predicting import TINY_LOOK

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.training.config import TrainingConfig

PHASE = PhaseConfig(
    "supervised", l1=0.0, likeness=1.0, matched=1.0, colorfulness=1.0, colorfulness_share=0.5
)


def patches() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    lightness = torch.rand(3, 1, 32, 32, generator=rng) * 0.4 - 0.2
    ab = torch.rand(3, 2, 4, 4, generator=rng) * 0.4 - 0.2
    return lightness, ab.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)


def cells(ab: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(ab, 8)


def test_log_error_is_the_peak_signal_to_noise_ratio_in_another_unit() -> None:
    rng = torch.Generator().manual_seed(0)
    target = torch.rand(4, 3, 16, 16, generator=rng) * 0.6 + 0.2
    rgb = target + 0.1 * torch.randn(4, 3, 16, 16, generator=rng)
    decibels = metrics.psnr(rgb.clamp(0, 1), target).mean()
    assert float(losses.log_error(rgb.clamp(0, 1), target)) * -10 / math.log(10) == pytest.approx(
        float(decibels), abs=0.05
    )


def test_a_muted_picture_counts_as_much_as_a_vivid_one() -> None:
    target = torch.full((2, 3, 8, 8), 0.5)
    rgb = target.clone()
    rgb[0, 0] += 0.3
    rgb[1, 0] += 0.03
    halved = rgb.clone()
    halved[1] = (halved[1] + target[1]) / 2
    gained = losses.log_error(rgb, target) - losses.log_error(halved, target)
    assert float(gained) > 0.3  # of ln 4 / 2 = 0.69, less the floor's share


def test_matched_term_does_not_mind_how_colorful_the_whole_batch_is() -> None:
    lightness, ab = patches()
    values = [
        float(likeness_terms(factor * cells(ab), lightness, ab, PHASE)["G matched"])
        for factor in (0.6, 0.8, 1.0)
    ]
    assert values[0] == pytest.approx(values[2], abs=0.15)
    plain = [
        float(likeness_terms(factor * cells(ab), lightness, ab, PHASE)["G likeness"])
        for factor in (0.6, 0.8, 1.0)
    ]
    assert plain[0] > plain[2] + 0.5


def test_colorfulness_term_is_least_at_its_share() -> None:
    lightness, ab = patches()
    values = {
        factor: float(likeness_terms(factor * cells(ab), lightness, ab, PHASE)["G colorfulness"])
        for factor in (0.3, 0.45, 0.55, 0.65, 0.9)
    }
    # Enlarging the cells to be compared costs some colour.
    assert min(values, key=values.__getitem__) == 0.65
    assert values[0.65] < 0.02


def test_terms_of_weight_zero_are_left_out() -> None:
    lightness, ab = patches()
    assert likeness_terms(cells(ab), lightness, ab, PhaseConfig("supervised")) == {}


def test_look_statistics_are_mean_chroma_and_spread() -> None:
    ab = torch.zeros(1, 2, 16, 16)
    ab[:, 0] = 0.3
    ab[:, 1, :, 8:] = 0.4
    mean_a, mean_b, chroma, spread = look_statistics(ab, 8)[0].tolist()
    assert mean_a == pytest.approx(3.0)
    assert mean_b == pytest.approx(2.0)
    assert chroma == pytest.approx(math.log(0.4 + 0.01), abs=1e-4)
    assert spread == pytest.approx(math.log(0.2 + 0.01), abs=1e-4)


@pytest.mark.parametrize("name", ["matched", "colorfulness", "look"])
def test_hint_propagation_refuses_terms_that_say_nothing_of_it(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        PhaseConfig("hint_propagation", l1=1.0, **{name: 1.0})


def store(*folders: str) -> PictureStore:
    pictures = [
        Picture(f"{folder}/{number}.png", f"{number}", lambda: None)  # type: ignore[arg-type,return-value]
        for number, folder in enumerate(folders)
    ]
    return PictureStore(pictures, max_side=None, memory_gib=0)


def test_balance_draws_from_small_collections_more_often() -> None:
    pictures = store(*["large"] * 9, "small")
    assert picture_weights(pictures, 1.0) is None
    weights = picture_weights(pictures, 0.5)
    assert weights is not None
    assert float(weights[:9].sum() / weights[9:].sum()) == pytest.approx(3.0)
    alike = picture_weights(pictures, 0.0)
    assert alike is not None
    assert float(alike[:9].sum()) == pytest.approx(float(alike[9]))


def test_film_mutes_colours_only_where_it_is_told_to() -> None:
    rgb = torch.zeros(3, 32, 32, dtype=torch.uint8)
    rgb[0] = 200
    chroma = {}
    for least in (1.0, 0.2):
        config = DataConfig(size=32, film=1.0, film_chroma=least)
        batch = make_batch([rgb] * 8, config, [generator_for(0, i) for i in range(8)])
        chroma[least] = batch.ab.norm(dim=1).mean(dim=(1, 2))
    shares = chroma[0.2] / chroma[1.0]
    assert 0.2 <= shares.min() < 0.6 < shares.max() <= 1.0


def test_a_run_with_all_of_it_learns_and_is_resumed_from_decoded_pictures(
    picture_folder: Path, tiny_config: TrainingConfig, tmp_path: Path
) -> None:
    config = dataclasses.replace(
        tiny_config,
        generator=dataclasses.replace(TINY_LOOK, encoder="test_efficientnet"),
        data=dataclasses.replace(tiny_config.data, keep_decoded=True, balance=0.5),
        phases=(dataclasses.replace(PHASE, epochs=2, batch_size=2, look=0.1, lr=1e-3),),
        precision="auto",
    )
    job = train_model_job(TrainRequest([picture_folder], tmp_path / "run", config=config))
    for event in job:
        if isinstance(event, CheckpointSaved):
            break
    job.close()
    assert (tmp_path / "run" / "decoded" / "pixels.bin").stat().st_size > 0
    events: list[object] = []
    resumed = TrainRequest([picture_folder], tmp_path / "run", resume=True)
    model = run(train_model_job(resumed), events.append)
    assert model.exists()
    names = {name for e in events if isinstance(e, EpochDone) for name, _ in e.losses}
    assert {"G likeness", "G matched", "G colorfulness", "G look"} <= names
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("taken from the earlier run" in text for text in notices)
    assert not (tmp_path / "run" / "decoded").exists()
