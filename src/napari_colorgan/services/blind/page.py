"""A page of HTML on which people judge colorizations without knowing whose they are."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.events import Notice, PlaneDone, Started
from napari_colorgan.io import find_files, read_stack, stem_of, write_atomically
from napari_colorgan.services.blind.study import Study
from napari_colorgan.services.evaluation.results import TRUTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from napari_colorgan.events import Job
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.evaluation.colorizer import ModelColorizer
    from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet
    from napari_colorgan.services.evaluation.truth import Truth

    Painter: TypeAlias = Callable[[Truth], np.ndarray]


@dataclass(frozen=True, eq=False)
class BlindRequest:
    """What to compare, on which images.

    Attributes
    ----------
    models : sequence of Model
        The models.
    results : sequence of pathlib.Path
        Folders with results of other programs, whose files are named like the images.
    truth : bool
        Whether the true colours are among what is compared.
    sets : sequence of ImageSet
        The colour images.
    settings : EvaluationSettings
        Size and number of the images, and how models are used.
    """

    models: Sequence[Model]
    results: Sequence[Path]
    truth: bool
    sets: Sequence[ImageSet]
    settings: EvaluationSettings


def key_path(page: Path) -> Path:
    """Return where the key of a page lies, which says what is behind each candidate.

    Parameters
    ----------
    page : Path
        The page's path.
    """
    return page.with_name(f"{page.stem}.key.json")


def blind_page_job(request: BlindRequest, page: Path) -> Job[Study]:
    """Colorize images in each way, and write the page and its key.

    Parameters
    ----------
    request : BlindRequest
        What to compare.
    page : pathlib.Path
        The page; its key goes beside it, see `key_path`.

    Yields
    ------
    Event
        Started, PlaneDone for each image, and a Notice where one is left out.

    Returns
    -------
    Study
        What the page shows.

    Raises
    ------
    InputError
        If there are fewer than two things to compare, or no image could be colorized in each way.
    FileError
        If the page can't be written.
    """
    from napari_colorgan.services.evaluation.colorizer import make_colorizer
    from napari_colorgan.services.evaluation.truth import choose_pictures, read_truth
    from napari_colorgan.services.pages import render

    settings = request.settings
    colorizers = [make_colorizer(model, settings.prediction) for model in request.models]
    painters = _painters(request, colorizers)
    # Checks the names before the work.
    Study.create(["image"], list(painters))
    side = settings.side(request.models[0].card.scale if request.models else "fit")
    pictures = [
        picture
        for image_set in request.sets
        for picture in choose_pictures(image_set, settings.limit, settings.seed)
    ]
    yield Started(len(pictures), "image")
    names: list[str] = []
    painted: list[list[str]] = []
    for done, picture in enumerate(pictures, start=1):
        try:
            truth = read_truth(picture, side)
            if truth is not None:
                painted.append([embed_exactly(paint(truth)) for paint in painters.values()])
                names.append(Path(truth.name).name)
        except (ColorganError, OSError) as error:
            yield Notice(f"{picture.name} is left out: {error}")
        for colorizer in colorizers:
            yield from map(Notice, colorizer.predictor.take_notices())
        yield PlaneDone(done, len(pictures), (done - 1,))
    study = Study.create(names, list(painters))
    trials = [
        dict(zip(trial.candidates, sources, strict=True))
        for trial, sources in zip(study.trials, painted, strict=True)
    ]
    text = render(
        "blind.html.jinja",
        title="Which colours are more believable?",
        data={"study": study.id, "trials": trials},
    )
    # The key first: a page without one would be lost work of everybody who fills it in.
    study.save(key_path(page))
    with write_atomically(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return study


def embed_exactly(rgb: np.ndarray) -> str:
    """Return an 8-bit image (H, W, 3) as a data URI, without losses: colours are judged.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (H, W, 3)
        The image.
    """
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, format="WEBP", lossless=True)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _painters(request: BlindRequest, colorizers: Sequence[ModelColorizer]) -> dict[str, Painter]:
    """Return a function for each method that makes its picture of a truth, by the method's name."""
    painters: list[tuple[str, Painter]] = [
        (model.card.name, partial(_paint, colorizer))
        for model, colorizer in zip(request.models, colorizers, strict=True)
    ]
    painters += [(folder.resolve().name, _result_painter(folder)) for folder in request.results]
    if request.truth:
        painters.append((TRUTH, lambda truth: truth.rgb))
    named: dict[str, Painter] = {}
    for name, painter in painters:
        number, free = 2, name
        while free in named:
            number, free = number + 1, f"{name} {number}"
        named[free] = painter
    return named


def _paint(colorizer: ModelColorizer, truth: Truth) -> np.ndarray:
    rgb: np.ndarray = colorizer(truth.gray, None).rgb
    return rgb


def _result_painter(folder: Path) -> Painter:
    files = {stem_of(path): path for path in find_files(folder)}
    if not files:
        raise InputError(
            expected=f"results of other programs in {folder}",
            got="no image files",
            action="Name a folder whose files are named like the images.",
        )

    def paint(truth: Truth) -> np.ndarray:
        path = files.get(stem_of(Path(truth.name)))
        if path is None:
            raise InputError(
                expected=f"a result for {truth.name} in {folder}",
                got="none of that name",
                action="Name the results like the images.",
            )
        return _of_shape(np.asarray(read_stack(path).data), truth.rgb.shape[:2], path)

    return paint


def _of_shape(pixels: np.ndarray, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """Return a result as RGB of the truth's size."""
    from napari_colorgan.training.pictures.data import resize_short_side, to_uint8

    planes = to_uint8(pixels)
    if planes.shape[-2:] != shape:
        planes = resize_short_side(planes, min(shape))
    if tuple(planes.shape[-2:]) != tuple(shape):
        raise InputError(
            expected=f"a result with the sides of its image, {shape[1]} × {shape[0]}",
            got=f"'{path.name}', which becomes {planes.shape[-1]} × {planes.shape[-2]}",
            action="Give results of whole images.",
        )
    rgb: np.ndarray = np.moveaxis(planes.numpy(), 0, -1)
    return np.ascontiguousarray(rgb)
