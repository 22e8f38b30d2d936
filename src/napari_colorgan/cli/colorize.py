"""``napari-colorgan colorize``: gray files become colour files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from napari_colorgan.cli.console import print_error

if TYPE_CHECKING:
    from napari_colorgan.services.colorize_files import FilesResult


class Depth(StrEnum):
    """Bits of the result's colours."""

    UINT8 = "uint8"
    UINT16 = "uint16"


Inputs: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders and patterns: TIFF and OME-TIFF with all their planes, PNG, JPEG, "
        "WebP, .npy and OME-Zarr.",
        metavar="INPUT",
    ),
]
Output: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="For one input a file, whose suffix is the format (.tif, .png, .jpg, .zarr), or a "
        "folder; for several, or a folder, a folder: each keeps its name, and JPEG becomes PNG.",
    ),
]
Model: TypeAlias = Annotated[
    str, typer.Option("--model", "-m", help="A model's name or file.", metavar="NAME|FILE")
]
Scale: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="The size at which the network sees a plane: 'fit' shrinks it, 'native' takes it as "
        "it is, a number is a factor. By default what the model was trained for.",
        metavar="fit|native|NUMBER",
    ),
]
Vividness: TypeAlias = Annotated[
    float | None,
    typer.Option(help="0, the mean of the likely colours, to 1. By default the model's own."),
]
Saturation: TypeAlias = Annotated[float, typer.Option(help="0 is gray, 1 as predicted.")]
AxesLetters: TypeAlias = Annotated[
    str | None,
    typer.Option("--axes", help="The inputs' axes, such as TZYX, where their files are silent."),
]
Dtype: TypeAlias = Annotated[Depth, typer.Option(help="8 or 16 bits a colour.")]
Device: TypeAlias = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps …")]
Uncertainty: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Where maps of how unsure the colours are go, as --output."),
]
Overwrite: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def colorize(
    inputs: Inputs,
    output: Output,
    model: Model = "natural",
    scale: Scale = None,
    vividness: Vividness = None,
    saturation: Saturation = 1.0,
    axes: AxesLetters = None,
    dtype: Dtype = Depth.UINT8,
    device: Device = "auto",
    uncertainty: Uncertainty = None,
    overwrite: Overwrite = False,
) -> None:
    """Colorize files, folders and stacks of any number of planes.

    A file that fails is reported, and the rest go on. An output is there whole or not at all.
    """
    from napari_colorgan.cli.files_view import run_with_files
    from napari_colorgan.inference.settings import PredictionSettings
    from napari_colorgan.services.colorize_files import FilesRequest, colorize_files

    request = FilesRequest(
        inputs=inputs,
        output=output,
        model=model,
        settings=PredictionSettings(
            scale=_scale(scale),
            vividness=vividness,
            saturation=saturation,
            device=device,
            dtype=dtype.value,
        ),
        axes=axes,
        uncertainty=uncertainty,
        overwrite=overwrite,
    )
    _report(run_with_files(colorize_files(request)))


def _scale(text: str | None) -> Any:
    """Return a number where one is meant; the settings check the rest."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _report(result: FilesResult) -> None:
    for name, error in result.failed:
        print_error(error, name)
    for task in result.done:
        typer.echo(task.output)
    if result.failed:
        total = len(result.done) + len(result.failed)
        typer.echo(f"{len(result.failed)} of {total} files failed.", err=True)
        raise typer.Exit(1)
