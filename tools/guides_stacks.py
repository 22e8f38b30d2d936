"""What keyframes, consistency and references do, against each plane coloured by itself."""

from __future__ import annotations

import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from guides_hints import SHOWN, lab_of, psnr, read_truth
from napari_colorgan import colorize
from napari_colorgan.core.color_statistics import color_distribution_consistency
from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.services.guiding import predict_references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.library.model_file import Model

DARK, STILL = 50.0, 1.0
_PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".webp")


def pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder and its subfolders, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)


def measure_sequence(model: Model, folder: Path, axis: str) -> dict[str, Any]:
    """Compare a sequence by itself, from its first plane's colours, and made consistent."""
    truths = [read_truth(path, None) for path in pictures(folder)]
    frames = np.stack([rgb for rgb, _ in truths])
    gray = np.stack([levels for _, levels in truths])
    ways: dict[str, dict[str, Any]] = {
        "alone": {"consistent": False},
        "keyframe": {"keyframes": {(0,): frames[0]}, "consistent": True},
        "consistent": {"consistent": True},
    }
    scores: dict[str, Any] = {"planes": len(frames)}
    for way, choices in ways.items():
        rgb = colorize(gray, model, axes=f"{axis}YX", contrast_limits=(0, 1), **choices)
        # The first plane is given to one of the ways.
        scores[f"{way} psnr"] = float(
            np.mean([psnr(*p) for p in zip(rgb[1:], frames[1:], strict=True)])
        )
        scores[f"{way} cdc"] = consistency(rgb)
        scores[f"{way} flicker"] = flicker(rgb)
    scores["truth cdc"], scores["truth flicker"] = consistency(frames), flicker(frames)
    return scores


def measure_cost(model: Model, path: Path, count: int, side: int, runs: int) -> dict[str, float]:
    """Compare the CPU time of square planes made consistent with that of each by itself.

    They are parts of one picture, each two pixels beside the one before.
    """
    _, gray = read_truth(path, side + 2 * count)
    planes = np.stack([gray[t : side + t, 2 * t : side + 2 * t] for t in range(count)])
    ratios = []
    for _ in range(runs):
        seconds = []
        for consistent in (False, True):
            started = time.process_time()
            colorize(planes, model, axes="TYX", contrast_limits=(0, 1), consistent=consistent)
            seconds.append(time.process_time() - started)
        ratios.append(seconds[1] / seconds[0])
    return {"median": float(np.median(ratios)), "least": min(ratios), "most": max(ratios)}


def consistency(frames: np.ndarray) -> float:
    """Return the colour distribution consistency of 8-bit RGB frames."""
    return float(color_distribution_consistency(torch.from_numpy(frames).permute(0, 3, 1, 2)))


def flicker(frames: np.ndarray) -> float:
    """Return the mean change of a*b* between neighbouring planes, where it is dark and still."""
    changes = []
    labs = [lab_of(frame) for frame in frames]
    for one, two in pairwise(labs):
        still = ((one[0] - two[0]).abs() < STILL) & (one[0] < DARK)
        if still.any():
            changes.append(float((one[1:] - two[1:]).norm(dim=0)[still].mean()))
    return float(np.mean(changes)) if changes else float("nan")


def measure_slide(model: Model, folder: Path, most: int) -> dict[str, Any]:
    """Colour a slide's images with the first one as reference, and by a table fitted to it."""
    paths = pictures(folder)
    paths = [
        paths[i] for i in np.linspace(0, len(paths) - 1, min(most + 1, len(paths))).astype(int)
    ]
    reference, _ = read_truth(paths[0], None)
    table = lookup_table(lab_of(reference))
    errors: dict[str, list[float]] = {"automatic": [], "reference": [], "table": []}
    for path in paths[1:]:
        truth, gray = read_truth(path, None)
        lab = lab_of(truth)
        by_table = torch.from_numpy(table[:, lab[0].round().int().clamp(0, 100).numpy()])
        errors["table"].append(_l1(by_table, lab))
        plain = colorize(gray, model, contrast_limits=(0, 1))
        errors["automatic"].append(_l1(lab_of(plain)[1:], lab))
        guided = colorize(gray, model, contrast_limits=(0, 1), references=reference)
        errors["reference"].append(_l1(lab_of(guided)[1:], lab))
    return {"images": len(paths) - 1, **{k: float(np.mean(v)) for k, v in errors.items()}}


def lookup_table(lab: torch.Tensor) -> np.ndarray:
    """Return the mean a* and b* of an image for each whole L*, (2, 101), gaps interpolated."""
    level = lab[0].round().int().clamp(0, 100).flatten().numpy()
    counts = np.bincount(level, minlength=101)
    known = np.nonzero(counts)[0]
    means = [np.bincount(level, axis.flatten().numpy(), 101) for axis in lab[1:]]
    return np.stack(
        [np.interp(np.arange(101), known, (mean[known] / counts[known])) for mean in means]
    ).astype(np.float32)


def _l1(ab: torch.Tensor, lab: torch.Tensor) -> float:
    return float((ab - lab[1:]).abs().mean())


class FolderMeasure:
    """Colours pictures with references chosen from a folder of others.

    Parameters
    ----------
    predictor : PlanePredictor
        The model's.
    references : sequence of Path
        The folder's pictures.
    """

    def __init__(self, predictor: PlanePredictor, references: Sequence[Path]) -> None:
        self._predictor = predictor
        # As a folder, so that they count as found and not as chosen.
        with tempfile.TemporaryDirectory() as folder:
            for number, path in enumerate(references):
                with Image.open(path) as picture:
                    picture.convert("RGB").save(Path(folder, f"{number:04}.png"))
            self._references = predict_references([folder], predictor)

    def measure(self, path: Path) -> dict[str, float]:
        """Return the PSNR of a picture without and with the references."""
        truth, gray = read_truth(path, None)
        guides = PlaneGuides(references=self._references)
        (prediction,) = self._predictor.analyze([gray], SHOWN, [guides])
        return {
            name: psnr(self._predictor.painter(prediction, given).paint().rgb, truth)
            for name, given in (("automatic", None), ("references", guides))
        }
