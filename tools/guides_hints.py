"""How much hints of the true colours help: at random places, and at those that are suggested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from napari_colorgan.core.color import linear_to_srgb, rgb_to_lab
from napari_colorgan.guidance.guides import PlaneGuides
from napari_colorgan.guidance.hints import HintMap
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.suggestions import suggest

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.inference.predictor import PlanePredictor

COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
SIZE, SIDE = 256, 6
SHOWN = DisplayRange(0.0, 1.0)
SUGGESTED = 10


def read_truth(path: Path, size: int | None = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Return an image stretched to a square, RGB of 8 bit, and gray levels 0…1 of the same L*."""
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
        if size is not None:
            rgb = rgb.resize((size, size), Image.Resampling.BICUBIC)
    values = np.asarray(rgb)
    lightness = lab_of(values)[0]
    f = (lightness + 16) / 116
    luminance = torch.where(f > 6 / 29, f**3, (f - 16 / 116) / 7.787)
    return values, linear_to_srgb(luminance).clamp(0, 1).numpy()


def lab_of(rgb: np.ndarray) -> torch.Tensor:
    """Return L*a*b*, shape (3, H, W), of 8-bit RGB."""
    return rgb_to_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255)


def psnr(rgb: np.ndarray, truth: np.ndarray) -> float:
    """Return the RGB PSNR of 8-bit images in dB."""
    error = np.mean((rgb.astype(np.float64) - truth) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def hint_map(lab: torch.Tensor, places: np.ndarray) -> HintMap:
    """Reveal the mean true a*b* of squares of 6 pixels at their top left corners."""
    hints = HintMap.empty(*lab.shape[1:])
    for top, left in places:
        square = lab[1:, top : top + SIDE, left : left + SIDE]
        hints.ab[:, top : top + SIDE, left : left + SIDE] = square.mean(dim=(1, 2)).numpy()[
            :, None, None
        ]
        hints.weight[top : top + SIDE, left : left + SIDE] = 1.0
    return hints


def measure_image(predictor: PlanePredictor, path: Path, seed: int) -> dict[str, float]:
    """Return the PSNR of an image by the number of random and of suggested hints."""
    truth, gray = read_truth(path)
    lab = lab_of(truth)
    (prediction,) = predictor.analyze([gray], SHOWN, likely=1)
    places = np.random.default_rng(seed).integers(0, SIZE - SIDE + 1, (max(COUNTS), 2))

    def result(places: np.ndarray) -> float:
        guides = PlaneGuides(hint_map(lab, places)) if len(places) else None
        return psnr(predictor.painter(prediction, guides).paint().rgb, truth)

    scores = {f"random {count}": result(places[:count]) for count in COUNTS}
    suggestions = suggest(predictor, prediction, None, SUGGESTED, lambda place: ())
    centres = np.array([suggestion.position for suggestion in suggestions])
    corners = np.clip(np.rint(centres - (SIDE - 1) / 2), 0, SIZE - SIDE).astype(int)
    for count in range(1, SUGGESTED + 1):
        scores[f"suggested {count}"] = result(corners[:count])
        scores.setdefault(f"random {count}", result(places[:count]))
    return scores


def is_colored(path: Path) -> bool:
    """Return whether an image has colour to compare with: mean chroma of 2 at least."""
    return float(lab_of(read_truth(path)[0])[1:].norm(dim=0).mean()) >= 2
