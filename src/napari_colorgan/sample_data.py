"""The images behind File > Open Sample > ColorGAN; each is read when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.services.samples import SAMPLES

if TYPE_CHECKING:
    from napari.types import LayerDataTuple


def photograph() -> list[LayerDataTuple]:
    """Return a street parade of the 1930s–40s (public domain, Library of Congress)."""
    return _sample("photograph.jpg", "FSA/OWI, Library of Congress; public domain")


def film() -> list[LayerDataTuple]:
    """Return 20 frames of Big Buck Bunny as gray (CC BY 3.0, Blender Foundation)."""
    return _sample("film.tif", "Big Buck Bunny, (c) 2008 Blender Foundation; CC BY 3.0, made gray")


def histology() -> list[LayerDataTuple]:
    """Return an H&E stained tissue as gray (CC0, CMU-1-Small-Region of OpenSlide's test data)."""
    return _sample("histology.jpg", "CMU-1-Small-Region, OpenSlide test data; CC0, made gray")


def fields() -> list[LayerDataTuple]:
    """Return ten fields of an H&E stained tissue in colour, to fine-tune on (CC0, see above)."""
    return _sample("fields.tif", "CMU-1-Small-Region, OpenSlide test data; CC0")


def focus() -> list[LayerDataTuple]:
    """Return a circuit board at seven focal distances as gray (MIT, Petteri Aimonen)."""
    return _sample("focus.tif", "Petteri Aimonen's focus-stack examples; MIT, made gray")


def micrograph() -> list[LayerDataTuple]:
    """Return four cells as an electron microscope shows them, drawn by a program (CC0)."""
    return _sample("micrograph.jpg", "Drawn by tools/micrograph.py of napari-colorgan; CC0")


def _sample(file_name: str, attribution: str) -> list[LayerDataTuple]:
    from napari_colorgan.io import read_stack

    stack = read_stack(SAMPLES / file_name)
    is_rgb = "S" in stack.axes.letters
    attributes = {
        "name": stack.name,
        "rgb": is_rgb,
        "contrast_limits": None if is_rgb else (0, 255),
        "axis_labels": tuple(stack.axes.scalar.letters.lower()),
        "metadata": {"attribution": attribution},
    }
    return [(stack.data, attributes, "image")]
