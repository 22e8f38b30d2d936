"""Colorize an image or stack."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_colorgan.axes import ArrayTarget
from napari_colorgan.events import Notice
from napari_colorgan.guidance.sources import UNGUIDED
from napari_colorgan.inference.display import DisplayRange, require_real
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.inference.stack import colorize_stack
from napari_colorgan.services.arrays.blocks import PlaneBlock
from napari_colorgan.services.arrays.disk_array import allocate
from napari_colorgan.services.arrays.pyramid import check_levels, pyramid_job
from napari_colorgan.services.familiarity import UNLIKE, is_unlike, warning
from napari_colorgan.services.guiding import describe_guides, guides_if_needed
from napari_colorgan.services.models import load_model, make_predictor
from napari_colorgan.version import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike, StackTarget
    from napari_colorgan.events import Job
    from napari_colorgan.guidance.guides import GuideProvider
    from napari_colorgan.guidance.sources import GuideSources
    from napari_colorgan.inference.kept_prediction import KeptPrediction
    from napari_colorgan.inference.predictor import PlanePredictor
    from napari_colorgan.inference.stack import ColorPlane
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model

PREDICTED = "predicted, not measured"
"""The note on colours in a result's metadata."""


@dataclass(frozen=True, eq=False)
class ColorizeRequest:
    """What to colorize, with which model, and where to.

    Attributes
    ----------
    stack : array, or list of array
        2D to 5D, and S for RGB(A); any real dtype; read one plane at a time. A list holds the
        levels of a pyramid, the full resolution first.
    axes : Axes
        Its axes.
    model : str, pathlib.Path or Model
        A name in the library, a file, or a loaded model.
    settings : PredictionSettings
        How the model is used.
    display : DisplayRange, optional
        How the values are shown; by default estimated from some planes.
    indices : sequence of tuple of int, optional
        Which planes, in this order; all of them by default.
    target : StackTarget, optional
        Takes the colours; by default an array is made for each level.
    uncertainty_target : StackTarget, optional
        Takes the uncertainties; by default an array is made for each level if the settings ask
        for it.
    guides : GuideProvider, optional
        What guides each plane, if that is known already; `sources` are then passed over.
    sources : GuideSources
        What the user gives to guide the colours.
    kept : (tuple of int, KeptPrediction), optional
        A plane's index, and what the network has predicted for it with this stack, display and
        these guides; see :mod:`napari_colorgan.services.live.preview`. It is used where the
        settings would lead to the same prediction.
    """

    stack: StackLike | Sequence[StackLike]
    axes: Axes
    model: str | Path | Model
    settings: PredictionSettings = field(default_factory=PredictionSettings)
    display: DisplayRange | None = None
    indices: Sequence[PlaneIndex] | None = None
    target: StackTarget | None = None
    uncertainty_target: StackTarget | None = None
    guides: GuideProvider | None = None
    sources: GuideSources = UNGUIDED
    kept: tuple[PlaneIndex, KeptPrediction] | None = None

    @property
    def levels(self) -> tuple[StackLike, ...]:
        """The stack's levels, the full resolution first; one unless it is a pyramid."""
        if isinstance(self.stack, list | tuple):
            return tuple(self.stack)
        return (cast("StackLike", self.stack),)


@dataclass(frozen=True, eq=False)
class ColorizeResult:
    """The colours, and the metadata of their origin.

    Attributes
    ----------
    rgb : array, list of array, or StackTarget
        The request's target if it has one; else a numpy array, or a DiskArray where it is larger
        than a quarter of free memory. A list if the stack was one.
    uncertainty : array, list of array, or None
        0 (one colour is certain) … 1 (all colours are equally likely), float32, one value a pixel.
    metadata : mapping
        The model's name, version and sha256, the settings, and that colour is predicted.
    """

    rgb: Any
    uncertainty: Any
    metadata: Mapping[str, Any]


