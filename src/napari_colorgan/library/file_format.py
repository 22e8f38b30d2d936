"""Model files as bytes: read, checked, hashed, written and copied without torch.

A model file is a safetensors file: eight bytes with the header's length (little-endian), the header
as JSON, and the tensors' bytes without gaps. The header is parsed by the library of that name,
which checks every shape and offset against the file. What it would read whatever the cost, such as
a header of gigabytes, is refused before it sees the file.
"""
# Over 300 lines: every use of a file's bytes is here, so that their checks can't be passed by.

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import stat
import struct
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, BinaryIO

import safetensors

from napari_colorgan.errors import ModelError
from napari_colorgan.library.card import ModelCard, with_checksum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# No generator comes near; the file is read into memory.
LARGEST_FILE = 4 * 2**30
# Tensors by the ten thousand, and the pictures of a card; JSON takes several times its size.
LARGEST_HEADER = 16 * 2**20
DAMAGED = "The file is damaged: get it again from where it came from."

_PREFIX = 8
# A header spends this on each tensor, and the largest encoders have about 2,000.
_PER_TENSOR, _MOST_TENSORS = b'"data_offsets"', 20_000
_DTYPES = frozenset({"F16", "BF16", "F32", "F64", "I64", "I32", "U8", "BOOL"})
_PICKLE = "Python pickles are never loaded: they can run any code."
# Formats that are mistaken for a model file, by their first bytes.
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
    """A tensor's type and shape, as a header states them.

    Attributes
    ----------
    dtype : str
        As safetensors writes it: "F16", "F32" …
    shape : tuple of int
        The tensor's shape.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class StoredTensor(TensorInfo):
    """A tensor with its bytes.

    Attributes
    ----------
    data : bytes or bytearray
        In the machine-independent (little-endian) order of the file.
    """

    data: bytes | bytearray


@dataclass(frozen=True)
class Header:
    """A model file's table of contents.

    Attributes
    ----------
    metadata : mapping of str to str
        The card, see `ModelCard.from_metadata`.
    tensors : mapping of str to TensorInfo
        By state-dict key; they fill the file exactly.
    size : int
        The file's size in bytes.
    """

    metadata: Mapping[str, str] = field(hash=False)
    tensors: Mapping[str, TensorInfo] = field(hash=False)
    size: int


def read_header(path: Path) -> Header:
    """Read the header of a model file, and check it against the file's size.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Header
        What it states.

    Raises
    ------
    ModelError
        If the file can't be read or isn't a whole safetensors file.
    """
    try:
        with _open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            _check_begin(file, size, path.name)
        # "numpy" names what tensors would be returned as; none is read.
        with safetensors.safe_open(path, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            parts = {key: opened.get_slice(key) for key in opened.keys()}
            tensors = {
                key: TensorInfo(part.get_dtype(), tuple(part.get_shape()))
                for key, part in parts.items()
            }
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # of a NUL in the path
        raise _refused(path.name, str(error)) from error
    except safetensors.SafetensorError as error:
        raise _refused(path.name, f"a header that does not fit the file ({error})") from error
    for info in tensors.values():
        if info.dtype not in _DTYPES:
            raise _refused(path.name, f"weights of type {info.dtype}")
    return Header(metadata, tensors, size)


def read_bytes(path: Path) -> bytes:
    """Return a model file's bytes.

    Parameters
    ----------
    path : pathlib.Path
        The file, whose header `read_header` has checked.

    Raises
    ------
    ModelError
        If the system can't read it.
    """
    try:
        with _open_regular(path) as file:
            return file.read()
    except OSError as error:
        raise unreadable(path, error) from error


def parse_tensors(data: bytes, name: str) -> dict[str, StoredTensor]:
    """Return the tensors of a safetensors file.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call it in errors.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    try:
        tensors = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise _refused(name, f"a header that does not fit the file ({error})") from error
    return {
        key: StoredTensor(entry["dtype"], tuple(entry["shape"]), entry["data"])
        for key, entry in tensors
    }


def hash_tensors(tensors: Mapping[str, StoredTensor]) -> str:
    """Return the SHA-256 over every tensor's key, type, shape and bytes, keys sorted.

    Parameters
    ----------
    tensors : mapping of str to StoredTensor
        By state-dict key.

    Returns
    -------
    str
        64 hexadecimal digits. Files of the same weights have the same, whatever their cards say.
    """
    digest = hashlib.sha256()
    for key in sorted(tensors):
        tensor = tensors[key]
        digest.update(f"{key} {tensor.dtype} {tensor.shape}\n".encode())
        digest.update(tensor.data)
    return digest.hexdigest()


