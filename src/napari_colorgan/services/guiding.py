"""From what a user gives to guide the colours to what guides each plane."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan import io
from napari_colorgan.errors import ColorganError, FileError, InputError
from napari_colorgan.inference.display import DisplayRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_colorgan.axes import Axes, StackLike
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.guidance.references import ReferenceColors
    from napari_colorgan.guidance.sources import GuideSources, Reference
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.inference.stack_guides import StackGuides

MOST_HINTS = 512
"""More hints than this in a plane are said to be thinned out for what they tell elsewhere."""

MOST_REFERENCES = 1000
"""Of a folder with more pictures, evenly chosen ones are looked at."""

_CHOSEN_PICTURES = 4
"""A folder of at most so many pictures counts as chosen for the image."""
# Mean chroma below which a reference is a gray picture for people, too.
_COLORLESS = 2.0


def make_guides(
    sources: GuideSources,
    stack: StackLike,
    axes: Axes,
    predictor: PlanePredictor,
    display: DisplayRange,
    *,
    likely: int = 0,
) -> StackGuides:
    """Return what guides each plane of a stack.

    Parameters
    ----------
    sources : GuideSources
        What the user gave.
    stack, axes, display
        The stack, its axes, and how its values are shown.
    predictor : PlanePredictor
        Predicts references and anchors, and passes on what the user should know.
    likely : int
        How many likely colours of each place predictions have.

    Returns
    -------
    StackGuides
        Planes are predicted when they are asked for.

    Raises
    ------
    InputError
        If hints or keyframes don't fit the stack, or references have no colour.
    FileError
        If a reference can't be read.
    """
    from napari_colorgan.inference.stack_guides import StackGuides

    references = predict_references(sources.references, predictor)
    if sources.hints is not None:
        tell_of_many(sources.hints, predictor)
    return StackGuides(sources, stack, axes, predictor, display, references, likely=likely)


def tell_of_many(hints: Hints, predictor: PlanePredictor) -> None:
    """Say so where a plane has more hints than can tell something of other places.

    Parameters
    ----------
    hints : Hints
        Of the stack.
    predictor : PlanePredictor
        Gets the notice.
    """
    counts: dict[Any, int] = {}
    for hint in hints:
        if hint.ab is not None:
            plane = hints.plane_of(hint)
            counts[plane] = counts.get(plane, 0) + 1
    most = max(counts.values(), default=0)
    if most > MOST_HINTS:
        predictor.add_notice(
            f"A plane has {most:,} hints: all keep their colours at their place, and the "
            f"{MOST_HINTS} places that tell most decide the rest."
        )


def predict_references(
    references: Sequence[Reference],
    predictor: PlanePredictor,
) -> tuple[ReferenceColors, ...]:
    """Return colour pictures as cells with colours; those that are already stay.

    Parameters
    ----------
    references : sequence of Reference
        Pictures, files, or cells already predicted.
    predictor : PlanePredictor
        Of the model that will use them.

    Raises
    ------
    InputError
        If one has no colour, or none is left.
    FileError
        If a file can't be read.
    """
    from napari_colorgan.core.transfer import AMONG_MANY, BETWEEN_PICTURES
    from napari_colorgan.guidance.references import ReferenceColors

    if not len(references):
        return ()
    if predictor.propagation is None:
        raise InputError(
            expected="a model that knows what places are like, to take colours from references",
            got="one without hint propagation",
            action="Choose another model, such as 'natural', or do without references.",
        )
    predicted: list[ReferenceColors] = []
    given = [each for each in references if not isinstance(each, ReferenceColors)]
    predicted += [each for each in references if isinstance(each, ReferenceColors)]
    for name, rgb, is_found in _pictures(given, predictor):
        display = DisplayRange(0.0, _white(rgb))
        (prediction,) = predictor.analyze([rgb], display)
        likeness = AMONG_MANY if is_found else BETWEEN_PICTURES
        # Errors and not colours: where the network is right for both, nothing changes.
        observed = prediction.observed_errors(rgb, predictor.propagation, likeness)
        features = predictor.describe([rgb], display)[0]
        tones = prediction.tone_errors(rgb) if is_found else None
        predicted.append(ReferenceColors(name, observed, features, is_found, tones))
    return tuple(predicted)


def _pictures(
    references: Sequence[np.ndarray | str | Path], predictor: PlanePredictor
) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Yield references with their names, and whether they are of a folder: its usable ones."""
    for number, reference in enumerate(references, 1):
        if isinstance(reference, np.ndarray):
            yield f"reference {number}", _checked(f"reference {number}", reference), False
            continue
        path = Path(reference)
        if not os.path.isdir(path):
            yield path.name, _checked(path.name, _read(path)), False
            continue
        files = sorted(io.find_files(path))
        if len(files) > MOST_REFERENCES:
            chosen = np.linspace(0, len(files) - 1, MOST_REFERENCES).astype(int)
            predictor.add_notice(
                f"'{path}' has {len(files):,} pictures, of which {len(chosen):,} are used."
            )
            files = [files[i] for i in chosen]
        usable, left_out = 0, []
        for file in files:
            try:
                picture = _checked(file.name, _read(file))
            except ColorganError:
                left_out.append(file.name)
                continue
            usable += 1
            # Few pictures have been chosen, as those that are named one by one.
            yield file.name, picture, len(files) > _CHOSEN_PICTURES
        if not usable:
            raise InputError(
                expected=f"colour pictures in '{path}'",
                got=f"{len(files)} files, none of them a readable picture with colour",
                action="Choose a folder of colour pictures.",
            )
        if left_out:
            predictor.add_notice(
                f"Left out of '{path}', without colour or unreadable: {len(left_out)} files."
            )


