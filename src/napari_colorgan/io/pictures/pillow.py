"""Pictures of a single plane, decoded whole: what Pillow decodes, and what all pictures share."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.as_shown import Presentation, as_shown
from napari_colorgan.io.choice import choose_image
from napari_colorgan.io.file_format import FileTarget
from napari_colorgan.io.metadata import FileMetadata, orientation, output_exif
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.io.profiles import srgb_profile
from napari_colorgan.io.stack import Stack
from napari_colorgan.io.xmp import output_xmp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.as_shown import Space
    from napari_colorgan.io.file_format import OutputSpec

LYING = (5, 6, 7, 8)
"""EXIF orientations that lay a picture on its side."""

_WEBP_LONGEST = 16383
# The number of Photoshop's resource that holds IPTC records.
IPTC_RESOURCE = 0x0404
# Pillow's modes whose pixels are taken as they are; those of others are converted to RGB.
_KEPT_MODES = ("1", "L", "I;16", "I;16B", "I", "F", "RGB", "RGBA", "LA")


def pillow_reader(module: str, name: str, extra: str = "") -> Callable[[Path, str | None], Stack]:
    """Return a reader of a format that Pillow decodes.

    Parameters
    ----------
    module, name : str
        The class of the format's files: ``module.name``. Not Image.open, which takes a large
        scan for an attack.
    extra : str
        The package to install where there is no such module.
    """

    def read(path: Path, image: str | None = None) -> Stack:
        with _open(module, name, path, extra) as file:
            number, notices = choose_image(path, int(getattr(file, "n_frames", 1)), image)
            if number:
                file.seek(number)
            profile, metadata = file.info.get("icc_profile"), _metadata(file)
            space: Space | None = "cmyk" if file.mode == "CMYK" and profile else None
            if space is None and file.mode not in _KEPT_MODES:
                file = file.convert("RGBA" if file.has_transparency_data else "RGB")
            plane = np.asarray(file)
        if plane.dtype == np.int32 and plane.size and 0 <= plane.min() and plane.max() < 2**16:
            plane = plane.astype(np.uint16)  # Pillow's wider pixels of 16-bit files
        return picture(
            path,
            plane,
            space=space,
            profile=profile,
            metadata=metadata,
            orientation=orientation(metadata.exif, metadata.xmp),
            notices=notices,
        )

    return read


def pillow_size(module: str, name: str, extra: str = "") -> Callable[[Path], tuple[int, int]]:
    """Return what reads rows and columns of the upright picture from its header.

    Parameters
    ----------
    module, name, extra : str
        As of :func:`pillow_reader`.
    """

    def size(path: Path) -> tuple[int, int]:
        with _open(module, name, path, extra) as file:
            kept = _metadata(file)
            lying = orientation(kept.exif, kept.xmp) in LYING
            return (file.width, file.height) if lying else (file.height, file.width)

    return size


def _open(module: str, name: str, path: Path, extra: str) -> Any:
    try:
        kind = getattr(import_module(module), name)
    except ImportError as error:
        if not extra:
            raise
        raise FileError(
            expected=f"the package {extra}, which decodes such pictures",
            got=f"'{path}', and no such package",
            action=f"Install it (pip install {extra}), or export the picture as PNG or TIFF.",
        ) from error
    return kind(path)


def picture(
    path: Path,
    plane: np.ndarray,
    *,
    space: Space | None = None,
    bits: int = 0,
    profile: bytes | None = None,
    metadata: FileMetadata | None = None,
    orientation: int = 1,
    notices: tuple[str, ...] = (),
) -> Stack:
    """Return a decoded picture as it is to be shown.

    Parameters
    ----------
    path : pathlib.Path
        The file, for messages.
    plane : numpy.ndarray
        Shape (Y, X), (Y, X, 1) or, with alpha, (Y, X, 2) for gray; (Y, X, 3 or more) for colours.
    space, bits, profile, orientation
        As of :class:`~napari_colorgan.io.as_shown.Presentation`; gray or RGB by the shape.
    metadata : FileMetadata, optional
        What else the file says.
    notices : tuple of str
        What is to be said about the file.
    """
    alpha = None
    if plane.ndim == 3 and plane.shape[2] == 2:
        opacity = Presentation(bits=bits, orientation=orientation)
        alpha, _, _ = as_shown(plane[..., 1], "YX", opacity)
    if plane.ndim == 3 and plane.shape[2] <= 2:
        plane = plane[..., 0]
    presentation = Presentation(
        space=space or ("gray" if plane.ndim == 2 else "rgb"),
        bits=bits,
        profile=profile,
        orientation=orientation,
    )
    data, letters, problems = as_shown(plane, "YX" if plane.ndim == 2 else "YXS", presentation)
    axes = Axes(letters)
    axes.check(data.shape)
    metadata = metadata or FileMetadata()
    return Stack(
        data,
        axes,
        notices=(*notices, *(f"'{path.name}': {problem}" for problem in problems)),
        is_photograph=bool(profile or metadata.exif),
        alpha=alpha,
        metadata=metadata.turned() if orientation in LYING else metadata,
    )


def _metadata(file: Any) -> FileMetadata:
    """Return what Pillow found in a file beside its pixels."""
    info = file.info
    dpi = info.get("dpi")
    valid = isinstance(dpi, tuple) and len(dpi) == 2 and all(side > 1 for side in dpi)
    xmp, photoshop = info.get("xmp"), info.get("photoshop")
    comment = info.get("comment", "")
    text = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    return FileMetadata(
        (float(dpi[0]), float(dpi[1])) if valid else None,
        info.get("exif"),
        xmp.encode() if isinstance(xmp, str) else xmp,
        photoshop.get(IPTC_RESOURCE) if isinstance(photoshop, dict) else None,
        texts={"Comment": text} if text else {},
    )


@contextmanager
def webp_writer(spec: OutputSpec) -> Iterator[FileTarget]:
    """Write a WebP without losses, in sRGB, with what its input said and how it was made.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    FileTarget
        It takes the one plane; the file appears when the block ends without an error.

    Raises
    ------
    FileError
        If a side exceeds the format's 16,383 pixels.
    """
    from PIL import Image

    spec.require_side(_WEBP_LONGEST, "a WebP")
    with one_plane(spec) as (target, plane, temporary):
        yield target
        size = spec.axes.plane_shape(spec.shape)
        Image.fromarray(plane).save(
            temporary,
            "WEBP",
            lossless=True,
            exact=True,  # also where alpha hides the colours
            exif=output_exif(spec.kept, spec.metadata, size),
            xmp=output_xmp(spec.kept, spec.metadata),
            icc_profile=srgb_profile() if spec.samples > 1 else None,
        )


@contextmanager
def one_plane(spec: OutputSpec) -> Iterator[tuple[FileTarget, np.ndarray, Path]]:
    """Begin an output of a single plane, which its format encodes when it is filled.

    Parameters
    ----------
    spec : OutputSpec
        What to write, and where.

    Yields
    ------
    target : FileTarget
        What the writer yields in turn.
    plane : ndarray, shape (Y, X[, S])
        What the target fills, at first 0.
    temporary : pathlib.Path
        Where the encoded file goes; it gets its name when the block ends without an error.
    """
    samples = (spec.samples,) if spec.samples > 1 else ()
    with write_atomically(spec.path, overwrite=spec.overwrite) as temporary:
        plane = np.zeros((*spec.axes.plane_shape(spec.shape), *samples), spec.dtype)

        def store(_: PlaneIndex, values: np.ndarray) -> None:
            plane[...] = values

        yield FileTarget(spec.dtype, store), plane, temporary