def colorize_job(request: ColorizeRequest) -> Job[ColorizeResult]:
    """Colorize a stack as a request says.

    Parameters
    ----------
    request : ColorizeRequest
        What to do.

    Yields
    ------
    Started, PlaneDone, Notice
        A plane's event comes once it is in the target, on all levels.

    Returns
    -------
    ColorizeResult
        The result.

    Raises
    ------
    AxesError, InputError
        If the axes don't fit, or the values are no real numbers.
    ModelError
        If the model can't be used.
    DeviceError, MemoryLimitError
        If the device is absent, or a plane doesn't fit into memory in any way.
    FileError
        If a part of the input can't be read, or a large result can't be written.
    """
    axes, settings = request.axes, request.settings
    check_levels(request.levels, axes)
    stack = request.levels[0]
    # Before the model is loaded, which takes seconds.
    require_real(np.dtype(stack.dtype))
    model = load_model(request.model)
    predictor = make_predictor(model, settings)
    display = request.display or DisplayRange.estimate(stack, axes)
    if unlike := is_unlike(model.card, predictor, stack, axes, display, request.indices):
        yield Notice(warning(model.card))
    guides, told = resolve_guides(request, predictor, display)
    colors, uncertainty = _results(request)
    job: Job[Any] = colorize_stack(
        stack,
        axes,
        predictor,
        display,
        request.target or ArrayTarget(colors[0], axes),
        uncertainty_target=_uncertainty_target(request, uncertainty),
        indices=request.indices,
        guides=guides,
        ready=_ready(request, guides, predictor, display),
    )
    if len(colors) > 1:
        pyramids = [colors, uncertainty] if uncertainty else [colors]
        job = pyramid_job(job, PlaneBlock.whole(axes, stack.shape), pyramids)
    yield from job
    is_pyramid = isinstance(request.stack, list | tuple)
    return ColorizeResult(
        rgb=colors if is_pyramid else colors[0],
        uncertainty=(uncertainty if is_pyramid else uncertainty[0]) if uncertainty else None,
        metadata={**describe_origin(model.card, settings, display, unlike=unlike), **told},
    )


def resolve_guides(
    request: ColorizeRequest,
    predictor: PlanePredictor,
    display: DisplayRange,
) -> tuple[GuideProvider | None, dict[str, Any]]:
    """Return what guides each plane of a request, and what its result says about that.

    Parameters
    ----------
    request : ColorizeRequest
        The full resolution counts.
    predictor, display
        See :func:`napari_colorgan.services.guiding.make_guides`.
    """
    if request.guides is not None:
        return request.guides, {}
    stack, sources = request.levels[0], request.sources
    guides = guides_if_needed(sources, stack, request.axes, predictor, display)
    return guides, describe_guides(sources, guides)


def _results(request: ColorizeRequest) -> tuple[list[Any], list[Any]]:
    """Return a request's arrays or targets by level: colours, and uncertainties if requested."""
    axes, levels = request.axes, request.levels
    # One for each level; a request with a target has a single level.
    colors: list[Any] = [request.target]
    # The panel and files bring targets of their own, which show or store each plane at once.
    if request.target is None:
        colors = [
            allocate(axes.output_shape(level.shape), request.settings.dtype, axes.output)
            for level in levels
        ]
    if not request.settings.uncertainty:
        return colors, []
    if request.uncertainty_target is not None:
        return colors, [request.uncertainty_target]
    uncertainty = [
        allocate(axes.output_shape(level.shape, 0), np.float32, axes.scalar)
        for level in levels[: len(colors)]
    ]
    return colors, uncertainty


def _ready(
    request: ColorizeRequest,
    provider: GuideProvider | None,
    predictor: PlanePredictor,
    display: DisplayRange,
) -> dict[PlaneIndex, Callable[[np.ndarray], ColorPlane]]:
    """Return what paints the plane whose prediction was kept, empty if there is none of use."""
    if request.kept is None:
        return {}
    from napari_colorgan.inference.kept_prediction import checksum_of

    index, kept = request.kept
    plane = request.axes.read_plane(request.levels[0], index)
    # The values may have been changed in place since.
    if checksum_of(plane) != kept.checksum or not predictor.would_predict(kept, plane, display):
        return {}
    guides = provider.of_plane(index) if provider else None
    return {index: lambda plane: predictor.painter(kept.prediction, guides).paint()}


def _uncertainty_target(request: ColorizeRequest, arrays: list[Any]) -> StackTarget | None:
    if request.uncertainty_target is not None or not arrays:
        return request.uncertainty_target
    return ArrayTarget(arrays[0], request.axes)


def describe_origin(
    card: ModelCard,
    settings: PredictionSettings,
    display: DisplayRange,
    *,
    unlike: bool = False,
) -> dict[str, Any]:
    """Return a result's metadata.

    Parameters
    ----------
    card : ModelCard
        The model's.
    settings : PredictionSettings
        The user's choices; what was left to the card is filled in.
    display : DisplayRange
        How the input's values were shown.
    unlike : bool
        Whether the input is unlike the model's training images.

    Returns
    -------
    dict
        "software", "model", "version", "sha256", "settings" and "display" (dicts of plain
        values), "colour", which says that it is predicted, and "familiarity" of an input that is
        unlike the training images.
    """
    return {
        "software": f"napari-colorgan {installed_version()}",
        "model": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "settings": asdict(settings.resolved(card)),
        "display": asdict(display),
        "colour": PREDICTED,
        **({"familiarity": UNLIKE} if unlike else {}),
    }


def as_text(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata for a file: text stays, everything else becomes JSON.

    Parameters
    ----------
    metadata : Mapping[str, Any]
        Plain values by name.
    """
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in metadata.items()
    }
