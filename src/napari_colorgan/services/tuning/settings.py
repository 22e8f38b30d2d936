"""The settings of a fine-tuning, each declared once; light enough for ``--help``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from napari_colorgan.inference.settings import DEVICE_TITLES
from napari_colorgan.settings import Setting, check_value, declared

Scale: TypeAlias = Literal["fit", "native"]


@dataclass(frozen=True, eq=False)
class TuningSettings:
    """The choices about a fine-tuning that the panel, the command line and Python share.

    Each field's annotation says what it is and what it accepts.

    Raises
    ------
    ConfigError
        If a value is of another type or out of its range.
    """

    hold_out: Annotated[
        float,
        Setting(
            "F&or testing",
            "The share of the images that the model doesn't learn from: it is tested on them, so "
            "that the result says how it does on new images.",
            low=0.01,
            high=0.5,
            row="main",
        ),
    ] = 0.2
    scale: Annotated[
        Scale | None,
        Setting(
            "Image si&ze",
            "The size at which images are learned from: 'fit' takes whole pictures, shrunk, which "
            "suits photographs; 'native' takes pixels as they are, which suits microscopy. By "
            "default as for the base model.",
            titles={"fit": "Whole pictures, shrunk", "native": "Pixels as they are"},
            row="advanced",
        ),
    ] = None
    device: Annotated[
        str,
        Setting(
            "&Device",
            "Where the network is trained: auto, cpu, cuda, cuda:1, mps … auto takes a GPU if "
            "there is one.",
            titles=DEVICE_TITLES,
            row="advanced",
        ),
    ] = "auto"
    adversarial: Annotated[
        bool,
        Setting(
            "Vivid colo&urs (adversarial)",
            "In the last quarter of the time a second network judges whether the colours look "
            "real. Colours become more vivid, and wrong ones more likely.",
            row="advanced",
        ),
    ] = False

    def __post_init__(self) -> None:
        # These alone: a request, which has more fields, is made of them.
        for name in declared(TuningSettings):
            check_value(TuningSettings, name, getattr(self, name))
