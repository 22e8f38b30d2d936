"""Copy a model file under another name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from napari_colorgan.io import write_atomically
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.header import parse_header, unreadable, write_with_metadata

if TYPE_CHECKING:
    from pathlib import Path


def copy_model_file(source: Path, target: Path, name: str, *, overwrite: bool) -> None:
    """Copy a model file whole or not at all, its weights byte for byte.

    Parameters
    ----------
    source, target : pathlib.Path
        The file and where the copy goes; they may be the same.
    name : str
        What the copy's card says it is called.
    overwrite : bool
        Whether a file at `target` may be replaced.

    Raises
    ------
    ModelError
        If the source can't be read or is no model file.
    FileError
        If the copy can't be written or may not replace what is there.
    """
    with write_atomically(target, overwrite=overwrite) as temporary:
        # The source is closed before the copy takes its place: Windows replaces no open file.
        try:
            file = source.open("rb")
        except OSError as error:
            raise unreadable(source, error) from error
        with file, temporary.open("wb") as copy:
            header = parse_header(file, source.stat().st_size, source.name)
            card = dataclasses.replace(ModelCard.from_metadata(header.metadata), name=name)
            # What a later release of the same format has added is kept.
            write_with_metadata(file, header, {**header.metadata, **card.to_metadata()}, copy)
