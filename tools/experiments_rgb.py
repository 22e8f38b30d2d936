"""RGB instead of a*b*: one network trained twice, to predict all of a picture or only its colour.

The comparison of colour spaces in the paper's survey. Both networks have the cells of one pixel
that a prediction of lightness needs, the same batches, steps and loss (L1 in sRGB); the rows
`rgb` and `rgb-ab` differ in nothing but the head. An experiment only: the product keeps each
pixel's own L*.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from documents import made_once
from experiments_rows import ROWS, SIZE, changed
from experiments_runs import VALIDATION_PARTS, decoded
from napari_colorgan.core.color import from_network, lab_to_rgb, rgb_to_lab
from napari_colorgan.core.metrics import colorfulness, delta_e_2000, l1_percent, psnr, to_8_bit
from napari_colorgan.core.networks.heads import RegressionHead
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.encoders import build_pretrained
from napari_colorgan.training.pictures.augmentation import centre_crop
from napari_colorgan.training.pictures.batch_source import BatchSource
from napari_colorgan.training.pictures.data import PictureStore, find_pictures, to_lab_planes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from experiments_runs import Options

SPACES = {
    "rgb": "RGB, predicted whole, lightness too",
    "rgb-ab": "the same network, predicting a\\*b\\* under the input's L\\*",
}
_ENCODER_RATE, _RATE = 1e-4, 5e-4
_TEST_BATCH = 16


class ColorNetwork(nn.Module):
    """A U-Net of the paper's final kind that returns sRGB, through a head of two or of three.

    Parameters
    ----------
    space : str
        A key of `SPACES`.
    config : TrainingConfig
        Its generator has a regression head and an output stride of 1.
    """

    def __init__(self, space: str, config: TrainingConfig) -> None:
        super().__init__()
        self.generator = build_pretrained(config)
        self.generator.to(memory_format=torch.channels_last)
        self.is_rgb = space == "rgb"
        if self.is_rgb:
            head = self.generator.head
            assert isinstance(head, RegressionHead)
            head.projection = nn.Conv2d(head.projection.in_channels, 3, 1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return sRGB in 0..1, or a little outside it, (B, 3, H, W), of L*/50 - 1, (B, 1, H, W)."""
        hints = lightness.new_zeros(len(lightness), 3, *lightness.shape[2:])
        raw = self.generator(lightness, hints)
        if self.is_rgb:
            return torch.sigmoid(raw)
        return lab_to_rgb(from_network(lightness, torch.tanh(raw)))


def rgb_of(space: str, seed: int, options: Options) -> dict[str, Any]:
    """Return a network's metrics, training and measuring it where that isn't done.

    Parameters
    ----------
    space : str
        A key of `SPACES`.
    seed : int
        Of batches and initial weights.
    options : Options
        The command line's.

    Returns
    -------
    dict
        "metrics" and "gray", means over the held-out pictures, and "steps".
    """

    def make() -> dict[str, Any]:
        steps = steps_of(options)
        network = _train(space, seed, steps, options)
        pictures = _held_out(options)
        found = {"metrics": _mean_metrics(network, pictures), "gray": _mean_metrics(None, pictures)}
        print(f"{space} {seed}: {found['metrics']}", flush=True)
        return {**found, "steps": steps}

    result: dict[str, Any] = made_once(options.folder(space, seed) / "result.json", make)
    return result


def steps_of(options: Options) -> int:
    """Return how many steps both networks get: what the slower one's minutes buy."""

    def measure() -> int:
        seconds = []
        for space in SPACES:
            network, steps = _network(space, _config(0)), 6
            batches = _batches(network, _config(0), steps, options)
            next(batches)
            start = time.perf_counter()
            for _ in batches:
                pass
            seconds.append((time.perf_counter() - start) / (steps - 1))
        return max(1, int(60.0 * options.minutes / max(seconds)))

    return int(made_once(options.output / "rgb-steps.json", measure))


def _config(seed: int) -> TrainingConfig:
    final = next(row for row in ROWS if row.name == "l1").changes
    generator = {**final["generator"], "decoder_channels": [128, 96, 64, 48, 32]}
    return TrainingConfig.from_dict(
        changed(final, generator={**generator, "output_stride": 1}, seed=seed)
    )


def _network(space: str, config: TrainingConfig) -> ColorNetwork:
    torch.manual_seed(config.seed)
    return ColorNetwork(space, config)


def _train(space: str, seed: int, steps: int, options: Options) -> ColorNetwork:
    config = _config(seed)
    network = _network(space, config)
    for step in _batches(network, config, steps, options):
        if step % 100 == 0:
            print(f"{space} {seed}: step {step} of {steps}", flush=True)
    return network.eval()


def _batches(
    network: ColorNetwork, config: TrainingConfig, steps: int, options: Options
) -> Iterator[int]:
    """Train a network; yield the number of each step after it."""
    encoder = list(network.generator.encoder.parameters())  # type: ignore[arg-type, operator, union-attr]
    own = {id(parameter) for parameter in encoder}
    others = [parameter for parameter in network.parameters() if id(parameter) not in own]
    groups = [{"params": encoder, "lr": _ENCODER_RATE}, {"params": others, "lr": _RATE}]
    optimizer = torch.optim.Adam(groups)
    source = BatchSource(config, 0, decoded(options.data / "natural" / "train"))
    # The encoder's statistics stay, as in all rows that start from ImageNet's weights.
    network.train()
    network.generator.encoder.eval()  # type: ignore[operator, union-attr]
    for step in range(steps):
        batch = source.load(step).batch
        truth = lab_to_rgb(from_network(batch.lightness, batch.ab))
        predicted = network(batch.lightness.contiguous(memory_format=torch.channels_last))
        loss = nn.functional.l1_loss(predicted, truth)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        yield step + 1


def _held_out(options: Options) -> Tensor:
    """Return held-out pictures' middle squares, uint8, shape (N, 3, SIZE, SIZE)."""
    folders = [options.data / "natural" / "val" / part for part in VALIDATION_PARTS]
    pictures = find_pictures(folders)
    if options.limit is not None:
        pictures = pictures[:: -(-len(pictures) // options.limit)]
    store = PictureStore(pictures, max_side=SIZE, memory_gib=0.0)
    return torch.stack([centre_crop(store.read(i), SIZE) for i in range(len(store))])


@torch.no_grad()
def _mean_metrics(network: ColorNetwork | None, pictures: Tensor) -> dict[str, float]:
    """Return means over pictures; without a network, of the gray image."""
    parts = []
    for rgb in pictures.split(_TEST_BATCH):
        lightness, ab = to_lab_planes(rgb)
        if network is None:
            predicted = lab_to_rgb(from_network(lightness, torch.zeros_like(ab)))
        else:
            predicted = network(lightness)
        parts.append(_metrics(to_8_bit(predicted) / 255.0, rgb / 255.0))
    values = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return {name: float(each.mean()) for name, each in values.items()}


def _metrics(predicted: Tensor, truth: Tensor) -> dict[str, Tensor]:
    lab, true_lab = rgb_to_lab(predicted), rgb_to_lab(truth)
    return {
        "l1": l1_percent(lab[:, 1:], true_lab[:, 1:]),
        "psnr": psnr(predicted, truth),
        "delta_e": delta_e_2000(lab, true_lab).flatten(1).mean(dim=1),
        "colorfulness_share": colorfulness(predicted) / colorfulness(truth).clamp_min(1.0),
        "lightness_drift": (lab[:, :1] - true_lab[:, :1]).abs().mean(dim=(1, 2, 3)),
    }
