"""Damage bytes and folders as disks, transfers, other programs and attackers do."""

from __future__ import annotations

import re
import shutil
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

_NUMBERS = (0, 1, 2, 3, 255, 256, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_TEXTS = (
    *("-1", "0", "1e400", "NaN", "Infinity", "true", "null", "[]", "{}", '"x"', "4.0"),
    *("9" * 400, "1000000000", '"\\ud800"', '"\\u001b[31m"', '"../../x"', '"/etc/passwd"'),
)
_VALUE = re.compile(rb'-?\d+(\.\d+)?([eE][-+]?\d+)?|"[^"]{0,200}"|true|false|null')


def mutate(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Return damaged bytes; one to three kinds of damage, one after the other.

    Parameters
    ----------
    data : bytes
        A file.
    rng : numpy.random.Generator
        All chance comes from it.
    other : bytes
        Another file, parts of which may get into the first.
    """
    for _ in range(int(rng.integers(1, 4))):
        change = _CHANGES[int(rng.integers(len(_CHANGES)))]
        data = change(data, rng, other)
    return data


def mutate_folder(folder: Path, rng: np.random.Generator) -> str:
    """Damage one file of a folder, remove it, or put something else in its place.

    Returns
    -------
    str
        What was done, for a report.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[int(rng.integers(len(files)))]
    name = path.relative_to(folder).as_posix()
    action = str(rng.choice(["bytes", "bytes", "bytes", "remove", "empty", "folder", "parent"]))
    if action == "bytes":
        other = files[int(rng.integers(len(files)))].read_bytes()
        path.write_bytes(mutate(path.read_bytes(), rng, other))
    elif action == "empty":
        path.write_bytes(b"")
    elif action == "parent" and path.parent != folder:
        shutil.rmtree(path.parent)
    else:
        path.unlink()
        if action == "folder":
            path.mkdir()
            (path / "file").write_bytes(b"x")
    return f"{action} {name}"


def _place(data: bytes, rng: np.random.Generator) -> int:
    """Return a place; headers, which lie at the begin, are more likely than the rest."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 200)
    return int(rng.integers(max(end, 1)))


def _flip_bit(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _set_bytes(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    place = _place(data, rng)
    return data[:place] + rng.bytes(int(rng.integers(1, 9))) + data[place + 8 :]


def _set_number(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    place, number = _place(data, rng), int(rng.choice(_NUMBERS))
    form = str(rng.choice(["<I", ">I", "<H", ">H", "<Q"]))
    size = struct.calcsize(form)
    packed = struct.pack(form, number % 256**size)
    return data[:place] + packed + data[place + size :]


def _cut(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    return data[: _place(data, rng)]


def _remove(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    place = _place(data, rng)
    return data[:place] + data[place + int(rng.integers(1, 64)) :]


def _repeat(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    place, size = _place(data, rng), int(rng.integers(1, 256))
    return data[:place] + data[place : place + size] * int(rng.integers(2, 20)) + data[place:]


def _zero(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    place, size = _place(data, rng), int(rng.integers(1, 4096))
    kept = data[place + size :]
    return data[:place] + b"\0" * (len(data) - place - len(kept)) + kept


def _splice(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    return data[: _place(data, rng)] + other[_place(other, rng) :]


def _set_value(data: bytes, rng: np.random.Generator, _: bytes) -> bytes:
    """Replace a value in JSON, TOML, XML or CSV, whose lengths need not be right."""
    values = list(_VALUE.finditer(data[: 2**16]))
    if not values:
        return _flip_bit(data, rng, b"")
    value = values[int(rng.integers(len(values)))]
    text = str(rng.choice(_TEXTS)).encode()
    # Half the time of the same length, so that what follows stays where it was.
    if rng.random() < 0.5:
        text = text[: len(value[0])].ljust(len(value[0]))
    return data[: value.start()] + text + data[value.end() :]


_CHANGES: tuple[Callable[[bytes, np.random.Generator, bytes], bytes], ...] = (
    _flip_bit,
    _set_bytes,
    _set_number,
    _set_number,
    _set_value,
    _set_value,
    _cut,
    _remove,
    _repeat,
    _zero,
    _splice,
)
