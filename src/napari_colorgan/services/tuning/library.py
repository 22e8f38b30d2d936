"""Saves a finished run's model in the library."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, ConfigError, FileError
from napari_colorgan.events import Job, Notice
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.library.names import check_name, free_name, same_name

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary

_SAVED_FILE = "kept.txt"


def saved_name(run: Path) -> str | None:
    """Return the name under which a run's model was saved in the library, or None.

    Parameters
    ----------
    run : Path
        The run's folder.
    """
    try:
        return (run / _SAVED_FILE).read_text(encoding="utf-8")
    except OSError:
        return None


def save_model_job(
    run: Path,
    file: Path,
    name: str,
    *,
    library: ModelLibrary | None = None,
    rename: bool = False,
) -> Job[str]:
    """Copy a run's model into the library.

    Parameters
    ----------
    run : Path
        The run directory, in which the name is recorded.
    file : Path
        One of its models.
    name : str
        The model's name in the library.
    library : ModelLibrary, optional
        The user's by default.
    rename : bool, default: False
        Whether a number is added if the name has been taken meanwhile.

    Returns
    -------
    str
        The name that it got.

    Raises
    ------
    FileError
        If the library can't be written or the name is taken; the message says where the model
        is, so that nothing is lost.
    """
    from napari_colorgan.library.store import ModelLibrary

    yield Notice(f"Saving “{name}” in the library.", transient=True)
    library = library or ModelLibrary()
    try:
        if rename:
            name = free_name(name, (entry.name for entry in library.entries()))
        name = library.import_file(file, name, again=True).name
    except ColorganError as error:
        raise FileError(
            expected=f"to save “{name}” in the library",
            got=str(error),
            action=f"The model is safe in {file}: import it once the cause is removed.",
        ) from error
    # The record only prevents a second copy, so failing to write it is no failure.
    with (
        contextlib.suppress(OSError, FileError),
        write_atomically(run / _SAVED_FILE) as temporary,
    ):
        temporary.write_text(name, encoding="utf-8")
    return name


def check_name_free(name: str) -> None:
    """Raise unless a new model can have this name.

    Parameters
    ----------
    name : str
        As the user gave it.

    Raises
    ------
    ColorganError
        If the library has it, or it can't be a file's name.
    """
    from napari_colorgan.library.store import ModelLibrary

    if any(same_name(entry.name, check_name(name)) for entry in ModelLibrary().entries()):
        raise ConfigError(
            expected="a name for the new model that isn't taken",
            got=f"'{name}', which is in the library",
            action="Choose another name, or leave it out to keep the model out of the library.",
        )
