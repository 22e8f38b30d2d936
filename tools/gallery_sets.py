"""The kinds of images and the samples that docs/gallery.md shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """A kind of image of the gallery.

    Attributes
    ----------
    name : str
        A set of `QUALITY_SETS` whose pictures may be shown.
    title : str
        Its heading.
    model : str
        What colorizes it.
    """

    name: str
    title: str
    model: str = "natural"

    @property
    def command(self) -> str:
        """The command that makes its pictures."""
        words = f"gray/{self.name} --model {self.model} -o colour/{self.name}"
        return f"napari-colorgan colorize {words}"


@dataclass(frozen=True)
class Sample:
    """A sample of the gallery.

    Attributes
    ----------
    title : str
        What it is.
    source, result : str
        The files that the command reads and writes.
    options : str
        The command's further words.
    plane : int or None
        The plane of a stack that is shown.
    """

    title: str
    source: str
    result: str
    options: str = ""
    plane: int | None = None

    @property
    def command(self) -> str:
        """The command that makes it."""
        words = ("napari-colorgan colorize", f"samples/{self.source}", self.options)
        return " ".join([*filter(None, words), "-o", self.result])


DOMAINS = (
    Domain("prokudin", "Photographs of 1905–15"),
    Domain("fsa_colour", "Colour film of 1939–44"),
    Domain("documerica", "Photographs of the 1970s"),
    Domain("dsb2018", "H&E-stained tissue", "microscopy"),
    Domain("chula_rbc", "Blood smears", "microscopy"),
)
SAMPLE_PICTURES = (
    Sample("A photograph of the 1930s", "photograph.jpg", "photograph.png"),
    Sample("The same with a few hints", "photograph.jpg", "hinted.png", "--hints hints.csv"),
    Sample("A frame of a film", "film.tif", "film.tif", plane=10),
    Sample("A plane of a focus stack", "focus.tif", "focus.tif", plane=3),
    Sample("Tissue", "histology.jpg", "histology.png", "--model microscopy"),
    Sample("Tissue with the wrong model", "histology.jpg", "wrong.png", "--model natural"),
    Sample(
        "A micrograph with hints",
        "micrograph.jpg",
        "micrograph.png",
        "--hints kinds.csv --strength 0 --scale native",
    ),
)
