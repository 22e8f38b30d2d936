"""Remove a file from the user's models folder, whether or not it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.errors import ModelError
from napari_colorgan.library import problems

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.folders import ModelFolders


def delete_file(path: Path, folders: ModelFolders) -> None:
    """Remove a file of the user's own models folder for good.

    Parameters
    ----------
    path : pathlib.Path
        The file; one that is gone already is no error.
    folders : ModelFolders
        The library's folders.

    Raises
    ------
    ModelError
        If the file lies elsewhere.
    FileError
        If the system doesn't remove it.
    """
    if path.parent != folders.own:
        raise ModelError(
            expected=f"a file in your models folder, {folders.own}",
            got=f"{path}",
            action="Delete it where it is, if it is yours.",
        )
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise problems.not_deleted(path, error) from error
