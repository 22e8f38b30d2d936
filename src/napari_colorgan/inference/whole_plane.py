"""What a network tells of planes as a whole: their colours, their look, of which kind they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_colorgan.core.device import memory_errors
from napari_colorgan.inference.geometry import Geometry
from napari_colorgan.inference.scaled_plane import ScaledPlane

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from torch import Tensor

    from napari_colorgan.core.execution import NetworkRunner
    from napari_colorgan.core.prediction import Prediction
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.plane_parts import PlaneParts
    from napari_colorgan.inference.tiling import TileGrid

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


def whole_predictions(
    views: Sequence[ScaledPlane],
    runner: NetworkRunner,
    tiles: TileGrid,
    working_size: int,
    hints: Tensor | None = None,
    **choices: Any,
) -> Iterator[Prediction]:
    """Yield what the network predicts for planes, which it sees together, tile by tile.

    Parameters
    ----------
    views : sequence of ScaledPlane
        Planes of one shape; the network doesn't run for none.
    runner : NetworkRunner
        The network.
    tiles : TileGrid
        How they are cut.
    working_size : int
        The short side that "fit" brings planes to.
    hints : Tensor, shape (B, 3, H, W), or None
        What the network is shown of hints.
    **choices
        For the runner.

    Yields
    ------
    Prediction
        Of one plane after the other.
    """
    from napari_colorgan.core.prediction import PredictionMap

    if not views:
        return
    import torch

    whole = PredictionMap(views[0].geometry.padded)
    look = _whole_look(views, runner, working_size, is_whole=tiles.rows * tiles.columns == 1)
    for tile in tiles:
        lightness = torch.stack([view.scaled(tile.read) for view in views])[:, None]
        shown = None if hints is None else hints[:, :, *tile.read]
        prediction = runner(lightness, shown, look=look, **choices)
        whole.put(prediction, tile.crop, tile.write)
    yield from (whole.prediction.single(number) for number in range(len(views)))


def _whole_look(
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
