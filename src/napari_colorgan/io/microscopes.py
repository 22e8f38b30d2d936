"""Microscopes' own formats, read by bioio where it and its plug-in for the format are installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.lazy import PlaneArray
from napari_colorgan.io.stack import Stack, calibrated

if TYPE_CHECKING:
    from pathlib import Path

# First bytes, what a file that begins so is called, and the plug-in of bioio that reads it.
_KINDS = (
    (rb"ZISRAWFILE", "a CZI file of a Zeiss microscope", "bioio-czi"),
    (rb"\xda\xce\xbe\x0a", "an ND2 file of a Nikon microscope", "bioio-nd2"),
    (rb"\x70\0\0\0.{4}\x2a", "a LIF file of a Leica microscope", "bioio-lif"),
    (rb"\xd0\xcf\x11\xe0", "an OIB, FlashPix or Office file", "bioio-bioformats"),
    (rb"\x89HDF", "an HDF5 file, such as Imaris's", "bioio-bioformats"),
    (rb".{128}DICM", "a DICOM image", "bioio-bioformats"),
    (rb"NRRD", "an NRRD image", "bioio-bioformats"),
    (rb".{208}MAP ", "an MRC map", "bioio-bioformats"),
)
MAGIC = b"|".join(magic for magic, _, _ in _KINDS)
"""A regular expression that matches how such files begin."""
_BEGINNING = 212


def read_microscope(path: Path, image: str | None = None) -> Stack:
    """Open a file of a microscope's own format through bioio.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    image : str, optional
        Which of its scenes, by number or name.

    Returns
    -------
    Stack
        Axes among TCZYX, and S for RGB; those of length 1 are left out.

    Raises
    ------
    FileError
        If bioio, or its plug-in for the format, isn't installed.
    """
    try:
        import bioio
    except ImportError as error:
        raise _not_installed(path) from error
    try:
        opened = bioio.BioImage(path)
    except Exception as error:  # bioio's error for a missing plug-in differs by release
        raise _not_installed(path) from error
    scenes = [str(scene) for scene in opened.scenes]
    number, notices = choose_image(path, scenes, image)
    opened.set_scene(number)
    letters = str(opened.dims.order)
    data: Any = opened.dask_data
    kept = [k for k, n in zip(letters, data.shape, strict=True) if n > 1 or k in "YX"]
    data = data[tuple(slice(None) if k in kept else 0 for k in letters)]
    letters = "".join(kept)
    axes = Axes(letters)
    axes.check(data.shape)
    sizes = {
        letter: (float(size), "micrometer")
        for letter in "ZYX"
        if (size := getattr(opened.physical_pixel_sizes, letter, None))
    }
    step = getattr(opened, "time_interval", None)
    if step:
        seconds = step.total_seconds() if hasattr(step, "total_seconds") else float(step)
        sizes["T"] = seconds, "second"
    scale, units = calibrated(axes, sizes)
    return Stack(
        PlaneArray(data),
        axes,
        scale,
        units,
        notices=notices,
        is_measured=True,
        images=tuple(scenes) if len(scenes) > 1 else (),
    )


def _not_installed(path: Path) -> FileError:
    with path.open("rb") as file:
        start = file.read(_BEGINNING)
    what, plugin = next(
        (what, plugin) for magic, what, plugin in _KINDS if re.match(magic, start, re.DOTALL)
    )
    return FileError(
        expected=f"bioio and its plug-in {plugin}, which read such files",
        got=f"{what} at '{path}', and not both of them",
        action=f"Install them: pip install bioio {plugin}. Or open the file in napari with a "
        "reader of its format, and colorize the layer; or export it as OME-TIFF.",
    )
