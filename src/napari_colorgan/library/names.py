"""Models' names: each is also the name of a file, on every system."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from napari_colorgan.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MODEL_SUFFIX = ".colorgan.safetensors"
_LONGEST = 80  # letters; leaves room for the suffix and a temporary's ending in 255 bytes of UTF-8
# A file's name has at most 255 bytes, of which suffix and temporaries need some.
_LONGEST_BYTES = 200
# What Windows forbids; others forbid only some of these.
_FORBIDDEN = set('/\\:*?"<>|')
# What programs call a model's file, ours in run folders among them.
_SAYING_NOTHING = ("best", "checkpoint", "model", "weights")
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
    reason = _rejection_reason(normal)
    if reason is not None:
        raise ModelError(
            expected="a model's name that can be a file's name on every system",
            got=f"{name!r}, which {reason}",
            action="Choose another name, such as 'my-stain'.",
        )
    return normal


def _rejection_reason(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > _LONGEST or len(name.encode("utf-8", "replace")) > _LONGEST_BYTES:
        return f"is longer than {_LONGEST} letters or {_LONGEST_BYTES} bytes"
    bad = sorted({letter for letter in name if letter in _FORBIDDEN or not letter.isprintable()})
    if bad:
        return f"contains {', '.join(map(repr, bad))}"
    if name.startswith(("-", ".")) or name.endswith("."):
        return "begins with '-' or '.', or ends with '.'"
    if name.split(".")[0].strip().casefold() in _RESERVED:
        return "Windows keeps for a device"
    return None


def same_name(first: str, second: str) -> bool:
    """Return whether two names are one on a file system that ignores case.

    Parameters
    ----------
    first, second : str
        The names.
    """
    return key(first) == key(second)


def key(name: str) -> str:
    """Return the name in a form that is equal for names that differ in case alone.

    Parameters
    ----------
    name : str
        The name.
    """
    return unicodedata.normalize("NFC", name).casefold()


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, or the first of "name 2", "name 3" … that isn't among those taken.

    Parameters
    ----------
    name : str
        The preferred name.
    taken : iterable of str
        Names of other models; case is ignored.
    """
    return NameSet(taken).claim(name)


class NameSet:
    """The names that are taken, case ignored.

    Parameters
    ----------
    taken : iterable of str
        The names at the beginning.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._keys = {key(name) for name in taken}

    def claim(self, name: str) -> str:
        """Return the name, or the first free one with a number after it; it is taken then.

        Parameters
        ----------
        name : str
            The preferred name.
        """
        free, number = name, 1
        while key(free) in self._keys:
            number += 1
            # Shortened, so that a name of the greatest length has room for its number.
            free = f"{name[: _LONGEST - 6]} {number}"
        self._keys.add(key(free))
        return free


def looks_like_path(text: str) -> bool:
    """Return whether a text is a file's path rather than a model's name.

    Parameters
    ----------
    text : str
        What a user has typed.
    """
    return "/" in text or "\\" in text or text.lower().endswith(".safetensors")


def name_on_import(path: Path, on_card: str) -> str:
    """Return the name that a model file is imported under, if it is free.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    on_card : str
        The name on the file's card.

    Returns
    -------
    str
        The file's own name, as everywhere in a library; the card's where the file's says nothing
        ("model.safetensors") or can't be a model's.
    """
    name = name_of_file(path).strip()
    says_nothing = key(name) in _SAYING_NOTHING
    return on_card if says_nothing or _rejection_reason(name) is not None else name


def name_of_file(path: Path) -> str:
    """Return a model file's name without its suffix, which is the model's name.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """
    name = unicodedata.normalize("NFC", path.name)
    for suffix in (MODEL_SUFFIX, ".safetensors"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem
