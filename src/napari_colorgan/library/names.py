"""What a model may be called: a name is also a file's name, on every system."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from napari_colorgan.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MODEL_SUFFIX = ".colorgan.safetensors"
_LONGEST = 80  # letters; leaves room for the suffix and a temporary's ending in 255 bytes of UTF-8
_LONGEST_BYTES = 200
_FORBIDDEN = set('/\\:*?"<>|')
_RESERVED = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(10)
}


def check_name(name: str) -> str:
    """Return a model's name in its normal form.

    Parameters
    ----------
    name : str
        Any letters, digits, spaces and most signs; other scripts than Latin are welcome.

    Returns
    -------
    str
        The name in Unicode's composed form (NFC), without space around it.

    Raises
    ------
    ModelError
        If some file system could not keep the name.
    """
    normal = unicodedata.normalize("NFC", name).strip()
    problem = _problem(normal)
    if problem is not None:
        raise ModelError(
            expected="a model's name that can be a file's name on every system",
            got=f"{name!r}, which {problem}",
            action="Choose another name, such as 'my-stain'.",
        )
    return normal


def _problem(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > _LONGEST or len(name.encode("utf-8", "replace")) > _LONGEST_BYTES:
        return f"is longer than {_LONGEST} letters or {_LONGEST_BYTES} bytes"
    bad = sorted({sign for sign in name if sign in _FORBIDDEN or not sign.isprintable()})
    if bad:
        return f"contains {', '.join(map(repr, bad))}"
    if name.startswith(("-", ".")) or name.endswith("."):
        return "begins with '-' or '.', or ends with '.'"
    if name.split(".")[0].strip().casefold() in _RESERVED:
        return "Windows keeps for a device"
    return None


def same_name(first: str, second: str) -> bool:
    """Tell whether two names would meet on a file system that ignores case."""
    return key(first) == key(second)


def key(name: str) -> str:
    """Return what is equal for names that would meet on a file system that ignores case."""
    return unicodedata.normalize("NFC", name).casefold()


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Return the wanted name, or the first of "wanted 2", "wanted 3" … that isn't taken."""
    used = {key(name) for name in taken}
    name, number = wanted, 1
    while key(name) in used:
        number += 1
        name = f"{wanted[: _LONGEST - 6]} {number}"
    return name


def looks_like_path(text: str) -> bool:
    """Tell whether somebody who typed this meant a file rather than a model's name."""
    return "/" in text or "\\" in text or text.lower().endswith(".safetensors")


def name_of_file(path: Path) -> str:
    """Return the model's name that a file's name gives."""
    name = unicodedata.normalize("NFC", path.name)
    for suffix in (MODEL_SUFFIX, ".safetensors"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem
