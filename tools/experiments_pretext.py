"""Colorization as a pretext task: classifiers trained on an encoder's features measure it.

After the paper's Table 5.1. Caltech-101's classes from a few pictures each, in gray, at the size
at which the other rows train. A linear probe reads the frozen encoder's features; the fine-tuned
classifier goes on as in the paper: the encoder frozen first, then everything.
"""

from __future__ import annotations

import csv
import functools
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from experiments_rows import ROWS, SIZE
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.io import write_atomically
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.encoders import build_pretrained
from napari_colorgan.training.pictures.augmentation import centre_crop
from napari_colorgan.training.pictures.data import PictureStore, find_pictures, to_lab_planes

if TYPE_CHECKING:
    from torch import Tensor

    from experiments_runs import Options
    from napari_colorgan.core.networks.generator import Generator

ENCODERS = {
    "random": "weights drawn at random",
    "colorization": "from row `scratch`, trained without labels",
    "imagenet": "trained on ImageNet's labels: the ceiling",
}
PER_CLASS, TESTED_PER_CLASS = 10, 20
HEAD_EPOCHS, EPOCHS, BATCH = 30, 12, 16
CLUTTER = "BACKGROUND_Google"


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures and their classes.

    Attributes
    ----------
    lightness : Tensor, shape (N, 1, SIZE, SIZE)
        L*/50 - 1.
    labels : Tensor of int64, shape (N,)
        Each picture's class.
    """

    lightness: Tensor
    labels: Tensor

    def batch(self, indices: Tensor) -> Labelled:
        """Return some of them."""
        return Labelled(self.lightness[indices], self.labels[indices])


class Classifier(nn.Module):
    """A linear layer on the means of an encoder's features, all levels side by side."""

    def __init__(self, generator: Generator, classes: int, example: Tensor) -> None:
        super().__init__()
        self.generator = generator
        width = self.features(example).shape[1]
        self.norm, self.linear = nn.BatchNorm1d(width), nn.Linear(width, classes)

    def features(self, lightness: Tensor) -> Tensor:
        """Return the features' means, shape (B, channels of all levels)."""
        no_hints = lightness.new_zeros(len(lightness), 3, *lightness.shape[2:])
        levels = self.generator.encode(lightness, no_hints)
        return torch.cat([level.mean(dim=(2, 3)) for level in levels], dim=1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return a score for each class."""
        return self.head(self.features(lightness))

    def head(self, features: Tensor) -> Tensor:
        """Return a score for each class."""
        scores: Tensor = self.linear(self.norm(features))
        return scores


def pretext_of(encoder: str, seed: int, options: Options) -> dict[str, Any]:
    """Return the accuracy of both classifiers on the test pictures; measured once."""
    known = options.folder(f"pretext-{encoder}", seed) / "result.json"
    if known.exists():
        found: dict[str, Any] = json.loads(known.read_text(encoding="utf-8"))
        return found
    training, test = caltech(options, seed)
    torch.manual_seed(seed)
    generator = _generator(encoder, seed, options)
    model = Classifier(generator, int(training.labels.max()) + 1, training.lightness[:2])
    model.eval()
    features, test_features = (_features(model, each.lightness) for each in (training, test))
    _train_head(model, Labelled(features, training.labels))
    result: dict[str, Any] = {"linear probe": _share(model.head(test_features), test.labels)}
    print(f"pretext {encoder} {seed}: {result}", flush=True)
    _fine_tune(model, training)
    scores = torch.cat([model(part) for part in _no_grad_parts(test.lightness)])
    result["fine-tuned"] = _share(scores, test.labels)
    print(f"pretext {encoder} {seed}: {result}", flush=True)
    known.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(known) as temporary:
        temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


@functools.cache
def caltech(options: Options, seed: int) -> tuple[Labelled, Labelled]:
    """Return a few training pictures of each class, sampled by the seed, and the test pictures."""
    files: dict[str, list[str]] = defaultdict(list)
    with (options.data / "manifest.csv").open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            if line["set"] == "caltech101":
                files[Path(line["source"]).parent.name].append(line["file"])
    del files[CLUTTER]
    rng = torch.Generator().manual_seed(seed)
    sides: tuple[list[tuple[str, int]], ...] = ([], [])
    for label, name in enumerate(sorted(files)):
        order = torch.randperm(len(files[name]), generator=rng).tolist()
        # The smallest classes keep a few pictures for the test.
        few = min(PER_CLASS, len(order) // 2)
        for side, part in zip(sides, (order[:few], order[few:][:TESTED_PER_CLASS]), strict=True):
            side.extend((files[name][i], label) for i in part)
    first, second = (_read(options, side) for side in sides)
    return first, second


def _read(options: Options, chosen: list[tuple[str, int]]) -> Labelled:
    pictures = find_pictures([options.data / file for file, _ in chosen])
    store = PictureStore(pictures, max_side=SIZE, memory_gib=0.0)
    planes = [to_lab_planes(centre_crop(store.read(i), SIZE))[0] for i in range(len(store))]
    return Labelled(torch.stack(planes), torch.tensor([label for _, label in chosen]))


def _generator(encoder: str, seed: int, options: Options) -> Generator:
    scratch = next(row for row in ROWS if row.name == "scratch")
    config = TrainingConfig.from_dict({**scratch.changes, "seed": seed})
    if encoder == "random":
        return build_generator(config.generator)
    if encoder == "imagenet":
        return build_pretrained(TrainingConfig.from_dict(_final() | {"seed": seed}))
    return load_model_file(options.folder("scratch", seed) / "model.safetensors").generator


def _final() -> dict[str, Any]:
    return next(row for row in ROWS if row.name == "final").changes


def _features(model: Classifier, lightness: Tensor) -> Tensor:
    return torch.cat([model.features(part) for part in _no_grad_parts(lightness)])


def _no_grad_parts(lightness: Tensor) -> Any:
    with torch.no_grad():
        yield from lightness.split(32)


def _train_head(model: Classifier, features: Labelled) -> None:
    """Train the linear layer on frozen features."""
    layers = [*model.norm.parameters(), *model.linear.parameters()]
    optimizer = torch.optim.AdamW(layers, lr=3e-3, weight_decay=1e-2)
    for _ in range(HEAD_EPOCHS):
        for indices in torch.randperm(len(features.labels)).split(64):
            part = features.batch(indices)
            model.norm.train()
            loss = nn.functional.cross_entropy(model.head(part.lightness), part.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.norm.eval()


def _fine_tune(model: Classifier, training: Labelled) -> None:
    """Train all weights at the paper's learning rate, after the head has been trained."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    parts = len(training.labels) // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * parts)
    model.train()
    for _ in range(EPOCHS):
        for indices in torch.randperm(len(training.labels)).split(BATCH)[:parts]:
            part = training.batch(indices)
            flipped = torch.where(
                torch.rand(len(indices), 1, 1, 1) < 0.5, part.lightness.flip(-1), part.lightness
            )
            loss = nn.functional.cross_entropy(model(flipped), part.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()


def _share(scores: Tensor, labels: Tensor) -> float:
    return float((scores.argmax(dim=1) == labels).float().mean())
