"""What our network costs beside those of other colorization systems."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from inputs import plane
from measure import seconds
from napari_colorgan.core.execution import NetworkRunner
from rivals import DDColorTiny, DeOldify, Zhang2016, Zhang2017, cost_of
from unets import Pix2PixUNet256, ResNet18UNet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from conftest import Record
    from inputs import Subject
    from napari_colorgan.core.networks.generator import Generator

SIDE = 256
THREADS = 2
RUN = {"pix2pix's unet_256": (Pix2PixUNet256, 1), "a U-Net over ResNet18": (ResNet18UNet, 3)}


@dataclass(frozen=True)
class Rival:
    """A network to be counted.

    Attributes
    ----------
    name : str
        As the table calls it.
    build : callable
        Makes it.
    channels : int
        Channels of its input.
    published : str
        Its parameters as others state them, and where; empty where nobody does.
    """

    name: str
    build: Callable[[], nn.Module]
    channels: int
    published: str = ""


RIVALS = (
    Rival("pix2pix's `unet_256`", Pix2PixUNet256, 1, "54.41 M (its code, with 3 channels)"),
    Rival("U-Net over ResNet18", ResNet18UNet, 3, "14.33 M (segmentation_models.pytorch, 1 class)"),
    Rival("Zhang 2016, `eccv16`", Zhang2016, 1),
    Rival("Zhang 2017, `siggraph17`", Zhang2017, 4),
    Rival("DeOldify, artistic (ResNet34)", DeOldify, 3, "63.6 M (DDColor's paper)"),
    Rival("DDColor-tiny", DDColorTiny, 3, "55.0 M (its paper)"),
)


class Ours(nn.Module):
    """Our network with what reads its colours, as one call."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, lightness: Tensor, hints: Tensor) -> Tensor:
        """Return a*b* on the network's cells."""
        return self.generator.head.colors(self.generator(lightness, hints))


def counted(subject: Subject) -> list[dict[str, Any]]:
    """Return the table's rows: every network's name, multiply–adds and parameters."""
    costs = [(f"**ours** ({subject.name})", cost_of(Ours(subject.generator), (1, 3)), "")]
    for rival in RIVALS:
        with torch.device("meta"):
            network = rival.build()
        costs.append((rival.name, cost_of(network, (rival.channels,)), rival.published))
    return [
        {
            "name": name,
            "multiply_adds": cost.multiply_adds,
            "parameters": cost.parameters,
            "published": published,
        }
        for name, cost, published in costs
    ]


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Let PyTorch use two cores, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def plain(network: nn.Module, image: Tensor, dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return what runs a network in a precision, without gradients, channels last."""
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    fed = image.contiguous(memory_format=torch.channels_last)
    lower = dtype != torch.float32

    def run() -> Tensor:
        with (
            torch.inference_mode(),
            torch.autocast("cpu", dtype=dtype if lower else None, enabled=lower),
        ):
            answer: Tensor = network(fed)
        return answer.float()

    return run


@pytest.mark.usefixtures("two_threads")
def test_networks(benchmark: Any, subject: Subject, record: Record, small: bool) -> None:
    """One picture of 256 × 256 through each network; all of them counted."""
    lightness = torch.from_numpy(plane(SIDE).astype("float32"))[None, None] / 655.35
    runner = NetworkRunner(subject.generator, torch.device("cpu"), "auto")
    runner.prepare()
    chosen = runner.dtype or torch.float32
    exact = NetworkRunner(subject.generator, torch.device("cpu"), "float32")
    calls: dict[tuple[str, torch.dtype], Callable[[], object]] = {
        ("ours", torch.float32): lambda: exact(lightness)
    }
    for name, (build, channels) in RUN.items():
        torch.manual_seed(0)
        network = build()
        gray = (lightness / 50 - 1).repeat(1, channels, 1, 1)
        for dtype in dict.fromkeys((chosen, torch.float32)):
            calls[name, dtype] = plain(network, gray, dtype)
    for call in (lambda: runner(lightness), *calls.values()):
        call()
    laps: dict[tuple[str, torch.dtype], list[float]] = {key: [] for key in calls}

    def others() -> None:
        for key, call in calls.items():
            laps[key].append(seconds(call))

    # Lap by lap in turns, so that whatever else the machine does slows all of them.
    benchmark.pedantic(lambda: runner(lightness), setup=others, rounds=2 if small else 30)
    times = {key: median(each) for key, each in laps.items()}
    times["ours", chosen] = benchmark.stats.stats.median
    benchmark.extra_info["networks"] = counted(subject)
    for dtype in dict.fromkeys((chosen, torch.float32)):
        precision = str(dtype).removeprefix("torch.")
        ours = times["ours", dtype]
        what = f"The network, {SIDE} × {SIDE}, {THREADS} threads ({precision})"
        record(what, ours, "s", at_most=0.06 if dtype == chosen else None)
        for name in RUN:
            record(f"– {name}", times[name, dtype], "s")
            record("– its time over ours", times[name, dtype] / ours, "×")
