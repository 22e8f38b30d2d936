"""Colorize an array in one call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.events import run
from napari_colorgan.former_names import accept_former_names
from napari_colorgan.guidance.hint_list import Hints
from napari_colorgan.guidance.sources import GuideSources
from napari_colorgan.inference.display import DisplayRange, require_real
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.arrays.inputs import dtype_name, open_input
from napari_colorgan.services.colorize import (
    ColorizeRequest,
    ColorizeResult,
    colorize_job,
    describe_origin,
    resolve_guides,
)
from napari_colorgan.services.models import load_model, make_predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_colorgan.axes import Axes, PlaneIndex, StackLike
    from napari_colorgan.events import Event
    from napari_colorgan.guidance.guides import GuideProvider
    from napari_colorgan.guidance.sources import Reference
    from napari_colorgan.inference.settings import Dtype, Precision, Scale
    from napari_colorgan.library.model_file import Model


@accept_former_names(PredictionSettings)
def colorize(
    image: Any,
    model: str | Path | Model = "natural",
    *,
    axes: str | None = None,
    scale: Scale | None = None,
    strength: float | None = None,
    temperature: float | None = None,
    chroma_limit: float = 150.0,
    contrast_limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
    dtype: Dtype | Any = "uint8",
    uncertainty: bool = False,
    device: str = "auto",
    precision: Precision = "auto",
    memory_limit: int | None = None,
    lazy: bool = False,
    hints: Hints | str | Path | None = None,
    references: Reference | Sequence[Reference] = (),
    reference_strength: float = 1.0,
    consistent: bool | None = None,
    keyframes: Mapping[PlaneIndex, Any] | None = None,
    guides: GuideProvider | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Any:
    """Colorize a grayscale image or stack; its colours are predicted, not measured.

    Parameters
    ----------
    image : array, or list of array, or path
        2D to 5D, of any real dtype: numpy, dask, zarr, xarray, torch, Pillow or anything else
        that is indexed like them; read one plane at a time. RGB and RGBA images are coloured anew
        from their lightness; a last axis of length 1 is left out. A list holds the levels of a
        pyramid, the full resolution first. A path is read, and shown as its file says.
    model : str, pathlib.Path or Model, default: "natural"
        A name in the library, a model file, or what :func:`napari_colorgan.load_model` returned.
    axes : str, optional
        One letter for each axis, such as "ZYX": Y and X for the plane, S for the samples of RGB,
        any others. By default "YX", "ZYX", "TZYX" or "TCZYX", with S where the last axis is 3
        or 4 long.
    scale : {"fit", "native"} or float, optional
        The size at which the network sees a plane: "fit" shrinks the whole plane, "native" takes
        the pixels as they are, a number from 0.01 to 16 multiplies its sides. By default what
        the model was trained for.
    strength : float, optional
        What chroma is multiplied by, 0 to 10; 1 is what the model predicts. By default what
        suits the model.
    temperature : float, optional
        At which the predicted distribution is read: from 1 (the mean of the likely colours) to
        0.1 (nearly the likeliest one); by default the model's.
    chroma_limit : float, default: 150
        The strongest colour that is painted, as CIE chroma, 1 to 150; sRGB reaches 134.
    contrast_limits : tuple of float, optional
        The values that are shown black and white, for the whole stack. By default uint8 is taken
        as it is, floats if within 0…1, and all else from its least to its greatest value.
    gamma : float, default: 1.0
        Applied between the contrast limits.
    dtype : {"uint8", "uint16", "float32"} or numpy.dtype
        Of the result; "float32" is 0 to 1.
    uncertainty : bool, default: False
        Whether to return a map of uncertainties, too.
    device : str, default: "auto"
        "auto", "cpu", "cuda", "mps" …
    precision : {"auto", "float32", "bfloat16", "float16"}
        What the network computes in.
    memory_limit : int, optional
        Bytes that predicting a plane may take; by default a quarter of what is free.
    lazy : bool, default: False
        Whether to return dask arrays, one chunk a plane, that colorize as they are computed.
    hints : Hints, str or pathlib.Path, optional
        Colours at places, or the CSV file that holds them; see :class:`napari_colorgan.Hints`.
    references : array, str, pathlib.Path, or a sequence of them, optional
        Colour pictures (H, W, 3), their files, or folders of them: a plane takes their colours
        where something in them is like something in the plane; of several, the most similar
        ones count.
    reference_strength : float, default: 1.0
        How much of the references' colours is taken, 0 to 1.
    consistent : bool, optional
        Whether the planes of a stack shall agree: guided planes, or evenly chosen ones and the
        first of each scene, give their colours to the planes between them. By default where
        `axes` name the first axis of several planes T or Z.
    keyframes : mapping of tuple of int to array, optional
        Planes, by their index, whose colours (H, W, 3) are known: the others take them.
    guides : GuideProvider, optional
        What guides each plane, in place of the above; see
        :class:`napari_colorgan.guidance.guides.Guides`.
    on_event : callable, optional
        Called with each event: Started, PlaneDone, Notice.

    Returns
    -------
    rgb : array, or list of array
        The input's axes without S, then 3 samples. A numpy array; where it would take more than
        a quarter of free memory an array on disk, read on indexing; a dask array if `lazy`. Its
        L* is the input's.
    uncertainty : array, or list of array
        Only if requested: 0 (certain) to 1, float32, the input's axes without S.

    Raises
    ------
    InputError, AxesError
        If the image or a setting can't be used.
    ModelError
        If there is no such model, or it doesn't know its uncertainty and that is asked for.
    DeviceError, MemoryLimitError
        If there is no such device, or a plane doesn't fit into memory in any way.
    FileError
        If a large result can't be written.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_colorgan import Hint, Hints, colorize
    >>> gray = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    >>> colorize(gray).shape
    (48, 64, 3)

    A stack of 16 bit, its axes named, with a colour that is known:

    >>> stack = np.stack([gray, gray]).astype(np.uint16)
    >>> hints = Hints((Hint((0, 10, 20), (40, 25)),), axes="zyx")
    >>> colour = colorize(stack, axes="ZYX", hints=hints, dtype="uint16")
    >>> colour.shape, colour.dtype
    ((2, 48, 64, 3), dtype('uint16'))
    """
    levels, known, shown = open_input(image, axes)
    settings = PredictionSettings(
        scale=scale,
        strength=strength,
        temperature=temperature,
        chroma_limit=chroma_limit,
        device=device,
        precision=precision,
        memory_limit=memory_limit,
        dtype=cast("Dtype", dtype_name(dtype)),
        uncertainty=uncertainty,
    )
    request = ColorizeRequest(
        stack=levels if len(levels) > 1 else levels[0],
        axes=known,
        model=model,
        settings=settings,
        display=_display(levels[0], known, shown, contrast_limits, gamma),
        guides=guides,
        sources=GuideSources(
            hints=Hints.from_csv(hints) if isinstance(hints, str | Path) else hints,
            references=_several(references),
            reference_strength=reference_strength,
            # An axis whose letter is only assumed may be anything.
            consistent=False if consistent is None and axes is None else consistent,
            keyframes=keyframes or {},
        ),
    )
    if lazy:
        result = colorize_lazily(request)
    else:
        result = run(colorize_job(request), on_event)
    return (result.rgb, result.uncertainty) if uncertainty else result.rgb


def colorize_lazily(request: ColorizeRequest) -> ColorizeResult:
    """Return dask arrays that colorize a plane when it is computed.

    Parameters
    ----------
    request : ColorizeRequest
        What to do: a single array, all of its planes, no targets. Where no display range is
        given, up to 16 planes are read for it now.

    Returns
    -------
    ColorizeResult
        Dask arrays, one chunk a plane; notices while they are computed go to the log
        "napari_colorgan".

    Raises
    ------
    ColorganError
        As :func:`napari_colorgan.services.colorize.colorize_job` does, as far as it can be
        known without computing.
    """
    from napari_colorgan.inference.distributed import colorize_dask

    if len(request.levels) > 1 or request.indices is not None or request.target is not None:
        raise InputError(
            expected="one array, to be colorized whole",
            got="a pyramid, a choice of planes or a target",
            action="Give the full resolution alone, or do without lazy=True.",
        )
    (stack,), axes, settings = request.levels, request.axes, request.settings
    axes.check(stack.shape)
    require_real(np.dtype(stack.dtype))
    model = load_model(request.model)
    predictor = make_predictor(model, settings)
    display = request.display or DisplayRange.estimate(stack, axes)
    guides, told = resolve_guides(request, predictor, display)
    rgb, uncertainty = colorize_dask(
        stack,
        axes,
        predictor,
        display,
        settings.dtype,
        uncertainty=settings.uncertainty,
        guides=guides,
    )
    origin = {**describe_origin(model.card, settings, display), **told}
    return ColorizeResult(rgb, uncertainty, origin)


def _several(references: Reference | Sequence[Reference]) -> tuple[Reference, ...]:
    if isinstance(references, list | tuple):
        return tuple(references)
    return (references,)  # type: ignore[return-value]


def _display(
    stack: StackLike,
    axes: Axes,
    shown: DisplayRange | None,
    limits: tuple[float, float] | None,
    gamma: float,
) -> DisplayRange | None:
    """Return how values are shown, None where it is to be estimated."""
    if limits is not None:
        low, high = limits
        return DisplayRange(float(low), float(high), float(gamma))
    # A gamma needs limits to act between.
    if gamma == 1.0:
        return shown
    axes.check(stack.shape)
    return replace(shown or DisplayRange.estimate(stack, axes), gamma=float(gamma))
