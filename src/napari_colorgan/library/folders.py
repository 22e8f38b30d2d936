"""The folders of a library, and the models and other files that lie in them."""

# Over 300 lines: what is listed, and how a file is read once.

from __future__ import annotations

import copy
import dataclasses
import math
import os
import reprlib
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_colorgan.errors import ColorganError, ModelError
from napari_colorgan.home import data_folder, expand
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.file_format import read_header, unreadable
from napari_colorgan.library.names import NameSet, check_name, key, name_of_file

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind: TypeAlias = Literal["bundled", "own", "shared", "file"]

# What reading a hostile file has been seen to raise, besides a ModelError.
_UNEXPECTED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
# Of the files that were read, by path: the version (device, inode, size, time) and the card, or
# what is wrong with it.
_cards: dict[Path, tuple[tuple[int, ...], ModelCard | ModelError]] = {}
# Kept between listings, so that a process that lives long does not grow.
_MOST_CARDS = 5_000

BUNDLED_FOLDER = Path(__file__).with_name("bundled")
SHARED_VARIABLE = "NAPARI_COLORGAN_SHARED_MODELS"


@dataclass(frozen=True)
class ModelFolders:
    """The folders of a library.

    Attributes
    ----------
    own : pathlib.Path
        The user's; it may not exist yet.
    shared : pathlib.Path or None
        A group's, which is only read.
    bundled : pathlib.Path
        The package's.
    """

    own: Path
    shared: Path | None = None
    bundled: Path = BUNDLED_FOLDER

    @classmethod
    def of(cls, own: str | Path | None, shared: str | Path | None) -> ModelFolders:
        """Return the folders of a library.

        Parameters
        ----------
        own : str or pathlib.Path or None
            The user's folder; None for the one that NAPARI_COLORGAN_HOME names, or the system's
            for a user's data.
        shared : str or pathlib.Path or None
            A group's; None for the one that NAPARI_COLORGAN_SHARED_MODELS names, if it does.
        """
        shared = shared or os.environ.get(SHARED_VARIABLE)
        return cls(
            own=expand(own) if own else data_folder() / "models",
            shared=expand(shared) if shared else None,
        )

    def by_kind(self) -> list[tuple[Kind, Path]]:
        """Return the folders with their kinds, in the order in which they claim names."""
        folders: list[tuple[Kind, Path]] = [("bundled", self.bundled), ("own", self.own)]
        return folders if self.shared is None else [*folders, ("shared", self.shared)]


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be chosen; its weights are not loaded.

    Attributes
    ----------
    name : str
        Unique in its library.
    path : pathlib.Path
        The file.
    card : ModelCard
        The card in the file, with `name` as its name.
    kind : {"bundled", "own", "shared", "file"}
        Shipped with the package, in the user's folder, in the read-only folder of a group, or
        a file elsewhere.
    size : int
        The file's, in bytes.
    """

    name: str
    path: Path
    card: ModelCard
    kind: Kind
    size: int

    @property
    def bundled(self) -> bool:
        """Whether it ships with the package."""
        return self.kind == "bundled"


@dataclass(frozen=True)
class SkippedFile:
    """A file or folder that offers no model, and why.

    Attributes
    ----------
    path : pathlib.Path
        Where it is.
    reason : ColorganError
        What is wrong and what to do.
    """

    path: Path
    reason: ColorganError


@dataclass(frozen=True)
class Listing:
    """What lies in a library's folders.

    Attributes
    ----------
    entries : tuple of ModelEntry
        In the folders' order, by name within each.
    skipped : tuple of SkippedFile
        Damaged files, files of other programs or newer releases, folders that can't be read.
    unread : tuple of pathlib.Path
        Files for which there was no time; `read_card` reads them, and the next listing has them.
    """

    entries: tuple[ModelEntry, ...]
    skipped: tuple[SkippedFile, ...]
    unread: tuple[Path, ...] = ()


def list_folders(
    folders: Iterable[tuple[Kind, Path]],
    *,
    within_s: float = math.inf,
    first: str | None = None,
) -> Listing:
    """Return the models in some folders, and the files there that should be models but are not.

    Parameters
    ----------
    folders : iterable of (str, pathlib.Path)
        Each folder's kind and path. A model whose name is taken by an earlier one gets a number
        after its name, so that no model hides another.
    within_s : float
        Seconds that reading files may take. One that was read before and hasn't changed costs
        nothing.
    first : str or None
        The name of a model whose file is read in any case.
    """
    entries: list[ModelEntry] = []
    skipped: list[SkippedFile] = []
    unread: list[Path] = []
    names = NameSet()
    end = time.monotonic() + within_s
    for kind, folder in folders:
        try:
            paths = _model_files(folder, required=kind == "shared")
        except ModelError as error:
            skipped.append(SkippedFile(folder, error))
            continue
        for path in paths:
            try:
                name = check_name(name_of_file(path))
                is_first = first is not None and key(name) == key(first)
                if not is_first and time.monotonic() > end and not _is_known(path):
                    unread.append(path)
                    names.claim(name)
                    continue
                entry = read_entry(path, kind, name)
            except ModelError as error:
                skipped.append(SkippedFile(path, error))
                continue
            entries.append(_renamed(entry, names.claim(entry.name)))
    return Listing(tuple(entries), tuple(skipped), tuple(unread))


def read_card(path: Path) -> None:
    """Read a file's card, or what is wrong with it, so that listing it costs nothing any more.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """
    with suppress(ModelError):
        _read_card(path)