def write_tensors(
    target: BinaryIO, tensors: Mapping[str, StoredTensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file.

    The library's own writer orders metadata at random, so that the same model would give another
    file each time.

    Parameters
    ----------
    target : binary file
        An empty file.
    tensors : mapping of str to StoredTensor
        By state-dict key.
    metadata : mapping of str to str
        The card.
    """
    entries: dict[str, object] = {"__metadata__": dict(metadata)}
    position = 0
    # Larger types first, which keeps each tensor aligned to its own type.
    order = sorted(tensors, key=lambda key: (-_item_size(tensors[key]), key))
    for key in order:
        tensor = tensors[key]
        end = position + len(tensor.data)
        entries[key] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [position, end],
        }
        position = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write(struct.pack("<Q", len(text)))
    target.write(text)
    for key in order:
        target.write(tensors[key].data)


def copy_model_file(source: Path, target: Path, name: str, *, overwrite: bool) -> None:
    """Copy a model file whole or not at all, its weights byte for byte.

    Parameters
    ----------
    source, target : pathlib.Path
        The file and where the copy goes; they may be the same.
    name : str
        The model's name on the copy's card.
    overwrite : bool
        Whether a file at `target` may be replaced.

    Raises
    ------
    ModelError
        If the source can't be read or is no model file.
    FileError
        If the copy can't be written or may not replace what is there.
    """
    # Here: `io` brings the image formats along, which listing models has no use for.
    from napari_colorgan.io import write_atomically

    metadata = read_header(source).metadata
    card = dataclasses.replace(ModelCard.from_metadata(metadata), name=name)
    tensors = parse_tensors(read_bytes(source), source.name)
    # What a later release of the same format has added is kept.
    copied = with_checksum({**metadata, **card.to_metadata()})
    if card.checksum == "wrong":  # and stays so: a copy must not hide it
        copied["card_sha256"] = metadata.get("card_sha256", "")
    with write_atomically(target, overwrite=overwrite) as temporary, temporary.open("wb") as copy:
        write_tensors(copy, tensors, copied)


def check_weights(path: Path) -> str:
    """Compare a model file's weights with the SHA-256 on its card.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        The SHA-256, 64 hexadecimal digits.

    Raises
    ------
    ModelError
        If the file can't be read, is no whole model file, or holds other weights.
    """
    card = ModelCard.from_metadata(read_header(path).metadata)
    return check_hash(parse_tensors(read_bytes(path), path.name), card, path.name)


def check_hash(tensors: Mapping[str, StoredTensor], card: ModelCard, name: str) -> str:
    """Return the SHA-256 of a file's weights, which has to be the one on its card.

    Parameters
    ----------
    tensors : mapping of str to StoredTensor
        The weights.
    card : ModelCard
        States the SHA-256.
    name : str
        What to call the file in errors.

    Raises
    ------
    ModelError
        If they differ.
    """
    digest = hash_tensors(tensors)
    if digest != card.sha256:
        raise ModelError(
            expected=f"the weights of {name} to have the SHA-256 {card.sha256[:12] or '(none)'}…",
            got=f"{digest[:12]}…",
            action=DAMAGED,
        )
    return digest


def unreadable(path: Path, error: OSError) -> ModelError:
    """Return the error to raise when the system can't open or read a model file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    error : OSError
        What the system reports.
    """
    return ModelError(
        expected="a model file that can be read",
        got=f"{path} ({error.strerror or error})",
        action="Check the path and its permissions.",
    )


def _open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe, a device or a folder is an OSError, and nothing waits."""
    # Opening a pipe would wait for a writer, for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def _check_begin(file: BinaryIO, size: int, name: str) -> None:
    """Raise unless the parser may see the file: its size, its first bytes, its header's length."""
    if size > LARGEST_FILE:
        raise _refused(name, f"a file of {size:,} bytes, more than any model has")
    begin = file.read(2 * _PREFIX)
    for magic, what, action in _OTHER_FORMATS:
        # A safetensors file may begin with any byte, but its ninth is always a brace.
        if begin.startswith(magic) and begin[_PREFIX : _PREFIX + 1] != b"{":
            raise ModelError(expected=f"{name} to be a model file", got=what, action=action)
    if len(begin) < _PREFIX:
        raise _refused(name, "an empty file" if not begin else f"a file of {size} bytes")
    (length,) = struct.unpack("<Q", begin[:_PREFIX])
    if not 2 <= length <= min(LARGEST_HEADER, size - _PREFIX):
        raise _refused(name, f"a header of stated length {length:,} in a file of {size:,} bytes")
    file.seek(_PREFIX)
    count = file.read(length).count(_PER_TENSOR)
    if count > _MOST_TENSORS:
        raise _refused(name, f"{count:,} tensors, more than any model has")


def _refused(name: str, got: str) -> ModelError:
    return ModelError(
        expected=f"{name} to be a whole safetensors file of napari-colorgan",
        got=got,
        action="It may be damaged or cut short: get it again from where it came from.",
    )


def _item_size(tensor: StoredTensor) -> int:
    return len(tensor.data) // max(prod(tensor.shape), 1)
