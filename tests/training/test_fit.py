"""The fit: weights in closed form, found again where they are known, and phases around it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.core.resampling import enlarge
from napari_colorgan.errors import ConfigError
from napari_colorgan.events import CheckpointSaved, EpochDone, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.fitting import fit_detail
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import StepData
from napari_colorgan.training.pictures.data import Batch
from napari_colorgan.training.plan import plan_epochs, plan_minutes, total_epochs
from napari_colorgan.training.processes import Processes, share_statistics
from predicting import TINY_LOOK, network_colors

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

FIT = PhaseConfig("closed_form", batch_size=8, accumulate=2, weight_decay=0.1)
SUPERVISED = PhaseConfig("supervised", epochs=1.5, batch_size=2, lr=1e-3, encoder_lr=1e-4, l1=10.0)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(decoder_channels=(8, 8), output_stride=8, detail=True)
    return build_generator(config).eval()


def patches(generator: Generator, weight: torch.Tensor) -> list[StepData]:
    """Make patches whose truth is the network's answer, refined with these weights."""
    stage = generator.detail
    assert stage is not None
    rng = torch.Generator().manual_seed(3)
    made = []
    for _ in range(4):
        lightness = torch.rand(2, 1, 96, 96, generator=rng) * 2 - 1
        none = torch.zeros(2, 3, 96, 96)
        with torch.no_grad():
            features = generator.encode(lightness, none)
            own = generator.head.colors(generator.decode(features, lightness, none))
            terms = stage.terms(features, lightness, own)
            ab = enlarge(own, (48, 48)) + torch.einsum("kn,bnhw->bkhw", weight, terms)
        fine = ab.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        made.append(StepData(0, Batch(lightness, fine), none, None))
    return made


def test_known_weights_are_found_again(generator: Generator) -> None:
    stage = generator.detail
    assert stage is not None
    truth = torch.zeros_like(stage.weight)
    knots = stage.tables[0]
    truth[0, knots.start : knots.stop] = torch.linspace(-0.3, 0.2, len(knots)) ** 2
    truth[1, knots.start : knots.stop] = -0.1
    data = patches(generator, truth)
    before = float((data[0].batch.ab - data[1].batch.ab).abs().mean())
    left = fit_detail(generator, data, 1e-3, 0, Processes())
    assert left < 0.002 < before
    # What it has learnt holds for patches that it hasn't seen.
    unseen = patches(generator, truth)[0]
    with torch.inference_mode():
        found, _ = network_colors(generator, unseen.batch.lightness, unseen.hints)
    assert (found - unseen.batch.ab[..., ::2, ::2]).abs().mean() < 0.003


def test_the_cells_around_are_fitted_with_the_rest() -> None:
    torch.manual_seed(0)
    config = GeneratorConfig(
        decoder_channels=(8, 8), output_stride=8, detail=True, detail_surroundings=True
    )
    generator = build_generator(config).eval()
    stage = generator.detail
    assert stage is not None
    assert stage.surroundings is not None
    truth = torch.zeros(2, stage.weight.shape[1] + stage.surroundings.shape[1])
    # The cell to the left, and the contrast of a square of cells.
    truth[0, stage.weight.shape[1] + 11], truth[1, stage.weight.shape[1] + 26] = 0.2, -0.1
    data = patches(generator, truth)
    left = fit_detail(generator, data, 1e-3, 0, Processes())
    assert left < 0.002
    found = torch.cat([stage.weight, stage.surroundings], dim=1)
    assert found[0, stage.weight.shape[1] + 11] == pytest.approx(0.2, abs=0.02)


def test_outliers_pull_less_than_in_least_squares(generator: Generator) -> None:
    stage = generator.detail
    assert stage is not None
    data = patches(generator, torch.zeros_like(stage.weight))
    for part in data:
        part.batch.ab[..., :16, :16] += 0.8  # a stain on a small part
    fit_detail(generator, data, 10.0, 0, Processes())
    clean = patches(generator, torch.zeros_like(stage.weight))[0]
    with torch.inference_mode():
        found, _ = network_colors(generator, clean.batch.lightness, clean.hints)
    off = (found - clean.batch.ab[..., ::2, ::2]).mean()
    assert abs(off) < 0.2 * 0.8 * (16 / 96) ** 2


def test_more_decay_moves_the_encoders_weights_less(generator: Generator) -> None:
    stage = generator.detail
    assert stage is not None
    rng = torch.Generator().manual_seed(5)
    truth = 0.02 * torch.randn(stage.weight.shape, generator=rng)
    data, sizes = patches(generator, truth), []
    for decay in (1e-3, 10.0):
        stage.weight.zero_()
        fit_detail(generator, data, decay, 0, Processes())
        sizes.append(float(stage.weight[:, : stage.learned_terms].norm()))
    assert sizes[1] < 0.5 * sizes[0]


def make_config(tiny_config: TrainingConfig, *phases: PhaseConfig) -> TrainingConfig:
    generator = dataclasses.replace(tiny_config.generator, detail=True)
    return dataclasses.replace(tiny_config, generator=generator, phases=phases, score="l1")


