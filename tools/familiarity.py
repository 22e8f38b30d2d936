"""Teach a model's card which pictures are unlike those that it was trained on, and test that.

    python tools/familiarity.py MODEL --data FOLDER [--write]
    python tools/familiarity.py MODEL --data FOLDER --stains

FOLDER (or the variable COLORGAN_DATA) holds natural/train/…, natural/val/…, microscopy/train/… and
microscopy/val/…. What the model is told to be unlike are the training pictures of the other kind,
and drawn pages, drawings, diagrams and spots on black. It is tested on held-out pictures, on other
drawn ones, and with each kind left out of the fit in turn, which tells how it fares with kinds that
it never saw. Everything is seeded.

The second command asks, for microscopy, whether an unseen stain can be told at all: it leaves each
stain and each laboratory out of the fit of another rule, see familiarity_stains.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from familiarity_pictures import DRAWN, sample_tiles, varied
from familiarity_stains import Tiles, left_out_table
from napari_colorgan import io
from napari_colorgan.core.color import lab_to_rgb, rgb_to_lab
from napari_colorgan.core.familiarity import Familiarity, fit_familiarity
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.library.model_file import load_model_file, save_model_file
from quality_sets import STAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from napari_colorgan.library.card import ModelCard

GRAY = DisplayRange(0, 255)
TILES = {"train": 24, "val": 18}
"""Tiles of each laboratory with which stains are left out."""
OFFSET = 10_000
"""What the numbers of drawn test pictures begin with, so that none was fitted to."""


def main() -> None:
    """Read the command line and do it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("COLORGAN_DATA"))
    parser.add_argument("--familiar", type=int, default=1800, help="training pictures to fit to")
    parser.add_argument("--others", type=int, default=120, help="pictures of each other kind")
    parser.add_argument("--stains", action="store_true", help="leave stains and laboratories out")
    parser.add_argument("--write", action="store_true", help="write it onto the model's card")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data FOLDER, or set COLORGAN_DATA")
    model = load_model_file(options.model)
    card = model.card
    settings = PredictionSettings(device="cpu")
    predictor = PlanePredictor(
        model.generator, settings, scale=card.scale, working_size=card.working_size
    )

    def describe(planes: Iterable[np.ndarray]) -> Tensor:
        features = [predictor.pooled_features(plane, GRAY) for plane in planes]
        return torch.stack([each for each in features if each is not None])

    if options.stains:
        parts = [_tiles(Path(options.data), *each, describe) for each in TILES.items()]
        print(left_out_table(*parts))
        return
    kinds = _Kinds(Path(options.data), card, options.familiar, options.others)
    familiar = describe(kinds.familiar())
    others = {name: describe(planes()) for name, planes in kinds.others().items()}
    tests = {name: describe(planes()) for name, planes in kinds.tests().items()}
    fitted = fit_familiarity(familiar, torch.cat(list(others.values())))
    print("| pictures | said to be unlike |\n|---|---|")
    for name, features in tests.items():
        print(f"| {name} ({len(features)}) | {_share(fitted, features)} |")
    for left_out in others:
        rest = [features for name, features in others.items() if name != left_out]
        if rest and left_out in tests:
            without = fit_familiarity(familiar, torch.cat(rest))
            share = _share(without, tests[left_out])
            print(f"| {left_out}, none of that kind in the fit | {share} |")
    if options.write:
        changed = dataclasses.replace(card, familiarity=fitted.to_text())
        save_model_file(options.model, model.generator, changed)
        print(f"Written onto the card of {options.model}.")


def _tiles(
    data: Path, split: str, count: int, describe: Callable[[Iterable[np.ndarray]], Tensor]
) -> Tiles:
    """Describe some tiles of each laboratory."""
    features, laboratories, slides = [], [], []
    for name in [name for names in STAINS.values() for name in names]:
        folder = data / "microscopy" / split / name
        if folder.is_dir():
            files = io.find_files(folder)
            chosen = np.random.default_rng(0).permutation(len(files))[:count]
            features.append(describe(_read(files[number]) for number in chosen).numpy())
            laboratories += [name] * len(chosen)
            slides += [_slide(files[number].stem, name) for number in chosen]
    return Tiles(np.concatenate(features), np.array(laboratories), np.array(slides))


def _slide(tile: str, laboratory: str) -> str:
    """Return the slide of a tile named as "slide_07", or the tile where that tells none."""
    slide = tile.rpartition("_")[0]
    return tile if slide in ("", laboratory) else f"{laboratory}/{slide}"


