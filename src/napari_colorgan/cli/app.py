"""The program `napari-colorgan`: its commands, and its error messages."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from napari_colorgan.cli.console import print_any_name, print_error
from napari_colorgan.cli.models import models
from napari_colorgan.cli.output import lasting_output
from napari_colorgan.cli.process import Ended, ended_by_signals
from napari_colorgan.errors import ColorganError, FileError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

# The modules here with their commands, functions of the same names, in the help page's order.
_COMMANDS = {
    "colorize": ("colorize",),
    "fine_tune": ("fine_tune",),
    "train": ("train", "plot"),
    "evaluate": ("evaluate",),
    "votes": ("votes",),
    "info": ("info",),
    "samples": ("samples",),
}
_INTERRUPTED = 130


class _Group(TyperGroup):
    """Prints errors that users can act on; bugs keep their traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; what closes its output or ends it meanwhile loses nothing."""
        with lasting_output(), ended_by_signals() as received:
            try:
                return super().main(*args, **kwargs)
            except SystemExit:
                # One that came before the command began is only "Aborted!" for typer.
                if received:
                    raise SystemExit(received[0].exit_code) from None
                raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty words, such as an unset variable's, which would be the current folder."""
        for before, word in zip(["", *args], args, strict=False):
            if word == "" or (word.startswith("--") and word.endswith("=")):
                said = f"an empty word after '{before}'" if word == "" else f"'{word}'"
                print_error(
                    InputError(
                        expected="a value",
                        got=said,
                        action="Leave the option out; the current folder is '.'.",
                    )
                )
                raise typer.Exit(2)
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        # Before any command prints.
        print_any_name()
        try:
            return super().invoke(ctx)
        except ColorganError as error:
            print_error(error)
            raise typer.Exit(1) from error
        except OSError as error:
            if error.filename is None:
                raise
            # What the system says of a path that no command looked at before.
            print_error(
                FileError(
                    expected="a path that the system can use",
                    got=f"'{error.filename}' ({error.strerror})",
                    action="Check the path and its permissions.",
                )
            )
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            typer.echo("\nCancelled. What was finished is kept.", err=True)
            code = error.exit_code if isinstance(error, Ended) else _INTERRUPTED
            raise typer.Exit(code) from error


def _show_version(is_requested: bool) -> None:
    if is_requested:
        from napari_colorgan.version import installed_version

        typer.echo(installed_version())
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool,
    typer.Option("--version", help="Show the version and exit.", callback=_show_version),
]


def build_app(*commands: Callable[..., None]) -> typer.Typer:
    """Return the program.

    Parameters
    ----------
    *commands : callable
        Commands to add to those of this package, by their functions' names.
    """
    app = typer.Typer(
        name="napari-colorgan",
        cls=_Group,
        no_args_is_help=True,
        # Rich's formatting would double the time that --help takes.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def program(version: Version = False) -> None:
        """Give grayscale images and stacks their colour back, and train models that do."""
        # What matters of libraries' complaints about files is among our own messages.
        for library in ("tifffile", "imagecodecs", "PIL"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
            warnings.filterwarnings("ignore", module=rf"{library}\b")

    for module, names in _COMMANDS.items():
        loaded = import_module(f"napari_colorgan.cli.{module}")
        for name in names:
            app.command()(getattr(loaded, name))
    app.add_typer(models, name="models")
    for command in commands:
        app.command()(command)
    return app