def test_a_run_of_fits_changes_the_detail_alone_and_helps(
    tiny_config: TrainingConfig, tiny_model_file: Path, picture_folder: Path, tmp_path: Path
) -> None:
    base = load_model_file(tiny_model_file)
    config = make_config(tiny_config, FIT, dataclasses.replace(FIT, weight_decay=10.0))
    request = TrainRequest(
        [picture_folder], tmp_path / "run", config=config, base=base, device="cpu"
    )
    epochs: list[EpochDone] = []

    def note(event: object) -> None:
        if isinstance(event, EpochDone):
            epochs.append(event)

    trained = load_model_file(run(train_model_job(request), note)).generator.state_dict()
    for name, value in base.generator.state_dict().items():
        assert torch.equal(value, trained[name]), name
    assert trained["detail.weight"].abs().max() > 0
    metrics = dict(epochs[0].metrics)
    assert [event.phase for event in epochs] == ["closed_form", "closed_form"]
    assert metrics["l1"] < metrics["base_l1"]


def test_a_run_stopped_after_a_fit_ends_as_one_that_was_not(
    tiny_config: TrainingConfig, tiny_model_file: Path, picture_folder: Path, tmp_path: Path
) -> None:
    base = load_model_file(tiny_model_file)
    config = make_config(tiny_config, FIT, SUPERVISED, FIT)

    def request(name: str, *, resume: bool = False) -> TrainRequest:
        given = None if resume else config
        return TrainRequest(
            [picture_folder], tmp_path / name, config=given, base=base, device="cpu", resume=resume
        )

    whole = load_model_file(run(train_model_job(request("whole")))).generator.state_dict()
    job = train_model_job(request("cut"))
    for event in job:
        if isinstance(event, CheckpointSaved) and event.step == 2:
            break
    job.close()
    again = load_model_file(
        run(train_model_job(request("cut", resume=True)))
    ).generator.state_dict()
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name


def test_gradients_leave_the_detail_as_it_is(generator: Generator) -> None:
    stage = generator.detail
    assert stage is not None
    stage.weight.normal_(std=0.01)
    weight, config = stage.weight.clone(), phase_config(generator, SUPERVISED)
    phase = Phase(config, 0, generator)
    head = generator.head.projection.weight.clone()
    losses = phase.step(patches(generator, torch.zeros_like(weight))[0], 1.0)
    assert losses["G L1"] > 0
    assert torch.equal(stage.weight, weight)
    assert not torch.equal(generator.head.projection.weight, head)


@pytest.mark.parametrize("where", ["nowhere", "run", "phase"])
def test_the_decoders_statistics_stay_if_asked(generator: Generator, where: str) -> None:
    freeze = where != "nowhere"
    phase = dataclasses.replace(SUPERVISED, freeze_all_statistics=where == "phase")
    config = phase_config(generator, phase, freeze_decoder_statistics=where == "run")
    names = [name for name, _ in generator.named_buffers() if "running_mean" in name]
    before = {name: generator.get_buffer(name).clone() for name in names}
    Phase(config, 0, generator).step(patches(generator, torch.zeros(2, 1))[0], 1.0)
    moved = {name for name in names if not torch.equal(generator.get_buffer(name), before[name])}
    assert any(name.startswith("decoder") for name in moved) is not freeze
    assert not any(name.startswith("encoder") for name in moved)


def test_the_looks_statistics_stay_too() -> None:
    generator = build_generator(dataclasses.replace(TINY_LOOK, detail=True)).eval()
    phase = dataclasses.replace(SUPERVISED, freeze_all_statistics=True)
    before = {name: b.clone() for name, b in generator.named_buffers() if "running" in name}
    Phase(phase_config(generator, phase), 0, generator).step(
        patches(generator, torch.zeros(2, 1))[0], 1.0
    )
    assert any(name.startswith("look_head") for name in before)
    assert all(torch.equal(generator.get_buffer(name), b) for name, b in before.items())


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_statistics_that_processes_share_stay_too(device: str) -> None:
    generator = build_generator(dataclasses.replace(TINY_LOOK, detail=True)).eval()
    data = patches(generator, torch.zeros(2, 1))[0]
    share_statistics(generator, torch.device(device))
    phase = dataclasses.replace(SUPERVISED, freeze_all_statistics=True)
    Phase(phase_config(generator, phase), 0, generator).step(data, 1.0)
    norms = [module for module in generator.modules() if hasattr(module, "running_mean")]
    assert len(norms) > 10
    assert not any(norm.training for norm in norms)


def phase_config(generator: Generator, phase: PhaseConfig, **changes: object) -> TrainingConfig:
    return TrainingConfig(
        generator=generator.config, data=DataConfig(size=96), phases=(phase,), **changes
    )


def test_a_fit_is_one_step_beside_the_others_time() -> None:
    phases = (FIT, dataclasses.replace(SUPERVISED, epochs=4.0), FIT)
    config = TrainingConfig(generator=GeneratorConfig(detail=True), phases=phases)
    assert total_epochs(phases) == 4.0
    assert [part.steps for part in plan_epochs(config, 100).phases] == [1, 200, 1]
    plan = plan_minutes(config, 1.0, [10.0, 0.5, 10.0], overhead_seconds=5.0)
    assert [part.steps for part in plan.phases] == [1, 70, 1]
    assert [part.seconds for part in plan.phases] == [None, pytest.approx(40.0), None]


def test_fits_are_no_passes_over_the_pictures() -> None:
    phases = (FIT, FIT, dataclasses.replace(SUPERVISED, batch_size=4), FIT)
    config = TrainingConfig(generator=GeneratorConfig(detail=True), phases=phases)
    assert [config.epochs_after(n, n + 1, 10) for n in (0, 1)] == [0, 0]
    assert config.epochs_after(2, 27, 10) == config.epochs_after(3, 28, 10) == 10


def test_without_detail_there_is_nothing_to_fit() -> None:
    with pytest.raises(ConfigError, match=r"with generator.detail = true"):
        TrainingConfig(phases=(FIT,))
