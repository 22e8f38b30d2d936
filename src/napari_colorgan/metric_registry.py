"""The names of all metrics: one identifier each, and how people read it.

Events, run folders and evaluations carry identifiers ("delta_e"); model cards carry labels
("ΔE00"), also those that earlier releases wrote. This module knows both and nothing else, so that
every room may import it. The formulas are in :mod:`napari_colorgan.core.metrics`,
:mod:`napari_colorgan.core.color_statistics` and :mod:`napari_colorgan.services.evaluation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Direction: TypeAlias = Literal["lower", "higher", "nearest 0", "nearest 1", "nearest the truth's"]


@dataclass(frozen=True)
class MetricInfo:
    """How a metric is named, read and printed.

    Attributes
    ----------
    id : str
        The key in events, run folders and an evaluation's JSON.
    title : str
        The name for people, without the unit.
    meaning : str
        One sentence for a report.
    better : {"lower", "higher", "nearest 0", "nearest 1", "nearest the truth's"}
        Which values are good.
    unit : str
        The unit; empty for numbers without one.
    digits : int
        Digits after the decimal point.
    former_labels : tuple of str
        What the cards of earlier releases call it.
    """

    id: str
    title: str
    meaning: str
    better: Direction
    unit: str = ""
    digits: int = 2
    former_labels: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The title with its unit: "PSNR (dB)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def arrow(self) -> str:
        """The good direction as a sign, "↓" or "↑"; empty where neither is."""
        return {"lower": "↓", "higher": "↑"}.get(self.better, "")

    def format(self, value: float) -> str:
        """Return a value with the metric's number of digits.

        Parameters
        ----------
        value : float
            In the metric's unit.
        """
        return f"{value:.{self.digits}f}"


# In the order in which tables show them.
METRICS: Mapping[str, MetricInfo] = {
    metric.id: metric
    for metric in (
        MetricInfo(
            "l1",
            "L1 × 100",
            "Mean absolute error of a* and b*, in percent of 110.",
            "lower",
            former_labels=("L1 x 100",),
        ),
        MetricInfo(
            "psnr", "PSNR", "Of each image as 8-bit RGB, averaged over images.", "higher", unit="dB"
        ),
        MetricInfo(
            "hinted_psnr",
            "PSNR with hints",
            "The same with a few true colours given as hints.",
            "higher",
            unit="dB",
        ),
        MetricInfo(
            "matched_psnr",
            "PSNR at matched colorfulness",
            "The same after one chroma factor for all images has brought their mean colorfulness "
            "to the truth's.",
            "higher",
            unit="dB",
        ),
        MetricInfo(
            "psnr_gain", "PSNR above gray", "PSNR less the gray image's.", "higher", unit="dB"
        ),
        MetricInfo(
            "matched_psnr_gain",
            "PSNR above gray at matched colorfulness",
            "The same after one chroma factor for the whole set has brought the mean colorfulness "
            "to the truth's; it cannot be raised by vividness alone.",
            "higher",
            unit="dB",
        ),
        MetricInfo(
            "ssim", "SSIM", "Of 8-bit RGB; gray images reach about 0.9.", "higher", digits=3
        ),
        MetricInfo(
            "delta_e",
            "ΔE00",
            "CIEDE2000 colour difference, mean over pixels.",
            "lower",
            former_labels=("CIEDE2000",),
        ),
        MetricInfo(
            "colorfulness",
            "colorfulness",
            "Hasler and Süsstrunk's, signed variant.",
            "nearest the truth's",
            digits=1,
        ),
        MetricInfo(
            "colorfulness_share",
            "colorfulness / truth's",
            "The set's mean colorfulness over the truth's mean.",
            "nearest 1",
        ),
        MetricInfo(
            "cast_a",
            "cast in a*",
            "Mean a* less the truth's, averaged over images: above 0 too red, below too green.",
            "nearest 0",
            digits=1,
        ),
        MetricInfo(
            "cast_b",
            "cast in b*",
            "Mean b* less the truth's, averaged over images: above 0 too yellow, below too blue.",
            "nearest 0",
            digits=1,
        ),
        MetricInfo(
            "hue_distance",
            "hue histogram distance",
            "Share of pixels that would have to change hue bin.",
            "lower",
            digits=3,
        ),
        MetricInfo(
            "lpips",
            "LPIPS",
            "Learned perceptual distance, where its weights are present.",
            "lower",
            digits=3,
        ),
        MetricInfo(
            "frechet",
            "Fréchet distance (EfficientNet-Lite0)",
            "Between the sets' features in EfficientNet-Lite0; not FID, and biased for small sets.",
            "lower",
        ),
        MetricInfo(
            "agreement",
            "classifier agreement",
            "Share of images whose top class of 1,000 is that of the true image.",
            "higher",
            digits=3,
        ),
        MetricInfo(
            "hint_delta_e",
            "ΔE00 at the hints",
            "Between a hint's colour and the mean predicted colour in its place.",
            "lower",
        ),
        MetricInfo(
            "uncertainty_rank",
            "uncertainty's rank correlation with the error",
            "Spearman's, over the pixels of an image, averaged over images.",
            "higher",
        ),
        MetricInfo(
            "cdc",
            "CDC × 1000",
            "Flicker of the colour histograms of a sequence.",
            "nearest the truth's",
        ),
    )
}

COMPARED = ("l1", "psnr", "delta_e")
"""The metrics by which a trained model is compared with its base and with the gray image."""

# Labels are looked up whole: "ΔE00 at the hints" begins like "ΔE00" and is another metric.
_BY_LABEL = {
    label: metric for metric in METRICS.values() for label in (metric.label, *metric.former_labels)
}


def find_metric(name: str) -> MetricInfo | None:
    """Return the metric of an identifier or of a label, today's or an earlier one.

    Parameters
    ----------
    name : str
        "delta_e", "ΔE00" or "CIEDE2000", for example.

    Returns
    -------
    MetricInfo or None
        None for a name that isn't registered: cards may have metrics of their owners' own.
    """
    return METRICS.get(name) or _BY_LABEL.get(name)


def label_of(name: str) -> str:
    """Return today's label of an identifier or label; other names are returned as they are.

    Parameters
    ----------
    name : str
        An identifier, a label, or a label of an earlier release.
    """
    metric = find_metric(name)
    return name if metric is None else metric.label


def gray_key(metric_id: str) -> str:
    """Return the key of the gray image's value in a validation's metrics.

    Parameters
    ----------
    metric_id : str
        Such as "psnr".
    """
    return f"gray_{metric_id}"


def base_key(metric_id: str) -> str:
    """Return the key of the base model's value in a validation's metrics.

    Parameters
    ----------
    metric_id : str
        Such as "psnr".
    """
    return f"base_{metric_id}"
