"""``napari-colorgan models``: list models, and move them into and out of the library."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from napari_colorgan.cli.console import print_table
from napari_colorgan.library.names import name_of_file
from napari_colorgan.texts import printable

if TYPE_CHECKING:
    from napari_colorgan.library.store import ModelEntry, ModelLibrary

Name: TypeAlias = Annotated[str, typer.Argument(help="The model's name.", metavar="NAME")]
NameOrFile: TypeAlias = Annotated[
    str, typer.Argument(help="A model's name or file.", metavar="NAME|FILE")
]
ModelFile: TypeAlias = Annotated[Path, typer.Argument(help="The model file.", metavar="FILE")]
NewName: TypeAlias = Annotated[str, typer.Argument(help="The new name.", metavar="NEW_NAME")]
FreeName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--name", help="The new model's name; by default its file's, with a number if it is taken."
    ),
]
Target: TypeAlias = Annotated[
    Path, typer.Argument(help="The new file, or a folder for it.", metavar="PATH")
]
Overwrite: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
Again: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Import it even if the library has its weights already.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Bioimageio: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--bioimageio", help="A package of the BioImage Model Zoo, for other programs: a zip file."
    ),
]
HintInput: TypeAlias = Annotated[
    bool, typer.Option("--hints", help="With --bioimageio: a second input, a map of hints.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


models = typer.Typer(
    no_args_is_help=True, help="List, show, import, export, rename and delete models."
)


@models.command("list")
def list_models(json: AsJson = False) -> None:
    """List all models, and the files that can't be used."""
    library = _library()
    entries = library.entries()
    if json:
        _print_json(entries)
    else:
        header = ("NAME", "KIND", "VERSION", "CREATED", "MB", "DOMAIN", "TITLE")
        print_table(header, map(_row, entries))
    for file in library.skipped():
        typer.echo(f"Unusable: {printable(str(file.path))}: {file.reason}", err=True)


@models.command("show")
def show(model: NameOrFile) -> None:
    """Show a model's card."""
    from rich.console import Console

    from napari_colorgan.library.pages import card_page

    entry = _library().find(model)
    page = card_page(entry.card, pictures=False)
    console = Console()
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(page))
    else:
        typer.echo(page)
    typer.echo(f"File: {entry.path} ({entry.kind})")


@models.command("import")
def import_model(file: ModelFile, name: FreeName = None, again: Again = False) -> None:
    """Check a model file, or a package of ours, and copy it into your models folder."""
    if file.suffix.lower() == ".zip" or _is_package(file):
        from napari_colorgan.services.bioimageio.unpack import attached_model_file

        with attached_model_file(file) as attached:
            entry = _library().import_file(attached, name, again=again)
    else:
        entry = _library().import_file(file, name, again=again)
    typer.echo(f"Imported as '{entry.name}': {entry.path}")


def _is_package(file: Path) -> bool:
    """Return whether a file is a package under another name; torch.save writes archives, too."""
    import zipfile

    if not zipfile.is_zipfile(file):
        return False
    from napari_colorgan.library.names import MODEL_SUFFIX

    with zipfile.ZipFile(file) as archive:
        return any(name.endswith(MODEL_SUFFIX) for name in archive.namelist())


@models.command("export")
def export(
    model: Name,
    path: Target,
    bioimageio: Bioimageio = False,
    hints: HintInput = False,
    overwrite: Overwrite = False,
) -> None:
    """Copy a model to a file that others can import."""
    library = _library()
    if bioimageio:
        from napari_colorgan.services.bioimageio.export import export_package

        entry = library.find(model)
        written = export_package(
            entry, path, hints=hints, overwrite=overwrite, on_step=partial(typer.echo, err=True)
        )
    else:
        written = library.export(model, path, overwrite=overwrite)
    typer.echo(f"Exported: {printable(str(written))}")


@models.command("rename")
def rename(model: Name, new_name: NewName) -> None:
    """Rename one of your own models."""
    entry = _library().rename(model, new_name)
    typer.echo(f"Renamed to '{entry.name}': {entry.path}")


@models.command("duplicate")
def duplicate(model: Name, name: FreeName = None) -> None:
    """Copy any model into your models folder under another name."""
    entry = _library().duplicate(model, name)
    typer.echo(f"Copied as '{entry.name}': {entry.path}")


@models.command("delete")
def delete(model: Name, yes: Yes = False) -> None:
    """Delete one of your own models permanently."""
    library = _library()
    path = library.own_file(model)
    name = printable(name_of_file(path))
    if not yes:
        question = f"Delete '{name}' ({printable(str(path))}) permanently?"
        typer.confirm(question, abort=True, err=True)
    library.delete_file(path)
    typer.echo(f"Deleted '{name}'.")


def _library() -> ModelLibrary:
    from napari_colorgan.library.store import ModelLibrary

    return ModelLibrary()


def _row(entry: ModelEntry) -> tuple[str, ...]:
    card = entry.card
    megabytes = f"{entry.size / 1e6:.1f}"
    return (
        entry.name,
        entry.kind,
        card.version,
        card.created,
        megabytes,
        card.domain,
        card.title,
    )


def _print_json(entries: tuple[ModelEntry, ...]) -> None:
    import json

    rows = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "path": str(entry.path),
            "bytes": entry.size,
            "version": entry.card.version,
            "title": entry.card.title,
            "domain": entry.card.domain,
            "created": entry.card.created,
            "parent": entry.card.parent,
            "sha256": entry.card.sha256,
        }
        for entry in entries
    ]
    typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
