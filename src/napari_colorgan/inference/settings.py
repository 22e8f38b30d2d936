"""The settings of a prediction, each declared once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, Protocol, TypeAlias

from napari_colorgan.settings import FormerName, Setting, check

Scale: TypeAlias = Literal["fit", "native"] | float
Dtype: TypeAlias = Literal["uint8", "uint16", "float32"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]


class Recommendations(Protocol):
    """What a model's card recommends; the library's ModelCard is one."""

    @property
    def scale(self) -> Scale:
        """The scale that the model was trained for."""

    @property
    def strength(self) -> float:
        """The strength of colours that suits it."""

    @property
    def temperature(self) -> float:
        """The temperature at which its distribution of colours is read."""


UNLIMITED_CHROMA = 150.0
"""A chroma limit above every colour of sRGB, whose strongest has 134."""


DEVICE_TITLES = {"auto": "Automatic", "cpu": "CPU", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)"}
"""The devices that forms offer, and their names there."""


@dataclass(frozen=True)
class PredictionSettings:
    """The choices about a prediction; None means what the model's card says.

    Each field's annotation says what it is and what it accepts. A field that is added here is
    checked, offered by ``napari-colorgan colorize`` and by the Colorize panel, remembered, and
    written into the metadata of results.

    Raises
    ------
    ConfigError
        If a value is of another type or out of its range.
    """

    scale: Annotated[
        Scale | None,
        Setting(
            "Scal&e",
            "The size at which the network sees a plane. 'fit' shrinks the whole plane, which "
            "suits photographs; 'native' takes the pixels as they are, which suits microscopy; a "
            "number multiplies the plane's sides. By default what the model was trained for.",
            low=0.01,
            high=16,
            titles={"fit": "Fit: whole picture, shrunk", "native": "Native: pixels as they are"},
            row="advanced",
        ),
    ] = None
    strength: Annotated[
        float | None,
        Setting(
            "Colour stre&ngth",
            "How strong the colours are, from muted to vivid: 1 is what the model predicts, 0.5 "
            "half of it, 0 gray. Hue and lightness stay; what a screen can't show is brought in. "
            "By default what suits the model.",
            low=0,
            high=10,
            row="main",
            shown_high=2,
            ends=("muted", "vivid"),
            former=FormerName("saturation", 0, 10),
        ),
    ] = None
    temperature: Annotated[
        float | None,
        Setting(
            "Temperature",
            "How one colour is read from the distribution that the model predicts: 1 takes the "
            "mean of all likely colours, 0.1 nearly the likeliest one. Lower is not stronger: it "
            "can make a picture grayer, and blotchy. By default what suits the model.",
            low=0.1,
            high=1,
            row="advanced",
            # 0 read the mean of all likely colours, 1 nearly the likeliest one.
            former=FormerName("vividness", 0, 1, convert=lambda vividness: 10.0**-vividness),
        ),
    ] = None
    chroma_limit: Annotated[
        float,
        Setting(
            "Max chr&oma",
            "The strongest colour that is painted, as CIE chroma: lower it where a few spots are "
            "glaring. sRGB reaches 134, so that 150 limits nothing. Hints are limited too.",
            low=1,
            high=UNLIMITED_CHROMA,
            row="advanced",
        ),
    ] = UNLIMITED_CHROMA
    device: Annotated[
        str,
        Setting(
            "Dev&ice",
            "Where the network runs: auto, cpu, cuda, cuda:1, mps … auto takes a GPU if there is "
            "one.",
            titles=DEVICE_TITLES,
            row="advanced",
        ),
    ] = "auto"
    precision: Annotated[
        Precision,
        Setting(
            "Precision",
            "What the network computes in. auto is float16 on CUDA, bfloat16 on CPUs that have "
            "the instructions if it leaves the model's colours as they are, else float32.",
        ),
    ] = "auto"
    memory_limit: Annotated[
        int | None,
        Setting(
            "Memory limit",
            "Bytes that predicting a plane may take, its result included. By default a quarter "
            "of what is free.",
            low=1,
        ),
    ] = None
    dtype: Annotated[
        Dtype,
        Setting(
            "&Bit depth",
            "The type of the colours: uint8 is what screens show; uint16, and float32 from 0 to "
            "1, keep the lightness of 16-bit images exact.",
            # napari shows RGB right as uint8 and as floats only.
            titles={"uint8": "8 bit", "float32": "32 bit float"},
            row="advanced",
        ),
    ] = "uint8"
    uncertainty: Annotated[
        bool,
        Setting(
            "Uncertaint&y layer",
            "Add a hidden layer that is bright where the model was unsure of the colour.",
            # The command line's --uncertainty names a file.
            option=False,
            row="advanced",
        ),
    ] = False

    def __post_init__(self) -> None:
        check(self)

    def resolved(self, card: Recommendations) -> PredictionSettings:
        """Return the same choices, with the card's in place of None.

        This is where "None means what the card says" is decided, for whatever predicts and for
        what results say about their origin.

        Parameters
        ----------
        card : ModelCard
            Of the model that is used; its `scale`, `strength` and `temperature` count.
        """
        return replace(
            self,
            scale=card.scale if self.scale is None else self.scale,
            strength=card.strength if self.strength is None else self.strength,
            temperature=card.temperature if self.temperature is None else self.temperature,
        )
