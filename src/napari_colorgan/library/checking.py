"""Tell whether a model file's weights are those that were saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.errors import ModelError
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.header import hash_tensors, parse_header, unreadable

if TYPE_CHECKING:
    from pathlib import Path


def check_weights(path: Path) -> str:
    """Compare a model file's weights with the SHA-256 on its card; torch is not needed.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        The SHA-256, 64 hexadecimal digits.

    Raises
    ------
    ModelError
        If the file can't be read, is no whole model file, or holds other weights.
    """
    try:
        with path.open("rb") as file:
            header = parse_header(file, path.stat().st_size, path.name)
            stated = ModelCard.from_metadata(header.metadata).sha256
            found = hash_tensors(file, header)
    except OSError as error:
        raise unreadable(path, error) from error
    if found != stated:
        raise ModelError(
            expected=f"weights with the SHA-256 {stated[:12] or '(none stated)'}…",
            got=f"{found[:12]}… in {path.name}",
            action="The file is damaged: get it again from where it came from.",
        )
    return found
