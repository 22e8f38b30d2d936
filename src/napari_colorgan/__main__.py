"""``napari-colorgan`` and ``python -m napari_colorgan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from napari_colorgan.cli.app import build_app

Output: TypeAlias = Annotated[
    Path, typer.Option("--output", "-o", help="The folder of the pictures, without a display.")
]


def demo(output: Output = Path("demo")) -> None:
    """Open napari on a sample and colorize it; without a display, write pictures of that."""
    # Here, since neither the command line nor the widgets may import the other.
    from napari_colorgan.widgets.demo import HOW_TO_HINT, run_demo

    typer.echo(HOW_TO_HINT, err=True)
    for path in run_demo(output):
        typer.echo(path)


def build_program() -> typer.Typer:
    """Return the program with all its commands."""
    return build_app(demo)


def main() -> None:
    """Run the program."""
    build_program()(prog_name="napari-colorgan")


if __name__ == "__main__":
    main()
