"""The command `samples`: the sample images as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Folder: TypeAlias = Annotated[
    Path, typer.Argument(help="Where the files go; made where it is missing.")
]


def samples(folder: Folder = Path("samples")) -> None:
    """Copy the sample images to a folder, to try the commands on.

    What is there under the same names is kept.
    """
    from napari_colorgan.services.samples import copy_samples

    for path in copy_samples(folder):
        typer.echo(path)
