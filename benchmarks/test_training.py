"""Training: our step against the bare networks and a plain loop, and whether data ever wait."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from measure import PeakMemory, seconds
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.discriminator import PatchGANDiscriminator
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.phase import Phase
from napari_colorgan.training.pictures.batch_source import BatchSource, StepData
from napari_colorgan.training.pictures.data import Batch, PictureStore, find_pictures
from napari_colorgan.training.pictures.prefetch import prefetch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from conftest import Record

SIDE = 128
PRECISIONS = "float32", "bfloat16"


class PlainLoop:
    """A step as pix2pix's own code takes it: two Adams, D first, everything in plain order."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        self.generator, self.discriminator = generator.train(), discriminator.train()
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for network in (generator, discriminator)
        ]
        self.gan = torch.nn.BCEWithLogitsLoss()

    def losses(self, data: StepData, optimizers: bool) -> None:
        """Take a step; without the optimizers it is the bare forward and backward passes."""
        lightness, truth = data.batch.lightness, data.batch.ab
        raw = self.generator(lightness, data.hints)
        answer = self.generator.head.colors(raw)
        self._judge(lightness, answer.detach(), truth, optimizers)
        self.discriminator.requires_grad_(False)
        if optimizers:
            self.optimizers[0].zero_grad()
        logits = self.discriminator(lightness, answer)
        loss = self.gan(logits, torch.ones_like(logits)) + 100.0 * (answer - truth).abs().mean()
        loss.backward()
        if optimizers:
            self.optimizers[0].step()

    def _judge(self, lightness: Tensor, fake: Tensor, real: Tensor, optimizers: bool) -> None:
        self.discriminator.requires_grad_(True)
        if optimizers:
            self.optimizers[1].zero_grad()
        on_fake = self.discriminator(lightness, fake)
        on_real = self.discriminator(lightness, real)
        loss = self.gan(on_fake, torch.zeros_like(on_fake))
        loss = 0.5 * (loss + self.gan(on_real, torch.ones_like(on_real)))
        loss.backward()
        if optimizers:
            self.optimizers[1].step()


def paper_config(batch: int) -> TrainingConfig:
    """Return the paper's baseline at 128 px."""
    config = TrainingConfig.load("paper-baseline")
    phase = replace(config.phases[0], batch_size=batch)
    return replace(config, data=replace(config.data, size=SIDE), phases=(phase,))


def networks(config: TrainingConfig) -> tuple[Any, Any]:
    """Return a generator and a discriminator, always the same ones."""
    torch.manual_seed(0)
    return build_generator(config.generator), PatchGANDiscriminator(config.discriminator)


def test_step(benchmark: Any, record: Record, small: bool) -> None:
    """The paper's baseline, adversarial: images a second, and memory."""
    batch = 2 if small else 16
    config = paper_config(batch)
    ours = [n.to(memory_format=torch.channels_last) for n in networks(config)]
    phase = Phase(config, 0, *ours)
    bare, plain = (PlainLoop(*n) for n in (ours, networks(config)))
    rng = torch.Generator().manual_seed(0)
    lightness = torch.rand(batch, 1, SIDE, SIDE, generator=rng) * 2 - 1
    ab = torch.rand(batch, 2, SIDE, SIDE, generator=rng) - 0.5
    data = StepData(0, Batch(lightness, ab), torch.zeros(batch, 3, SIDE, SIDE), None)
    with PeakMemory() as memory:
        phase.step(data, 1.0)
    laps: dict[str, list[float]] = {"bare": [], "plain": []}

    def others() -> None:
        laps["bare"].append(seconds(lambda: bare.losses(data, optimizers=False)))
        laps["plain"].append(seconds(lambda: plain.losses(data, optimizers=True)))

    others()
    laps = {name: [] for name in laps}
    benchmark.pedantic(
        # Lap by lap in turns, so that whatever else the machine does slows all three.
        lambda: phase.step(data, 1.0),
        setup=others,
        rounds=1 if small else 10,
    )
    rates = {name: batch / median(times) for name, times in laps.items()}
    rate = batch / benchmark.stats.stats.median
    record(f"Training step of paper-baseline, {SIDE} px, batch {batch}", rate, "images/s")
    record("– forward and backward alone", rates["bare"], "images/s")
    record("– share of that rate", rate / rates["bare"], "×", at_least=0.95)
    record("– a plain loop as in pix2pix's code", rates["plain"], "images/s")
    record("– ours against it", rate / rates["plain"], "×", at_least=1.0)
    record("– memory at its peak", memory.gained / 2**20, "MiB")


