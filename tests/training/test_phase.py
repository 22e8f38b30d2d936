"""A step: its parts, its precision, its gradients."""

from __future__ import annotations

import copy
import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.discriminator import DiscriminatorConfig, PatchGANDiscriminator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ConfigError
from napari_colorgan.events import run
from napari_colorgan.services.train import TrainRequest, train_model_job
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import StepData
from napari_colorgan.training.pictures.data import Batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

BATCH, SIZE = 4, 64


def make_config(kind: str = "supervised", **changes: Any) -> TrainingConfig:
    phase = PhaseConfig(
        kind, batch_size=BATCH, lr=1e-3, l1=10.0, adversarial=float(kind == "adversarial")
    )
    config = TrainingConfig(
        generator=GeneratorConfig(
            decoder_channels=(8, 8),
            output_stride=8,
            spread_channels=4 * (kind == "hint_propagation"),
        ),
        discriminator=DiscriminatorConfig(filters=4, downs=1),
        data=DataConfig(size=SIZE),
        phases=(phase,),
    )
    for name, value in changes.items():
        where = {f.name for f in dataclasses.fields(config)}
        if name in where:
            config = dataclasses.replace(config, **{name: value})
        else:
            phases = (dataclasses.replace(config.phases[0], **{name: value}),)
            config = dataclasses.replace(config, phases=phases)
    return config


@pytest.fixture
def data() -> StepData:
    rng = torch.Generator().manual_seed(0)
    lightness = torch.rand(BATCH, 1, SIZE, SIZE, generator=rng) * 2 - 1
    coarse = torch.rand(BATCH, 2, SIZE // 16, SIZE // 16, generator=rng) - 0.5
    ab = coarse.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)
    return StepData(0, Batch(lightness, ab), torch.zeros(BATCH, 3, SIZE, SIZE), None)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    return build_generator(make_config().generator)


@pytest.fixture
def discriminator() -> PatchGANDiscriminator:
    torch.manual_seed(0)
    return PatchGANDiscriminator(make_config().discriminator)


def without_norms(module: nn.Module) -> nn.Module:
    """Take out what looks at a batch as a whole."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, getattr(child, "act", nn.Identity()))
        else:
            without_norms(child)
    return module


def gradients(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


class NoFloat64(TorchDispatchMode):
    """What a device without float64 does: it refuses to make such numbers."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = func(*args, **(kwargs or {}))
        made = answer if isinstance(answer, tuple | list) else (answer,)
        assert all(getattr(each, "dtype", None) != torch.float64 for each in made), func
        return answer


@pytest.mark.parametrize("kind", ["supervised", "discriminator", "adversarial", "hint_propagation"])
def test_devices_without_float64_can_take_a_step(
    kind: str, discriminator: PatchGANDiscriminator, data: StepData
) -> None:
    config = make_config(kind)
    generator = build_generator(config.generator)
    hints = torch.cat([data.batch.ab, torch.ones(BATCH, 1, SIZE, SIZE)], dim=1)
    hints[..., 8:] = 0.0
    phase = Phase(config, 0, generator, discriminator)
    with NoFloat64():
        assert phase.step(dataclasses.replace(data, hints=hints), 1.0)


def test_accumulation_is_the_same_step_in_less_memory(generator: Generator, data: StepData) -> None:
    without_norms(generator)
    weights = torch.rand(len(generator.head.bins), generator=torch.Generator().manual_seed(3))
    # Colours that count differently: the parts' losses are then no plain means.
    found = []
    for accumulate in (1, 2):
        copied = copy.deepcopy(generator)
        config = make_config(classification=1.0, accumulate=accumulate)
        losses = Phase(config, 0, copied, bin_weights=weights**4).step(data, 1.0)
        found.append((losses, gradients(copied)))
    (once, whole), (twice, summed) = found
    assert twice == pytest.approx(once, rel=1e-5)
    torch.testing.assert_close(summed, whole, rtol=1e-3, atol=1e-5)


