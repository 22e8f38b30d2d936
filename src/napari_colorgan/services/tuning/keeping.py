"""A finished run's model into the library."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, ConfigError, FileError
from napari_colorgan.events import Job, Notice
from napari_colorgan.io import write_atomically
from napari_colorgan.library.names import check_name, free_name, same_name

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.model_file import Model
    from napari_colorgan.library.store import ModelLibrary

_KEPT_FILE = "kept.txt"


def kept_as(run: Path) -> str | None:
    """Return the name under which a run's model was put into the library, or None."""
    try:
        return (run / _KEPT_FILE).read_text(encoding="utf-8")
    except OSError:
        return None


def keep_job(library: ModelLibrary, run: Path, file: Path, name: str) -> Job[str]:
    """Copy a run's model into the library.

    Parameters
    ----------
    library : ModelLibrary
        Where to.
    run : Path
        The run directory, which notes the name.
    file : Path
        One of its models.
    name : str
        What to call it; a number is added if that is taken by now.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    ColorganError
        If the library can't be written.
    """
    yield Notice(f"Putting “{name}” into the library.")
    free = free_name(name, (entry.name for entry in library.entries()))
    entry = library.import_file(file, free, again=True)
    # Only says that it needn't be done again; the model is in its place.
    with (
        contextlib.suppress(OSError, FileError),
        write_atomically(run / _KEPT_FILE) as temporary,
    ):
        temporary.write_text(entry.name, encoding="utf-8")
    return entry.name


def save_model(file: Path, model: Model) -> None:
    """Put a run's model into the library under its card's name.

    Parameters
    ----------
    file : Path
        Where it lies in its run directory.
    model : Model
        The same, loaded.

    Raises
    ------
    FileError
        If the library can't be written, or the name has been taken meanwhile; it tells where
        the model is.
    """
    from napari_colorgan.library.store import ModelLibrary

    try:
        ModelLibrary().save(model.generator, model.card)
    except ColorganError as error:
        raise FileError(
            expected=f"to put “{model.card.name}” into the library",
            got=str(error),
            action=f"The model is safe in {file}: import it once that is mended.",
        ) from error


def check_name_free(name: str) -> None:
    """Refuse a name that no new model can have.

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
