"""The errors of a library of models."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError, ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_colorgan.library.folders import ModelEntry

_MOST_NAMES = 12


def no_such_model(name: str, entries: Sequence[ModelEntry]) -> ModelError:
    """Return the error for a name that no model has.

    Parameters
    ----------
    name : str
        The name.
    entries : Sequence[ModelEntry]
        All models there are.
    """
    names = [entry.name for entry in entries]
    close = difflib.get_close_matches(name, names, 1)
    known = ", ".join(f"'{each}'" for each in names[:_MOST_NAMES]) or "it is empty"
    return ModelError(
        expected=f"the name of a model in the library ({known}) or a model file's path",
        got=f"'{name}'",
        action=f"Did you mean '{close[0]}'?" if close else "See `napari-colorgan models list`.",
    )


def name_taken(name: str, entry: ModelEntry) -> ModelError:
    """Return the error for a name that another model has.

    Parameters
    ----------
    name : str
        The name.
    entry : ModelEntry
        The model that has it.
    """
    return ModelError(
        expected="a name that no model has yet",
        got=f"'{name}', which is that of a model ({entry.kind})",
        action="Choose another name.",
    )


def file_in_the_way(path: Path) -> FileError:
    """Return the error for a name whose file exists but is no usable model.

    Parameters
    ----------
    path : Path
        The file that has the name.
    """
    return FileError(
        expected="a name that no file in the models folder has yet",
        got=f"{path}, which is no model that can be used",
        action="Choose another name, or delete that file.",
    )


def known_weights(path: Path, entry: ModelEntry) -> ModelError:
    """Return the error for a file whose weights are in the library already.

    Parameters
    ----------
    path : Path
        The file.
    entry : ModelEntry
        The model that has them.
    """
    return ModelError(
        expected=f"a model in {path.name} that isn't in the library yet",
        got=f"the weights of '{entry.name}'",
        action=f"Use '{entry.name}', or duplicate it to have it under another name.",
    )


def not_own(entry: ModelEntry, verb: str) -> ModelError:
    """Return the error for changing a model that isn't the user's own.

    Parameters
    ----------
    entry : ModelEntry
        The entry of the library.
    verb : str
        What was to be done: "rename".
    """
    owner = "ships with the plugin" if entry.bundled else "is in the shared, read-only folder"
    return ModelError(
        expected=f"one of your own models to {verb}",
        got=f"'{entry.name}', which {owner}",
        action="Duplicate it and work with the copy.",
    )


def not_in_own_folder(path: Path, folder: Path) -> ModelError:
    """Return the error for deleting a file outside the user's own folder.

    Parameters
    ----------
    path : Path
        The file.
    folder : Path
        The user's own folder.
    """
    return ModelError(
        expected=f"a file in your models folder, {folder}",
        got=f"{path}",
        action="Delete it where it is, if it is yours.",
    )


def not_deleted(path: Path, error: OSError) -> FileError:
    """Return the error for a file that the system refuses to delete.

    Parameters
    ----------
    path : Path
        The file.
    error : OSError
        What went wrong.
    """
    return FileError(
        expected="a model file that can be deleted",
        got=f"{path} ({error.strerror or error})",
        action="Close the programs that use it, and check the folder's permissions.",
    )
