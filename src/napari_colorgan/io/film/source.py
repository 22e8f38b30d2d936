"""What a film says of its frames, beside their pixels."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


@dataclass(frozen=True, eq=False)
class FilmSource:
    """When each frame of a film is shown, and where its sound is.

    Attributes
    ----------
    path : pathlib.Path or None
        The file, whose sound and subtitles go into outputs; None for a sequence of pictures.
    times : numpy.ndarray of int64
        When each frame is shown, in ascending order.
    time_base : Fraction
        The unit of `times`, in seconds.
    rate : Fraction
        Frames per second, on average.
    pixel_aspect : Fraction
        Width of a pixel of an upright frame divided by its height.
    numbers : tuple of int
        Of the pictures of a sequence.
    """

    path: Path | None
    times: np.ndarray
    time_base: Fraction
    rate: Fraction
    pixel_aspect: Fraction = Fraction(1)
    numbers: tuple[int, ...] = ()


def import_av(path: Path) -> Any:
    """Return PyAV.

    Parameters
    ----------
    path : pathlib.Path
        The film, for the message.

    Raises
    ------
    FileError
        If it isn't installed.
    """
    try:
        import av
    except ImportError as error:
        raise FileError(
            expected="the package av, which reads and writes films",
            got=f"'{path}', and no such package",
            action='Install it: pip install "napari-colorgan[video]".',
        ) from error
    return av