def test_data(benchmark: Any, record: Record, small: bool, tmp_path: Path) -> None:
    """Supervised training from picture files: steps a second, as a share of those on memory.

    In a process that is set up as the command ``train`` sets its own up, see benchmarks/run.py.
    """
    config = TrainingConfig.load("natural")
    size, batch, steps = (64, 2, 2) if small else (SIDE, 16, 8)
    phase = replace(config.phases[1], batch_size=batch)
    config = replace(config, data=replace(config.data, size=size), phases=(phase,))
    store = PictureStore(
        find_pictures([make_pictures(tmp_path, 4 if small else 48)]),
        max_side=round(size * config.data.zoom[1]),
        memory_gib=config.data.memory_gib,
    )
    torch.manual_seed(0)
    network = build_generator(config.generator).to(memory_format=torch.channels_last)
    trained, feed = Phase(config, 0, network), BatchSource(config, 0, store)
    memory = [feed.load(step) for step in range(steps)]
    trained.step(memory[0], 1.0)
    laps: list[float] = []

    def from_memory() -> None:
        for data in memory:
            trained.step(data, 1.0)

    def from_files() -> None:
        for data in prefetch(feed.load, range(steps)):
            trained.step(data, 1.0)

    benchmark.pedantic(
        from_files, setup=lambda: laps.append(seconds(from_memory)), rounds=1 if small else 5
    )
    whole = benchmark.stats.stats.median
    record(f"Training natural from files, {size} px, batch {batch}", steps / whole, "steps/s")
    record("– from batches in memory", steps / median(laps), "steps/s")
    record("– share of that rate", median(laps) / whole, "×", at_least=0.95)


def test_precision(benchmark: Any, record: Record, small: bool) -> None:
    """What bfloat16 gains in the last supervised phase of natural, trained from stride 8 on."""
    config = TrainingConfig.load("natural")
    size, batch, rounds = (64, 2, 1) if small else (160, 24, 8)
    phase = replace(config.phases[2], batch_size=batch)
    config = replace(config, data=replace(config.data, size=size), phases=(phase,))
    torch.manual_seed(0)
    # The same network by turns, so that whatever else the machine does slows both.
    network = build_generator(config.generator).to(memory_format=torch.channels_last)
    exact, mixed = (Phase(replace(config, precision=p), 0, network) for p in PRECISIONS)
    rng = torch.Generator().manual_seed(0)
    lightness = torch.rand(batch, 1, size, size, generator=rng) * 2 - 1
    ab = torch.rand(batch, 2, size, size, generator=rng) - 0.5
    data = StepData(0, Batch(lightness, ab), torch.zeros(batch, 3, size, size), None)
    for each in (exact, mixed):
        each.step(data, 1.0)
    laps: list[float] = []
    benchmark.pedantic(
        lambda: mixed.step(data, 1.0),
        setup=lambda: laps.append(seconds(lambda: exact.step(data, 1.0))),
        rounds=rounds,
    )
    rate = batch / benchmark.stats.stats.median
    record(f"Training step of natural, {size} px, batch {batch}, bfloat16", rate, "images/s")
    record("– in float32", batch / median(laps), "images/s")
    record("– bfloat16 over float32", rate * median(laps) / batch, "×")


def make_pictures(folder: Path, count: int) -> Path:
    """Write JPEG pictures of 500 × 375 pixels."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = rng.integers(0, 256, (15, 20, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:03}.jpg", quality=90)
    return folder