def forget_cards() -> None:
    """Read all cards anew when they are needed next."""
    _cards.clear()


def _is_known(path: Path) -> bool:
    known = _cards.get(path)
    try:
        return known is not None and known[0] == _version(path.stat())
    except (OSError, ValueError):
        return True  # what is wrong is said at once


def _version(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def read_entry(path: Path, kind: Kind, name: str | None = None) -> ModelEntry:
    """Return a model file's entry.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    kind : {"bundled", "own", "shared", "file"}
        Where it lies.
    name : str, optional
        Its name there; by default the one on its card.

    Returns
    -------
    ModelEntry
        With the card that is in the file.

    Raises
    ------
    ModelError
        If it can't be read, is damaged or is no model of this program.
    """
    card, size = _read_card(path)
    entry = ModelEntry(card.name, path, card, kind, size)
    return entry if name is None else _renamed(entry, name)


def _read_card(path: Path) -> tuple[ModelCard, int]:
    """Return a file's card and size; the same file is read once, whether or not it can be used.

    The one place where files of a library are read: whatever is wrong with one of them is a
    ModelError about that file, so that it can't hide the others.
    """
    try:
        status = path.stat()
        version = _version(status)
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # of a NUL in the path
        raise _unusable(path, error) from error
    known = _cards.get(path)
    if known is None or known[0] != version:
        if len(_cards) >= _MOST_CARDS:
            _cards.clear()
        known = _cards[path] = (version, _parse_card(path))
    result = known[1]
    if isinstance(result, ModelError):
        # A new one, since an error keeps the frames in which it was raised alive.
        raise ModelError(expected=result.expected, got=result.got, action=result.action)
    return result, status.st_size


def _parse_card(path: Path) -> ModelCard | ModelError:
    try:
        return ModelCard.from_metadata(read_header(path).metadata)
    except ModelError as error:
        return error.with_traceback(None)
    except _UNEXPECTED as error:
        return _unusable(path, error)


def _unusable(path: Path, error: Exception) -> ModelError:
    return ModelError(
        expected=f"{path.name} to be a model file",
        got=f"one that can't be read ({type(error).__name__}: {reprlib.repr(str(error))})",
        action="It may be damaged: get it again from where it came from.",
    )


def _renamed(entry: ModelEntry, name: str) -> ModelEntry:
    if name == entry.card.name == entry.name:
        return entry
    # Not by `replace`, which checks every text of the card again: a library of 200 models is listed
    # at every click.
    card = copy.copy(entry.card)
    object.__setattr__(card, "name", check_name(name))
    return dataclasses.replace(entry, name=name, card=card)


def _model_files(folder: Path, *, required: bool) -> list[Path]:
    """Return a folder's model files by name; temporary ones begin with a dot."""
    try:
        paths = [
            path
            for path in folder.iterdir()
            if path.name.lower().endswith(".safetensors") and not path.name.startswith(".")
        ]
    except FileNotFoundError as error:
        if not required:
            return []
        raise _unreadable(folder, error) from error
    except OSError as error:
        raise _unreadable(folder, error) from error
    # By the models' names: "stain" before "stain 2", however their suffixes would be sorted.
    return sorted(paths, key=lambda path: (key(name_of_file(path)), path.name))


def _unreadable(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        expected="a folder of models that can be read",
        got=f"{folder} ({error.strerror or error})",
        action="Check the path in the preferences, and that the disk is there.",
    )
