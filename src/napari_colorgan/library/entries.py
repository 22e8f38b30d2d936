"""What lies in a folder of models, told by the files' headers alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_colorgan.errors import ColorganError, ModelError
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.header import read_header
from napari_colorgan.library.names import check_name, free_name, key, name_of_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Kind: TypeAlias = Literal["bundled", "own", "shared", "file"]


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
        What it says about itself, under `name`.
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


def list_folders(
    folders: Iterable[tuple[Kind, Path]],
) -> tuple[tuple[ModelEntry, ...], tuple[SkippedFile, ...]]:
    """Return the models in some folders, and what else looks like models there.

    Parameters
    ----------
    folders : iterable of (str, pathlib.Path)
        Each folder's kind and place. A model whose name is taken by an earlier one gets a number
        after its name, so that nothing hides anything.

    Returns
    -------
    entries : tuple of ModelEntry
        In the folders' order, by name within each.
    skipped : tuple of SkippedFile
        Damaged files, files of other programs or newer releases, folders that can't be read.
    """
    entries: list[ModelEntry] = []
    skipped: list[SkippedFile] = []
    for kind, folder in folders:
        try:
            paths = _model_files(folder, required=kind == "shared")
        except ModelError as error:
            skipped.append(SkippedFile(folder, error))
            continue
        for path in paths:
            try:
                entry = read_entry(path, kind, check_name(name_of_file(path)))
            except ModelError as error:
                skipped.append(SkippedFile(path, error))
                continue
            name = free_name(entry.name, (other.name for other in entries))
            entries.append(_renamed(entry, name))
    return tuple(entries), tuple(skipped)


def read_entry(path: Path, kind: Kind, name: str | None = None) -> ModelEntry:
    """Return a model file's entry.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    kind : {"bundled", "own", "shared", "file"}
        Where it lies.
    name : str, optional
        What it is called there; by default what its card says.

    Raises
    ------
    ModelError
        If it can't be read, is damaged or is no model of this program.
    """
    header = read_header(path)
    card = ModelCard.from_metadata(header.metadata)
    entry = ModelEntry(card.name, path, card, kind, header.size)
    return entry if name is None else _renamed(entry, name)


def _renamed(entry: ModelEntry, name: str) -> ModelEntry:
    if name == entry.card.name == entry.name:
        return entry
    card = dataclasses.replace(entry.card, name=name)
    return dataclasses.replace(entry, name=name, card=card)


def _model_files(folder: Path, *, required: bool) -> list[Path]:
    """Return a folder's model files by name; temporary ones begin with a dot."""
    try:
        paths = [
            path
            for path in folder.iterdir()
            if path.name.lower().endswith(".safetensors") and not path.name.startswith(".")
        ]
        # By the models' names: "stain" before "stain 2", whatever their suffixes sort like.
        return sorted(paths, key=lambda path: (key(name_of_file(path)), path.name))
    except FileNotFoundError as error:
        if not required:
            return []
        raise _unreadable(folder, error) from error
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        expected="a folder of models that can be read",
        got=f"{folder} ({error.strerror or error})",
        action="Check the path in the preferences, and that the disk is there.",
    )
