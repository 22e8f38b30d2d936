"""What a network tells of planes as a whole: their look, and of which kind they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_colorgan.core.device import memory_errors
from napari_colorgan.inference.geometry import Geometry
from napari_colorgan.inference.scaled_plane import ScaledPlane

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from torch import Tensor

    from napari_colorgan.core.execution import NetworkRunner
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.plane_parts import PlaneParts

# In squares of the working size: larger planes are shrunk to see what they are like as a whole.
_LOOK_AREA = 8
# In working sizes: the side of the middle by which a plane's kind is told.
_DESCRIBED = 2

# The short side at which planes are compared as a whole.
_DESCRIBED_SIZE = 96


def whole_features(
    planes: Iterable[np.ndarray | PlaneParts], display: DisplayRange, runner: NetworkRunner
) -> Tensor:
    """Return pooled features of planes of one shape, (N, C), to compare whole planes by.

    Parameters
    ----------
    planes : iterable of ndarray, shape (H, W) or (H, W, 3 or 4)
        Their values, of which one plane at a time is held.
    display : DisplayRange
        How they are shown.
    runner : NetworkRunner
        The network, which sees all of them at once.
    """
    import torch

    small = []
    for plane in planes:
        shape = (int(plane.shape[0]), int(plane.shape[1]))
        geometry = Geometry.of(shape, "fit", _DESCRIBED_SIZE, runner.generator.stride)
        whole = (slice(0, geometry.padded[0]), slice(0, geometry.padded[1]))
        small.append(ScaledPlane(plane, display, geometry).scaled(whole)[None])
    with torch.inference_mode(), memory_errors(runner.device):
        return runner.describe(torch.stack(small)).cpu()


def whole_look(
    views: Sequence[ScaledPlane], runner: NetworkRunner, working_size: int, *, is_whole: bool
) -> Tensor | None:
    """Return the looks of planes, (B, look_channels); None where the network sees them itself.

    They don't depend on tiles: planes that are larger than "fit" would show them are shrunk for
    it, the way that the network is trained.

    Parameters
    ----------
    views : sequence of ScaledPlane
        Planes of one shape.
    runner : NetworkRunner
        The network.
    working_size : int
        The short side that "fit" brings planes to.
    is_whole : bool
        Whether the network sees them in one piece.
    """
    generator, geometry = runner.generator, views[0].geometry
    if not generator.config.look_channels:
        return None
    shape = (geometry.height, geometry.width)
    small = Geometry.of(shape, "fit", working_size, generator.stride)
    if geometry.pixels <= max(small.pixels, _LOOK_AREA * working_size**2):
        if is_whole:
            return None
        small = geometry
    window = (slice(0, small.padded[0]), slice(0, small.padded[1]))
    import torch

    whole = [replace(view, geometry=small).scaled(window) for view in views]
    return runner.look(torch.stack(whole)[:, None])


def middle_features(view: ScaledPlane, runner: NetworkRunner, working_size: int) -> Tensor | None:
    """Return what tells of which kind a plane is, (D,), from its middle; None if nothing can.

    Parameters
    ----------
    view : ScaledPlane
        The plane.
    runner : NetworkRunner
        The network.
    working_size : int
        The middle has a side of twice this, where the plane has so many pixels.
    """
    stride = runner.generator.stride
    side = max(_DESCRIBED * working_size // stride, 1) * stride
    pooled = runner.pooled_features(view.scaled(view.geometry.centre(side))[None, None])
    return None if pooled is None else pooled[0]
