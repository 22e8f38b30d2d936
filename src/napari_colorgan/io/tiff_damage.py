"""TIFF files that end too early, which tifffile lets pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorgan.io.problems import damaged

if TYPE_CHECKING:
    from pathlib import Path

# Bytes of a value, by TIFF's number of its type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}


def require_complete(path: Path, file: Any, series: Any) -> None:
    """Raise if a file ends before what its pages point to.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    file : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The image in it.

    Raises
    ------
    FileError
        If pixels, metadata or pages are missing.
    """
    for page in filter(None, series.pages):
        size = page.parent.filehandle.size
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if max(ends, default=0) > size:
            raise damaged(path, "it ends before its pixels do")
    if _end_of_tags(file) > file.filehandle.size:
        raise damaged(path, "it ends before its metadata do")
    if _next_page_offset(file):
        raise damaged(path, "it ends before its last page")


def _end_of_tags(file: Any) -> int:
    """Return where the values of the first page's tags end; tifffile leaves out broken ones."""
    form, handle = file.tiff, file.filehandle
    handle.seek(file.pages[0].offset)
    count = _number(form, handle.read(form.tagnosize))
    table = handle.read(count * form.tagsize)
    end = 0
    for start in range(0, len(table), form.tagsize):
        entry = table[start : start + form.tagsize]
        values, offset = entry[4 : 4 + form.offsetsize], entry[4 + form.offsetsize :]
        size = _number(form, values) * _SIZES.get(_number(form, entry[2:4]), 0)
        if size > form.offsetsize:  # smaller values lie in the entry itself
            end = max(end, _number(form, offset) + size)
    return end


def _next_page_offset(file: Any) -> int:
    """Return where the page after the last one that could be read should be; 0 for none."""
    form, handle = file.tiff, file.filehandle
    handle.seek(file.pages[-1].offset)
    tags = _number(form, handle.read(form.tagnosize))
    handle.seek(tags * form.tagsize, 1)
    return _number(form, handle.read(form.offsetsize))


def _number(form: Any, data: bytes) -> int:
    return int.from_bytes(data, "little" if form.byteorder == "<" else "big")
