"""Validation: metrics of a generator and of the gray baseline on held-out pictures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torchvision.transforms.v2 import functional as transforms

from napari_colorgan.core import metrics
from napari_colorgan.core.color import fit_to_gamut, from_network, lab_to_rgb
from napari_colorgan.core.prediction import finish, keep_hints
from napari_colorgan.core.resampling import enlarge
from napari_colorgan.guidance.hints import sample_hints
from napari_colorgan.metric_registry import base_key, gray_key
from napari_colorgan.training.likeness import LEAST, MOST
from napari_colorgan.training.pictures.augmentation import centre_crop
from napari_colorgan.training.pictures.data import is_pair, to_lab_planes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.pictures.data import PictureStore

# Without gradients this takes less memory than a training step.
BATCH = 8
PREVIEWS = 6


class Validator:
    """Measures a generator on the middle square of held-out pictures, without hints.

    A pair's colours are compared at the lightness of its gray image, which the prediction keeps:
    the truth is the true a*b* at that lightness, not the colour image itself.

    Parameters
    ----------
    pictures : PictureStore
        What was held out.
    size : int
        The square's side, a multiple of the generator's stride; short sides are brought to it.
    limit : int
        The maximum number of pictures; they are evenly spaced through the list.
    vividness : float
        0…1; a distribution head is read at the temperature 10^-vividness.
    native_stride : int or None
        Given where pictures keep their scale: sides are multiples of it. If any picture is
        smaller than the square, the largest common centre of all is measured.
    matched : bool
        Whether "matched_psnr" is measured, too.

    Attributes
    ----------
    seconds : float or None
        The time that the last measurement took.
    base_values : dict of list of float
        What `measure_each` returned for the base; empty without one.
    """

    def __init__(
        self,
        pictures: PictureStore,
        size: int,
        limit: int,
        vividness: float = 0.0,
        native_stride: int | None = None,
        *,
        matched: bool = False,
    ) -> None:
        # Decoded once and kept: the same pictures are measured at every validation.
        count = min(limit, len(pictures))
        chosen = (pictures.read(i * len(pictures) // count) for i in range(count))
        if native_stride is None:
            self._pictures = torch.stack([centre_crop(picture, size) for picture in chosen])
        else:
            self._pictures = _middles(list(_cut(chosen, size)), size, native_stride)
        self.rgb = self._pictures[:, :3]
        self.temperature = 10.0**-vividness
        self._matched = matched
        self.seconds: float | None = None
        self.base_values: dict[str, list[float]] = {}
        self._gray: dict[str, float] = {}
        self._base: dict[str, float] = {}
        self._base_ab: Tensor | None = None

    @classmethod
    def of(cls, config: TrainingConfig, pictures: PictureStore) -> Validator:
        """Return the validator of a run.

        Parameters
        ----------
        config : TrainingConfig
            The run's.
        pictures : PictureStore
            Held out.
        """
        data = config.data
        native_stride = config.generator.stride if data.scale == "native" else None
        return cls(
            pictures,
            data.size,
            data.validation_images,
            config.vividness,
            native_stride,
            matched=config.score == "matched",
        )

    def remember_base(self, generator: Generator, strength: float = 1.0) -> None:
        """Measure the generator that a run starts from, for comparison with later ones.

        Parameters
        ----------
        generator : Generator
            In evaluation mode, with the base's weights.
        strength : float, default: 1.0
            What its users get its colours multiplied by.
        """
        self.base_values = self.measure_each(generator, strength)
        self._base = {base_key(k): v for k, v in self._means(self.base_values).items()}
        self._base_ab = self._colorize(generator, self._pictures[:PREVIEWS]) * strength

    def measure(self, generator: Generator) -> dict[str, float]:
        """Return the mean of each metric, and those of the gray baseline under "gray_…".

        Parameters
        ----------
        generator : Generator
            In evaluation mode.

        Returns
        -------
        dict
            "l1" (percent of 110), "psnr" (dB), "delta_e" (CIEDE2000), "colorfulness_share" (of
            the truth's mean), the gray baseline's first three, and the base's under "base_…"
            if there is one; "hinted_psnr", with a few true colours as hints, of a generator
            with hint propagation; "matched_psnr", after one factor for all pictures has brought
            their colorfulness to the truth's, if that is measured.
        """
        started = time.perf_counter()
        predictions: Iterable[Tensor] = self._predict(generator)
        if self._matched:
            # The factor is known only after all of them are measured.
            predictions = list(predictions)
        metrics = self.summarize(self._measure_each(predictions))
        if self._matched:
            share = max(metrics["colorfulness_share"], 1e-3)
            factor = min(max(1.0 / share, LEAST), MOST)
            metrics["matched_psnr"] = self._psnr(ab * factor for ab in predictions)
        if generator.hint_propagation is not None:
            metrics["hinted_psnr"] = self._psnr(self._predict(generator, hinted=True))
        self.seconds = time.perf_counter() - started
        return metrics

    def measure_each(self, generator: Generator, strength: float = 1.0) -> dict[str, list[float]]:
        """Return "l1", "psnr", "delta_e" … of each picture, in their order.

        Parameters
        ----------
        generator : Generator
            In evaluation mode.
        strength : float, default: 1.0
            What the predicted a*b* are multiplied by.
        """
        started = time.perf_counter()
        values = self._measure_each(ab * strength for ab in self._predict(generator))
        # Where hints are spread, `measure` predicts once more, with hints.
        passes = 1 if generator.hint_propagation is None else 2
        self.seconds = passes * (time.perf_counter() - started)
        return values

    def summarize(self, values: dict[str, list[float]]) -> dict[str, float]:
        """Return the means of what `measure_each` returned, with those of gray and the base.

        Parameters
        ----------
        values : dict[str, list[float]]
            By metric, one number for each picture.
        """
        # Once: gray doesn't depend on the generator.
        if not self._gray:
            zeros = (torch.zeros(len(b), 2, *b.shape[-2:]) for b in self._batches())
            gray = self._means(self._measure_each(zeros))
            self._gray = {gray_key(k): v for k, v in gray.items() if k != "colorfulness_share"}
        return {**self._means(values), **self._gray, **self._base}

    @torch.inference_mode()
    def preview(self, generator: Generator) -> Tensor:
        """Return a picture with a row gray | base, if any | now | truth for each of a few images.

        Parameters
        ----------
        generator : Generator
            In evaluation mode.
        """
        rows = self._pictures[:PREVIEWS]
        lightness, _ = to_lab_planes(rows)
        colors = [torch.zeros(len(rows), 2, *rows.shape[-2:])]
        if self._base_ab is not None:
            colors.append(self._base_ab)
        colors.append(self._colorize(generator, rows))
        columns = [self._to_rgb(lightness, ab) for ab in colors]
        truth = self.rgb[:PREVIEWS].float() / 255.0
        panels = torch.cat([*columns, truth], dim=-1)  # (B, 3, H, columns W)
        stacked = torch.cat(list(panels), dim=-2)
        return (stacked * 255.0).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)

    def _batches(self) -> Iterator[Tensor]:
        yield from torch.split(self._pictures, BATCH)

    def _predict(self, generator: Generator, *, hinted: bool = False) -> Iterator[Tensor]:
        # Otherwise a score could rise by luckier hints.
        rng = torch.Generator().manual_seed(0)  # the same hints each time
        for pictures in self._batches():
            yield self._colorize(generator, pictures, rng if hinted else None)

    @torch.inference_mode()
    def _colorize(
        self, generator: Generator, pictures: Tensor, rng: torch.Generator | None = None
    ) -> Tensor:
        """Return a*/110 and b*/110 at the pictures' resolution, with sampled hints if `rng`."""
        device = next(generator.parameters()).device
        lightness, true_ab = to_lab_planes(pictures)
        lightness, propagation = lightness.to(device), generator.hint_propagation
        hints = None
        if rng is not None:
            hints = sample_hints(true_ab, rng, unguided=0.0).to(device)
        prediction = generator.predict(
            lightness,
            hints,
            self.temperature,
            uncertainty=False,
            embedding=hints is not None,
        )
        ab = enlarge(finish(prediction, hints, propagation).ab, pictures.shape[-2:])
        return (ab if hints is None else keep_hints(ab, hints)).cpu()

    @staticmethod
    def _means(values: dict[str, list[float]]) -> dict[str, float]:
        means = {name: float(torch.tensor(v).sum()) / len(v) for name, v in values.items()}
        # A ratio of means: a mean of ratios would be dominated by the grayest pictures.
        share = means.pop("colorfulness") / max(means.pop("true_colorfulness"), 1e-6)
        return {**means, "colorfulness_share": share}

    @torch.inference_mode()
    def _measure_each(self, predictions: Iterable[Tensor]) -> dict[str, list[float]]:
        rows: list[dict[str, Tensor]] = []
        for pictures, ab in zip(self._batches(), predictions, strict=True):
            lightness, true_ab = to_lab_planes(pictures)
            predicted, truth = self._to_rgb(lightness, ab), self._truth(pictures)
            labs = [from_network(lightness, colors) for colors in (ab, true_ab)]
            rows.append(
                {
                    "l1": metrics.l1_percent(*(lab[:, 1:] for lab in labs)),
                    "psnr": metrics.psnr(predicted, truth),
                    "delta_e": metrics.delta_e_2000(*labs).mean(dim=(-2, -1)),
                    "colorfulness": metrics.colorfulness(predicted),
                    "true_colorfulness": metrics.colorfulness(truth),
                }
            )
        return {n: torch.cat([row[n].flatten() for row in rows]).tolist() for n in rows[0]}

    @torch.inference_mode()
    def _psnr(self, predictions: Iterable[Tensor]) -> float:
        batches = [
            metrics.psnr(self._to_rgb(to_lab_planes(pictures)[0], ab), self._truth(pictures))
            for pictures, ab in zip(self._batches(), predictions, strict=True)
        ]
        return float(torch.cat([psnr.flatten() for psnr in batches]).sum()) / len(self.rgb)

    def _truth(self, pictures: Tensor) -> Tensor:
        """Return the true RGB, (B, 3, H, W); for pairs at the lightness of their gray image."""
        if is_pair(pictures):
            return self._to_rgb(*to_lab_planes(pictures))
        return pictures[:, :3].float() / 255.0

    @staticmethod
    def _to_rgb(lightness: Tensor, ab: Tensor) -> Tensor:
        return lab_to_rgb(fit_to_gamut(from_network(lightness, ab))).clamp(0.0, 1.0)


def _cut(pictures: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    for picture in pictures:
        sides = [min(size, side) for side in picture.shape[-2:]]
        # A copy, so that the whole picture needn't be kept.
        yield transforms.center_crop(picture, sides).clone()


def _middles(pictures: Sequence[Tensor], size: int, stride: int) -> Tensor:
    """Return the largest centre on the stride grid that all have; enlarged if there is none."""
    sides = [min(p.shape[axis] for p in pictures) // stride * stride for axis in (-2, -1)]
    if not all(sides):
        return torch.stack([centre_crop(picture, size) for picture in pictures])
    return torch.stack([transforms.center_crop(picture, sides) for picture in pictures])