def _read(path: Path) -> np.ndarray:
    stack = io.read_stack(path)
    if not stack.axes.has_samples:
        raise InputError(
            expected="a colour picture as reference",
            got=f"'{path.name}' without colour",
            action="Choose a picture in RGB.",
        )
    count = stack.axes.plane_count(stack.data.shape)
    if count != 1:
        raise InputError(
            expected="a reference of one plane",
            got=f"'{path.name}' with {count}",
            action="Save one plane as a picture of its own.",
        )
    index = (0,) * len(stack.axes.outer)
    try:
        return stack.axes.read_plane(stack.data, index)
    except OSError as error:
        raise FileError(
            expected="a readable colour picture",
            got=f"'{path.name}': {error}",
            action="Check the file.",
        ) from error


def _checked(name: str, rgb: np.ndarray) -> np.ndarray:
    """Return a picture's RGB, after a check that it has colour."""
    import torch

    from napari_colorgan.core.color import rgb_to_lab

    if rgb.ndim != 3 or rgb.shape[2] not in (3, 4) or 0 in rgb.shape:
        raise InputError(
            expected="a colour picture (H, W, 3) as reference",
            got=f"{name} of shape {rgb.shape}",
            action="Give RGB pictures as references.",
        )
    step = max(1, min(rgb.shape[:2]) // 128)
    small = np.ascontiguousarray(rgb[::step, ::step, :3], np.float32) / np.float32(_white(rgb))
    lab = rgb_to_lab(torch.from_numpy(small).permute(2, 0, 1))
    if float(lab[1:].norm(dim=0).mean()) < _COLORLESS:
        raise InputError(
            expected="a reference with colour",
            got=f"{name}, which is gray",
            action="Choose a colour picture.",
        )
    return rgb[..., :3]


def _white(rgb: np.ndarray) -> float:
    return float(np.iinfo(rgb.dtype).max) if rgb.dtype.kind in "iu" else 1.0


def describe_guides(sources: GuideSources, guides: StackGuides | None) -> dict[str, Any]:
    """Return what a result says about its guides: plain values, or nothing without any.

    Parameters
    ----------
    sources : GuideSources
        What the user gave.
    guides : StackGuides or None
        What was made of it.
    """
    if guides is None:
        return {}
    told: dict[str, Any] = {"consistent": guides.is_consistent}
    if sources.hints is not None:
        told |= {"hints": len(sources.hints), "hints_sha256": sources.hints.digest}
    if sources.references:
        told |= {
            "references": [reference.name for reference in guides.references],
            "reference_strength": sources.reference_strength,
        }
    if sources.keyframes:
        told["keyframes"] = [list(index) for index in sorted(sources.keyframes)]
    return {"guides": told}


def guides_if_needed(
    sources: GuideSources,
    stack: StackLike,
    axes: Axes,
    predictor: PlanePredictor,
    display: DisplayRange,
) -> StackGuides | None:
    """Return what `make_guides` does, or None where nothing guides a plane.

    Parameters
    ----------
    sources : GuideSources
        Hints, references, keyframes and the wish for consistency.
    stack : array_like
        The gray data.
    axes : Axes
        Of the stack.
    predictor : PlanePredictor
        Predicts anchors when they are needed.
    display : DisplayRange
        The gray values that are shown as black and white.
    """
    if not sources.are_given and not sources.is_consistent(axes, stack.shape):
        return None
    guides = make_guides(sources, stack, axes, predictor, display)
    return guides if sources.are_given or guides.is_consistent else None