class Recorder:
    """A gradient scaler that tells what is asked of it."""

    def __init__(self, optimizers: dict[str, torch.optim.Optimizer]) -> None:
        self.names = {id(o): name.split("_")[0] for name, o in optimizers.items()}
        self.calls: list[str] = []

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        self.calls.append("scale")
        return loss

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        self.calls.append(f"unscale {self.names[id(optimizer)]}")

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        self.calls.append(f"step {self.names[id(optimizer)]}")

    def update(self) -> None:
        self.calls.append("update")


def test_scaler_steps_each_optimizer_and_is_updated_once(
    generator: Generator, discriminator: PatchGANDiscriminator, data: StepData
) -> None:
    phase = Phase(make_config("adversarial", grad_clip=1.0), 0, generator, discriminator)
    recorder = Recorder(phase.optimizers)
    phase.scaler = recorder
    phase.step(data, 1.0)
    first = ["scale", "step discriminator", "scale"]
    assert recorder.calls == [*first, "unscale generator", "step generator", "update"]


def test_scaled_losses_take_the_same_clipped_step(generator: Generator, data: StepData) -> None:
    states = []
    for scale in (0.0, 1024.0):
        copied = copy.deepcopy(generator)
        phase = Phase(make_config(grad_clip=0.1), 0, copied)
        if scale:
            phase.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        phase.step(data, 1.0)
        states.append(gradients(copied))
    torch.testing.assert_close(*states, rtol=1e-4, atol=1e-7)
    norm = torch.stack([g.norm() for g in states[0].values()]).norm()
    assert norm.item() == pytest.approx(0.1, rel=1e-3)


def test_loss_scale_is_part_of_a_runs_state(generator: Generator) -> None:
    phase = Phase(make_config(precision="float16"), 0, generator)
    assert phase.loss_scale == 65536.0
    phase.loss_scale = 512.0
    assert phase.loss_scale == 512.0
    assert Phase(make_config(), 0, generator).loss_scale == 1.0


def test_half_precision_is_refused_without_cuda(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    config = dataclasses.replace(tiny_config, precision="float16")
    request = TrainRequest([picture_folder], tmp_path / "run", config=config, device="cpu")
    with pytest.raises(ConfigError, match="CUDA"):
        run(train_model_job(request))


def test_bfloat16_loses_about_the_same(generator: Generator, data: StepData) -> None:
    seen = []
    generator.head.register_forward_hook(lambda _m, _i, raw: seen.append(raw.dtype))
    config = make_config(classification=1.0)
    exact = Phase(config, 0, copy.deepcopy(generator)).step(data, 1.0)
    rough = dataclasses.replace(config, precision="bfloat16")
    found = Phase(rough, 0, generator).step(data, 1.0)
    assert seen == [torch.float32, torch.bfloat16]
    assert found == pytest.approx(exact, rel=0.02)
    assert all(p.dtype == torch.float32 for p in generator.parameters())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_compiled_networks_take_the_same_step(
    generator: Generator,
    discriminator: PatchGANDiscriminator,
    data: StepData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses, graphs = [], []
    keys = list(generator.state_dict())

    def backend(graph: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    # All of compiling but the machine code, which takes a minute.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    for compiled in (False, True):
        networks = copy.deepcopy(generator), copy.deepcopy(discriminator)
        phase = Phase(make_config("adversarial", compile=compiled), 0, *networks)
        losses.append(phase.step(data, 1.0))
        assert bool(graphs) is compiled
        assert list(networks[0].state_dict()) == keys
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_threads_are_as_many_as_before(
    tiny_config: TrainingConfig, picture_folder: Path, tmp_path: Path
) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        config = dataclasses.replace(tiny_config, phases=tiny_config.phases[1:2])
        run(train_model_job(TrainRequest([picture_folder], tmp_path / "run", config=config)))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
