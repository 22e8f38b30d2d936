"""A model file's header, read and checked without torch and before anything is allocated.

A safetensors file is eight bytes with the header's length (little-endian), the header as JSON,
and the tensors' bytes without gaps.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

from napari_colorgan.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ITEM_SIZES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
LARGEST_FILE = 4 * 2**30
LARGEST_HEADER = 16 * 2**20
_PREFIX = 8
_CHUNK = 2**20

# What people mistake for a model file, by its first bytes.
_PICKLE = "Python pickles are never loaded: they can run any code."
_OTHER_FORMATS = (
    (b"PK", "a zip archive, which is what torch.save writes", _PICKLE),
    (b"\x80", "a Python pickle", _PICKLE),
    (b"\x89HDF", "an HDF5 file", "Only .safetensors files that this program wrote are loaded."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"{", "a JSON file", "Only .safetensors files that this program wrote are loaded."),
    (b"version https", "a Git LFS pointer", "Fetch the file itself: `git lfs pull`."),
    (b"<", "a web page", "Download the file itself, not the page about it."),
)


@dataclass(frozen=True)
class TensorInfo:
    """Where a tensor lies in the file's data part.

    Attributes
    ----------
    dtype : str
        As safetensors writes it: "F16", "F32" …
    shape : tuple of int
        The tensor's shape.
    start, end : int
        Byte offsets from the end of the header.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """A model file's table of contents.

    Attributes
    ----------
    metadata : mapping of str to str
        The card, see `ModelCard.from_metadata`.
    tensors : mapping of str to TensorInfo
        By state-dict key.
    data_start : int
        Where the tensors' bytes begin in the file.
    """

    metadata: Mapping[str, str] = field(hash=False)
    tensors: Mapping[str, TensorInfo] = field(hash=False)
    data_start: int

    @property
    def size(self) -> int:
        """The file's size in bytes: the weights fill it to its end."""
        return max((info.end for info in self.tensors.values()), default=0) + self.data_start


def read_header(path: Path) -> Header:
    """Read and check the header of a model file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Header
        Whose tensors fill the rest of the file exactly.

    Raises
    ------
    ModelError
        If the file can't be read or isn't a whole safetensors file.
    """
    try:
        with path.open("rb") as file:
            return parse_header(file, path.stat().st_size, path.name)
    except OSError as error:
        raise unreadable(path, error) from error


def parse_header(file: BinaryIO, size: int, name: str) -> Header:
    """Do what `read_header` does, for an open file of a known size.

    Parameters
    ----------
    file : binary file
        At its beginning.
    size : int
        Its size in bytes.
    name : str
        What to call it in errors.
    """
    if size > LARGEST_FILE:
        raise _refused(name, f"a file of {size:,} bytes, more than any model has")
    prefix = file.read(_PREFIX)
    _refuse_other_formats(prefix + file.read(8), name)
    if len(prefix) < _PREFIX:
        raise _refused(name, "an empty file" if not prefix else f"a file of {size} bytes")
    (length,) = struct.unpack("<Q", prefix)
    if not 2 <= length <= min(LARGEST_HEADER, size - _PREFIX):
        raise _refused(name, f"a header of stated length {length:,} in a file of {size:,} bytes")
    file.seek(_PREFIX)
    try:
        stated = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_unique)
        metadata = stated.pop("__metadata__", {})
        if not all(isinstance(value, str) for value in metadata.values()):
            raise _refused(name, "metadata that isn't text")
        tensors = {key: _tensor_info(entry) for key, entry in stated.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(name, f"a header that can't be read ({error})") from error
    _check_layout(tensors, size - _PREFIX - length, name)
    return Header(metadata, tensors, _PREFIX + length)


def hash_tensors(file: BinaryIO, header: Header) -> str:
    """Return the SHA-256 over every tensor's key, type, shape and bytes, keys sorted.

    Parameters
    ----------
    file : binary file
        The model file, seekable.
    header : Header
        Its header.

    Returns
    -------
    str
        64 hexadecimal digits. Files of the same weights agree, whatever their cards say.
    """
    digest = hashlib.sha256()
    for key in sorted(header.tensors):
        info = header.tensors[key]
        digest.update(f"{key} {info.dtype} {info.shape}\n".encode())
        file.seek(header.data_start + info.start)
        left = info.end - info.start
        while left > 0:
            chunk = file.read(min(left, _CHUNK))
            if not chunk:
                break  # cut short since the header was checked: the digest will not agree
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def write_with_metadata(
    source: BinaryIO, header: Header, metadata: Mapping[str, str], target: BinaryIO
) -> None:
    """Copy a model file, its weights byte for byte, with other metadata.

    Parameters
    ----------
    source, target : binary file
        The model file and the empty copy.
    header : Header
        The source's header.
    metadata : mapping of str to str
        What the copy's card says.
    """
    entries: dict[str, object] = {"__metadata__": dict(metadata)}
    for key, info in header.tensors.items():
        offsets = [info.start, info.end]
        entries[key] = {"dtype": info.dtype, "shape": info.shape, "data_offsets": offsets}
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # safetensors keeps tensors aligned
    target.write(struct.pack("<Q", len(text)))
    target.write(text)
    source.seek(header.data_start)
    while chunk := source.read(_CHUNK):
        target.write(chunk)


def unreadable(path: Path, error: OSError) -> ModelError:
    """Return the error to raise when the system can't open or read a model file."""
    return ModelError(
        expected="a model file that can be read",
        got=f"{path} ({error.strerror or error})",
        action="Check the path and its permissions.",
    )


def _refused(name: str, got: str) -> ModelError:
    return ModelError(
        expected=f"{name} to be a whole safetensors file of napari-colorgan",
        got=got,
        action="It may be damaged or cut short: get it again from where it came from.",
    )


def _refuse_other_formats(begin: bytes, name: str) -> None:
    for magic, what, action in _OTHER_FORMATS:
        # A safetensors file may begin with any byte, but its ninth is always a brace.
        if begin.startswith(magic) and begin[_PREFIX : _PREFIX + 1] != b"{":
            raise ModelError(expected=f"{name} to be a model file", got=what, action=action)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        message = "a key is there twice"
        raise ValueError(message)
    return values


def _tensor_info(entry: Mapping[str, Any]) -> TensorInfo:
    dtype, shape, (start, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    numbers = (*shape, start, end)
    if dtype not in ITEM_SIZES or any(type(n) is not int or n < 0 for n in numbers):
        message = f"type {dtype!r}, shape {shape!r}, offsets {start!r} to {end!r}"
        raise ValueError(message)
    if prod(shape) * ITEM_SIZES[dtype] != end - start:
        message = f"shape {shape} of {dtype} does not take {end - start} bytes"
        raise ValueError(message)
    return TensorInfo(dtype, shape, start, end)


def _check_layout(tensors: Mapping[str, TensorInfo], data_size: int, name: str) -> None:
    position = 0
    for info in sorted(tensors.values(), key=lambda each: (each.start, each.end)):
        if info.start != position:
            raise _refused(name, "tensors that overlap or leave gaps")
        position = info.end
    if position != data_size:
        raise _refused(name, f"{data_size:,} bytes of weights where {position:,} are stated")
