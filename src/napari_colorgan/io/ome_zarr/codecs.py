"""The codecs that a zarr store may use, checked before zarr reads a chunk.

A store names the programs that decode its chunks, and one of them, ``pickle``, runs any code. So
the names are read from the metadata files, and those that do more than turn bytes into numbers are
refused before zarr opens the array.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from napari_colorgan.errors import FileError
from napari_colorgan.io.problems import damaged
from napari_colorgan.memory import free_system_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

METADATA_FILES = ("zarr.json", ".zarray", ".zgroup", ".zmetadata")
# Plates with thousands of wells have a few MB; JSON takes several times its size in memory.
_LARGEST_METADATA = 64 * 2**20
# Where array metadata names codecs: format 3, its sharding, and format 2.
_LISTS = ("codecs", "index_codecs", "filters", "storage_transformers")
_PREFIX = "numcodecs."
# The codecs of the zarr specifications and of numcodecs that decode numbers. Their format 3 names
# have the prefix "numcodecs.".
_ALLOWED = frozenset(
    "bytes endian transpose crc32c sharding_indexed cast_value scale_offset "
    "blosc gzip zstd zlib lz4 lz4hc bz2 lzma zfpy pcodec delta shuffle fixedscaleoffset quantize "
    "bitround packbits astype crc32 adler32 fletcher32 jenkins_lookup3".split()
)


def check_codecs(folder: Path) -> None:
    """Raise unless all codecs that a zarr node names are known to be harmless.

    Parameters
    ----------
    folder : pathlib.Path
        An array or a group; consolidated metadata names the codecs of the arrays in it.

    Raises
    ------
    FileError
        If a codec is not in the list, or the metadata can't be read.
    """
    for name in METADATA_FILES:
        file = folder / name
        if file.is_file():
            check_metadata(file, file.stat().st_size, file.read_bytes)


def check_zipped_codecs(archive: Path) -> None:
    """Raise unless all codecs that any node in a ZIP archive names are known to be harmless.

    Parameters
    ----------
    archive : pathlib.Path
        A zipped zarr store.

    Raises
    ------
    FileError
        If a codec is not in the list, the metadata can't be read, or a part of the archive would
        not fit into memory once it is unpacked.
    """
    free = free_system_memory()
    with ZipFile(archive) as file:
        for entry in file.infolist():
            if entry.file_size > free:
                raise damaged(archive, f"'{entry.filename}' unpacks to {entry.file_size:,} bytes")
            if entry.filename.rpartition("/")[2] in METADATA_FILES:
                place = archive / entry.filename
                check_metadata(place, entry.file_size, partial(file.read, entry))


def check_metadata(file: Path, size: int, read: Callable[[], bytes]) -> None:
    """Raise unless all codecs that a metadata file names are known to be harmless.

    Parameters
    ----------
    file : pathlib.Path
        The file, for messages.
    size : int
        Its size in bytes.
    read : callable
        Returns its content.

    Raises
    ------
    FileError
        If a codec is not in the list, or the file can't be read.
    """
    if size > _LARGEST_METADATA:
        raise damaged(file, "it is larger than any metadata")
    try:
        codecs = list(_codecs(json.loads(read())))
    except (ValueError, RecursionError) as error:
        raise damaged(file, error) from error
    for codec in codecs:
        if not isinstance(codec, str) or codec.removeprefix(_PREFIX).lower() not in _ALLOWED:
            raise FileError(
                expected="a zarr store whose codecs only decode numbers",
                got=f"the codec {str(codec)[:60]!r} in '{file}'",
                action="Convert the image with the program that has written it.",
            )


def _codecs(value: Any) -> Iterator[object]:
    """Yield the names of all codecs in a JSON value, however deep they lie."""
    if isinstance(value, list):
        for each in value:
            yield from _codecs(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "attributes":
                continue  # the user's own, which zarr does not interpret
            entries = each if key in _LISTS and isinstance(each, list) else []
            if key == "compressor" and each is not None:
                entries = [each]
            for entry in entries:
                is_record = isinstance(entry, dict)
                yield entry.get("name", entry.get("id")) if is_record else entry
            yield from _codecs(each)
