"""The Fractal task that gives an OME-Zarr image a colour image beside it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import validate_call

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.events import Notice, run
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io.problems import already_exists
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

_SECONDS = 120


@validate_call
def colorize_image(
    *,
    zarr_url: str,
    model: str = "microscopy",
    scale: str = "model",
    output_name: str = "colour",
) -> dict[str, Any]:
    """Predict the colours of an image, and store them as a new image beside it.

    The colours are predicted, not measured. The new image has three channels, red, green and blue,
    for each channel of the input, and the input's levels, chunks, pixel sizes and tables of
    regions.

    Parameters
    ----------
    zarr_url : str
        Path of the OME-Zarr image. (Standard argument of Fractal tasks.)
    model : str
        Name of a model in the library, such as "microscopy" or "natural", or the path of a model
        file.
    scale : str
        The size at which the network sees a plane: "model" for what the model was trained for,
        "fit" for the whole plane, shrunk, "native" for its pixels as they are, or a number that
        multiplies its sides.
    output_name : str
        Letters and digits. The new image of image "0" of a well is "0colour" where this is
        "colour"; of "embryo.zarr" it is "embryo_colour.zarr".

    Returns
    -------
    dict
        The update of Fractal's image list.

    Raises
    ------
    InputError
        If the name or the scale can't be used.
    FileError
        If the image can't be read, or the new one exists.
    ModelError
        If the model can't be used.
    """
    source = Path(zarr_url.rstrip("/"))
    target = _target(source, output_name)
    if target.exists():
        raise already_exists(target)
    settings = PredictionSettings(scale=_scale(scale))
    # A name of its own, and in the target's folder, so that it is moved there at once.
    working = source.parent / f".colorgan-{secrets.token_hex(6)}"
    try:
        working.mkdir()
        made = working / f"{target.name.removesuffix('.zarr')}.ome.zarr"
        request = FilesRequest([source], made, model, settings, ngff=_version(source))
        result = run(colorize_files(request), _tell)
        for _, error in result.failed:
            raise error
        # Regions of interest are places in micrometres, and hold for the new image, too.
        if (source / "tables").is_dir():
            shutil.copytree(source / "tables", made / "tables")
        os.rename(made, target)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    _add_to_well(source, target)
    update = {"zarr_url": str(target), "origin": zarr_url, "types": {"colorized": True}}
    return {"image_list_updates": [update]}


def _tell(event: object) -> None:
    if isinstance(event, Notice):
        print(event.text)


def _target(source: Path, name: str) -> Path:
    # OME-Zarr allows nothing else in the names of a well's images.
    if not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise InputError(
            expected="a name of letters and digits",
            got=repr(name),
            action="Choose another output_name.",
        )
    if _well_file(source.parent) is not None:
        return source.with_name(source.name + name)
    stem, suffix = source.name, ""
    for ending in (".ome.zarr", ".zarr"):
        if stem.endswith(ending):
            stem, suffix = stem[: -len(ending)], ending
            break
    return source.with_name(f"{stem}_{name}{suffix}")


def _scale(text: str) -> Any:
    if text == "model":
        return None
    if text in ("fit", "native"):
        return text
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            expected="the scale 'model', 'fit', 'native' or a number",
            got=repr(text),
            action="Choose one of these.",
        ) from error


def _version(source: Path) -> Any:
    """Return the version of OME-Zarr that an image has: all of a plate have the same."""
    return "0.5" if (source / "zarr.json").is_file() else "0.4"


def _add_to_well(source: Path, target: Path) -> None:
    """Add an image to the list of its well, if it lies in one; others may do so, too."""
    file = _well_file(source.parent)
    if file is None:
        return
    with FileLock(source.parent / ".colorgan.lock", timeout=_SECONDS):
        document = json.loads(file.read_text("utf-8"))
        images = _well_of(document)["images"]
        if any(each["path"] == target.name for each in images):
            return
        origin = next((each for each in images if each["path"] == source.name), None)
        if origin is None:
            raise FileError(
                expected=f"the image '{source.name}' in the list of its well",
                got=f"'{file}' without it",
                action="Repair the plate's metadata.",
            )
        images.append({**origin, "path": target.name})
        temporary = file.with_name(f".colorgan-{secrets.token_hex(6)}")
        temporary.write_text(json.dumps(document, indent=2), encoding="utf-8")
        os.replace(temporary, file)


def _well_file(folder: Path) -> Path | None:
    """Return the file that describes a well, None if the folder is none."""
    for name in ("zarr.json", ".zattrs"):
        file = folder / name
        if file.is_file():
            return file if _well_of(json.loads(file.read_text("utf-8"))) else None
    return None


def _well_of(document: dict[str, Any]) -> dict[str, Any]:
    attributes = document["attributes"] if "node_type" in document else document
    described: dict[str, Any] = attributes.get("ome", attributes).get("well") or {}
    return described


if __name__ == "__main__":
    from fractal_task_tools.task_wrapper import run_fractal_task

    run_fractal_task(task_function=colorize_image)
