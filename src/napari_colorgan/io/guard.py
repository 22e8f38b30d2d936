"""What is looked at before a file is opened or decoded, whatever its format.

A path can name a pipe that nobody writes to, and a header of a few bytes can state more pixels
than any memory holds. Both are found here, before a decoder believes them.
"""

from __future__ import annotations

import math
import os
import stat
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import FileError
from napari_colorgan.io.problems import damaged
from napari_colorgan.memory import free_system_memory

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.io.file_format import FileFormat
    from napari_colorgan.io.stack import Stack

# More pixels than this for each byte are in no file of these formats: Deflate makes at most 1,032
# bytes of one, Huffman codes need a bit for each block of 64 pixels, and the others repeat less.
_MOST_PIXELS_PER_BYTE = 16_384
_BOUNDED = ("JPEG", "PNG", "BMP", "GIF", "PNM", "PCX", "TGA")
# Files below this size may state more, since small pictures of one colour need almost nothing.
_SMALL_PIXELS = 2**20
# What a decoded pixel takes: 4 samples, and again while they are brought to their right order.
_DECODED_BYTES = 8
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_regular(path: Path) -> None:
    """Raise if a path names neither a file nor a folder: reading it could wait for ever.

    Parameters
    ----------
    path : pathlib.Path
        What is there may be anything, or nothing.

    Raises
    ------
    FileError
        If it is a pipe, a socket or a device.
    OSError
        If there is nothing, or the system can't say what.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FileError(
            expected="a file or folder",
            got=f"{_KINDS.get(stat.S_IFMT(mode), 'something else')} at '{path}'",
            action="Copy what comes from there to a file first.",
        )


def require_plausible(path: Path, form: FileFormat) -> None:
    """Raise if a picture's header states more pixels than its file or the memory can hold.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    form : FileFormat
        Its format; one whose header doesn't tell the size is passed over.

    Raises
    ------
    FileError
        With the numbers.
    """
    if form.read_size is None:
        return
    rows, columns = form.read_size(path)
    pixels, size = rows * columns, os.stat(path).st_size
    if form.name in _BOUNDED and pixels > max(size * _MOST_PIXELS_PER_BYTE, _SMALL_PIXELS):
        reason = f"it states {rows:,} × {columns:,} pixels, more than its {size:,} bytes can hold"
        raise damaged(path, reason)
    _require_memory(path, (rows, columns), pixels * _DECODED_BYTES)


def require_planes_fit(path: Path, stack: Stack, *, in_parts: bool = False) -> None:
    """Raise if a plane of an opened file, or a part that is decoded at once, exceeds the memory.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    stack : Stack
        What was opened; none of its pixels have to be read yet.
    in_parts : bool
        Whether planes are read by parts where the file has strips, tiles or chunks.

    Raises
    ------
    FileError
        With the numbers.
    """
    data, axes = stack.data, stack.axes
    if isinstance(data, np.ndarray) and not isinstance(data, np.memmap):
        return  # it has been decoded by now
    if in_parts and getattr(data, "is_mapped", False):
        return
    item = np.dtype(data.dtype).itemsize
    samples = axes.size(data.shape, "S") if axes.has_samples else 1
    rows, columns = axes.plane_shape(data.shape)
    chunks = getattr(data, "chunks", None)
    is_sized = isinstance(chunks, tuple) and all(isinstance(size, int) for size in chunks)
    part = math.prod(chunks) if isinstance(chunks, tuple) and is_sized else 0
    plane = rows * columns * samples
    if in_parts and isinstance(chunks, tuple) and is_sized:
        # A row of tiles, which are decoded together.
        plane = min(plane, chunks[axes.letters.index("Y")] * columns * samples)
    _require_memory(path, (rows, columns), max(plane, part) * item)


def _require_memory(path: Path, shape: tuple[int, int], needed: int) -> None:
    free = free_system_memory()
    if needed > free:
        raise FileError(
            expected=f"an image whose planes fit into the {free / 1e9:,.2f} GB of free memory",
            got=f"planes of {shape[0]:,} × {shape[1]:,} pixels in '{path}', "
            f"which take {needed / 1e9:,.2f} GB",
            action="Free memory, raise the limit of the process, or crop or shrink the image.",
        )
