"""Colorize an array plane by plane when dask asks for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import InputError
from napari_colorgan.inference.display import DisplayRange, require_real
from napari_colorgan.services.colorize import ColorizeResult
from napari_colorgan.services.models import load_model, make_predictor
from napari_colorgan.services.provenance import describe_origin

if TYPE_CHECKING:
    from napari_colorgan.services.colorize import ColorizeRequest

_logger = logging.getLogger("napari_colorgan")


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
        Dask arrays, one chunk a plane; what is to be noticed while they are computed goes to
        the log "napari_colorgan".

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
    predictor = make_predictor(model, settings, _logger.warning)
    display = request.display or DisplayRange.estimate(stack, axes)
    rgb, uncertainty = colorize_dask(
        stack, axes, predictor, display, settings.dtype, uncertainty=settings.uncertainty
    )
    return ColorizeResult(rgb, uncertainty, describe_origin(model.card, settings, display))