def _read(file: Path) -> np.ndarray:
    stack = io.read_stack(file)
    return _to_gray(stack.axes.read_plane(stack.data, ()))


def _share(familiarity: Familiarity, features: Tensor) -> str:
    return f"{float((familiarity.strangeness(features) > 0).float().mean()):.0%}"


class _Kinds:
    """The pictures of a model's own kind and of others."""

    def __init__(self, data: Path, card: ModelCard, familiar: int, others: int) -> None:
        self._data = data
        self._is_photographs = card.scale == "fit"
        self._familiar_count, self._count = familiar, others

    def familiar(self) -> Iterator[np.ndarray]:
        """Yield training pictures of the model's own kind, as they are and as others have them."""
        rng = np.random.default_rng(0)
        for tile in self._own("train", self._familiar_count):
            yield tile
            if not self._is_photographs:
                yield varied(tile, rng)

    def others(self) -> dict[str, Callable[[], Iterator[np.ndarray]]]:
        """Return the other kinds that are fitted to."""
        kinds: dict[str, Callable[[], Iterator[np.ndarray]]] = {}
        if self._is_photographs:
            kinds["tissue"] = lambda: self._folders(
                "microscopy/train", STAINS["tissue"], self._count
            )
            kinds["blood"] = lambda: self._folders("microscopy/train", STAINS["blood"], self._count)
        else:
            kinds["photographs"] = lambda: self._folders("natural/train", None, 4 * self._count)
        return kinds | {name: self._drawn(draw, 0) for name, draw in DRAWN.items()}

    def tests(self) -> dict[str, Callable[[], Iterator[np.ndarray]]]:
        """Return held-out pictures of the own kind first, then of the others."""
        kinds: dict[str, Callable[[], Iterator[np.ndarray]]] = {
            "held out, of the same kind": lambda: self._own("val", 600)
        }
        if not self._is_photographs:
            rng = np.random.default_rng(OFFSET)
            kinds["the same, partly blank or smaller"] = lambda: (
                varied(tile, rng) for tile in self._own("val", 600)
            )
            kinds["the samples, stained tissue from elsewhere"] = sample_tiles
        if self._is_photographs:
            kinds["tissue"] = lambda: self._folders("microscopy/val", STAINS["tissue"], 200)
            kinds["blood"] = lambda: self._folders("microscopy/val", STAINS["blood"], 200)
            kinds["IHC"] = lambda: self._folders("microscopy/val", STAINS["IHC"], 200)
            for name in ("bsds500", "prokudin", "documerica"):
                kinds[name] = lambda name=name: self._folders("test", (name,), 200)  # type: ignore[misc]
        else:
            kinds["photographs"] = lambda: self._folders("natural/val", None, 300)
        return kinds | {name: self._drawn(draw, OFFSET) for name, draw in DRAWN.items()}

    def _own(self, split: str, count: int) -> Iterator[np.ndarray]:
        if self._is_photographs:
            yield from self._folders(f"natural/{split}", None, count)
        else:
            yield from self._folders(f"microscopy/{split}", sum(STAINS.values(), ()), count)

    def _folders(
        self, parent: str, names: tuple[str, ...] | None, count: int
    ) -> Iterator[np.ndarray]:
        """Yield gray pictures, about as many of each folder."""
        folders = sorted(p for p in (self._data / parent).iterdir() if p.is_dir())
        folders = [p for p in folders if names is None or p.name in names]
        for folder in folders:
            files = io.find_files(folder)
            chosen = np.random.default_rng(0).permutation(len(files))
            for number in chosen[: -(-count // len(folders))]:
                yield _read(files[number])

    def _drawn(
        self, draw: Callable[[np.random.Generator], np.ndarray], offset: int
    ) -> Callable[[], Iterator[np.ndarray]]:
        count = self._count // 2
        return lambda: (draw(np.random.default_rng(offset + i)) for i in range(count))


def _to_gray(plane: np.ndarray) -> np.ndarray:
    """Return the display values of a picture's L*, uint8."""
    if plane.ndim == 2:
        return plane
    rgb = torch.from_numpy(plane[..., :3].copy()).permute(2, 0, 1)[None] / 255.0
    lab = rgb_to_lab(rgb)
    lab[:, 1:] = 0
    levels: np.ndarray = (lab_to_rgb(lab)[0, 0] * 255).round().clamp(0, 255).byte().numpy()
    return levels


if __name__ == "__main__":
    main()
