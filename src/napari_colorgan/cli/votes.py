"""`napari-colorgan votes`: count what people said on the page of a blind comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Key = Annotated[Path, typer.Argument(help="The page's key, PAGE.key.json.", metavar="KEY")]
Files = Annotated[
    list[Path], typer.Argument(help="The files that people saved on the page.", metavar="VOTES...")
]
Json = Annotated[
    Path | None,
    typer.Option(help="Write the numbers, and those of each image, to this file."),
]


def votes(key: Key, files: Files, json: Json = None) -> None:
    """Merge the votes of several people, and print preferences and mean opinion scores.

    A file that can't be read is reported, and the others count.
    """
    from json import dumps

    from napari_colorgan.cli.console import print_error, print_table
    from napari_colorgan.errors import ColorganError
    from napari_colorgan.io import write_atomically
    from napari_colorgan.services.blind.study import Ballot, Study
    from napari_colorgan.services.blind.tally import as_rows, count_votes

    study = Study.load(key)
    ballots, failed = [], 0
    for path in files:
        try:
            ballots.append(Ballot.load(path, study))
        except ColorganError as error:
            print_error(error)
            failed += 1
    tally = count_votes(study, ballots)
    head, *rows = as_rows(tally)
    print_table(head, rows)
    people = f"{len(tally.voters)} {'person' if len(tally.voters) == 1 else 'people'}"
    typer.echo(
        f"{len(tally.images)} of {len(study.trials)} images, {people}; "
        f"no difference: {tally.no_difference} times."
    )
    if json is not None:
        with write_atomically(json) as temporary:
            temporary.write_text(dumps(tally.to_dict(), indent=1), encoding="utf-8")
        typer.echo(f"Written: {json}")
    if failed:
        raise typer.Exit(1)
