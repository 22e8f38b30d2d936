"""``napari-colorgan`` and ``python -m napari_colorgan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from napari_colorgan.cli.app import build_app

Output: TypeAlias = Annotated[
    Path, typer.Option("--output", "-o", help="Where the pictures go without a display.")
]


def demo(output: Output = Path("demo")) -> None:
    """Open napari on a sample and colorize it; without a display, leave pictures of that."""
    # Here, above both, since the command line and the widgets don't know each other.
    from napari_colorgan.widgets.demo import run_demo

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
