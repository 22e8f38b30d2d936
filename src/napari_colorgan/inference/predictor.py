"""From gray planes to colour planes: the one door between numpy's planes and tensors."""
# Over 300 lines: the way of a plane through the network and back is read in one piece.

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_colorgan.core.device import free_memory, memory_errors, resolve_device
from napari_colorgan.core.execution import get_runner
from napari_colorgan.core.prediction import PredictionMap, finish
from napari_colorgan.core.rendering import Renderer
from napari_colorgan.core.resampling import (
    JointUpsampler,
    Resampling,
    Upsampler,
    enlarge,
    resample_padded,
)
from napari_colorgan.errors import InputError, MemoryLimitError
from napari_colorgan.inference.geometry import Geometry, common_shape, row_bands
from napari_colorgan.inference.memory import MemoryPlan
from napari_colorgan.inference.settings import UNLIMITED_CHROMA, PredictionSettings
from napari_colorgan.inference.stack import ColorPlane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.core.prediction import Colors
    from napari_colorgan.guidance.guides import PlaneGuides
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.settings import Scale
    from napari_colorgan.inference.tiling import TileGrid, Window

# Pixels rendered at once: few enough to stay in the caches of a few processors, or to fill a GPU.
_BAND_PIXELS = {"cpu": 2**16 * min(torch.get_num_threads(), 4), "cuda": 2**20, "mps": 2**20}
# Pixels that the network sees at once: on CPUs more are slower, as they fall out of the cache.
_BATCH_PIXELS = {"cpu": 2**18, "cuda": 2**23, "mps": 2**21}
# Of the piece of the first plane on which the runner chooses its precision.
_TRIAL_SIZE = 256


@dataclass(frozen=True, eq=False)
class _View:
    """A plane that is being predicted, and its hints over the network's input, (3, H, W)."""

    plane: np.ndarray
    display: DisplayRange
    geometry: Geometry
    hints: Tensor | None

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return the L* of a part of the plane."""
        return torch.from_numpy(self.display.lightness(self.plane[rows, columns]))

    def scaled(self, window: Window) -> Tensor:
        """Return the L* of a window of the padded plane at the network's scale."""
        g = self.geometry
        rows, columns = Resampling(g.height, g.scaled_height), Resampling(g.width, g.scaled_width)
        return resample_padded(self.read, rows, columns, window)


class PlanePredictor:
    """Colorize planes with a generator.

    Parameters
    ----------
    generator : Generator
        The network; a copy of it is used.
    settings : PredictionSettings
        The user's choices; where they are None, the next three hold.
    scale : {"fit", "native"} or float
        The model's working scale.
    working_size : int
        The short side, in pixels, that "fit" brings planes to.
    strength, temperature : float
        The model's; see `PredictionSettings`.
    on_notice : callable, optional
        Called with a sentence for the user whenever memory runs out and the work goes on in
        another way.

    Raises
    ------
    DeviceError
        If the machine has no such device.
    """

    def __init__(
        self,
        generator: Generator,
        settings: PredictionSettings | None = None,
        *,
        scale: Scale = "fit",
        working_size: int = 256,
        strength: float = 1.0,
        temperature: float = 1.0,
        on_notice: Callable[[str], object] | None = None,
    ) -> None:
        self.settings = settings or PredictionSettings()
        self._scale: Scale = scale if self.settings.scale is None else self.settings.scale
        self._working_size = working_size
        chosen = self.settings
        self._strength = strength if chosen.strength is None else chosen.strength
        self._temperature = temperature if chosen.temperature is None else chosen.temperature
        self._on_notice = on_notice or (lambda text: None)
        self._source = generator
        self._start_on(resolve_device(self.settings.device))

    def batch_size(self, plane_shape: tuple[int, ...]) -> int:
        """Return how many planes of a shape are best predicted in one call.

        Parameters
        ----------
        plane_shape : tuple of int
            Rows and columns of the planes.
        """
        return self._memory.batch_size(self._geometry(plane_shape))

    def tiles(self, plane_shape: tuple[int, ...]) -> TileGrid:
        """Return the tiles in which a plane is predicted; one if it fits the memory.

        Parameters
        ----------
        plane_shape : tuple of int
            Rows and columns of the plane.
        """
        return self._memory.grid(self._geometry(plane_shape))

    @property
    def device(self) -> torch.device:
        """Where the network runs now."""
        return self._runner.device

    def predict(
        self,
        planes: Sequence[np.ndarray],
        display: DisplayRange,
        guides: Sequence[PlaneGuides | None] | None = None,
    ) -> list[ColorPlane]:
        """Colorize planes of one shape.

        Parameters
        ----------
        planes : sequence of ndarray
            Each (H, W), or (H, W, 3 or 4) to be recoloured from its lightness; any real dtype.
        display : DisplayRange
            How values are shown, the same for a whole stack.
        guides : sequence of PlaneGuides or None, optional
            What guides each plane; hints are of the planes' size.

        Returns
        -------
        list of ColorPlane
            In the planes' order. Their L* is that of the planes as shown.

        Raises
        ------
        InputError
            If the planes differ in shape, or are none, or the hints don't fit them.
        MemoryLimitError
            If the planes can't be predicted within the memory limit.
        """
        by_plane = list(guides) if guides is not None else [None] * len(planes)
        geometry = self._geometry(common_shape(planes, by_plane))
        found: list[ColorPlane] = []
        while len(found) < len(planes):
            count = min(self.batch_size(planes[0].shape), len(planes) - len(found))
            batch = slice(len(found), len(found) + count)
            try:
                with torch.inference_mode(), memory_errors(self.device):
                    views = [
                        _View(
                            plane,
                            display,
                            geometry,
                            _hints_over_input(guide, geometry),
                        )
                        for plane, guide in zip(planes[batch], by_plane[batch], strict=True)
                    ]
                    found += self._predict(views)
            except MemoryLimitError as error:
                self._reduce_memory(error, geometry, count)
        return found

    def _start_on(self, device: torch.device) -> None:
        self._runner = get_runner(self._source, device, self.settings.precision)
        # Predictions of whole planes are on the CPU, whatever the network runs on.
        propagation = self._source.hint_propagation
        self._propagation = None if propagation is None else copy.deepcopy(propagation).cpu().eval()
        pixel = 3 * np.dtype(self.settings.dtype).itemsize + 4 * self.settings.uncertainty
        generator = self._source
        self._memory = MemoryPlan(
            limit=self.settings.memory_limit or free_memory(device) // 4,
            network_bytes=generator.footprint.bytes_per_pixel,
            result_bytes=0 if device.type == "cuda" else pixel,
            stride=generator.stride,
            output_stride=generator.fine_stride,
            halo=-(-generator.footprint.halo // generator.stride) * generator.stride,
            batch_pixels=_BATCH_PIXELS[device.type],
        )

    def _geometry(self, plane_shape: tuple[int, ...]) -> Geometry:
        shape = (int(plane_shape[0]), int(plane_shape[1]))
        return Geometry.of(shape, self._scale, self._working_size, self._source.stride)

    def _predict(self, views: list[_View]) -> list[ColorPlane]:
        geometry = views[0].geometry
        if not self._runner.prepared:
            self._runner.prepare(views[0].scaled(geometry.centre(_TRIAL_SIZE))[None, None])
        self._memory.network_bytes = self._runner.bytes_per_pixel
        hints = _hint_batch(views)
        propagation = None if hints is None else self._propagation
        whole = PredictionMap(geometry.padded)
        for tile in self._memory.grid(geometry):
            lightness = torch.stack([view.scaled(tile.read) for view in views])[:, None]
            prediction = self._runner(
                lightness,
                None if hints is None else hints[:, :, *tile.read],
                temperature=self._temperature,
                uncertainty=self.settings.uncertainty,
                embedding=propagation is not None,
            )
            whole.put(prediction, tile.crop, tile.write)
        colors = finish(whole.prediction, hints, propagation, strength=self._strength)
        return [
            self._paint(view, colors, whole.prediction.lightness[i, 0], i)
            for i, view in enumerate(views)
        ]

    def _paint(self, view: _View, colors: Colors, guide: Tensor, number: int) -> ColorPlane:
        """Bring a plane's colours up to full resolution and render them, band by band."""
        g, device = view.geometry, self.device
        shape = (g.height, g.width)
        maps, uncertainty = colors.ab[number], None
        if colors.uncertainty is not None:
            uncertainty = np.empty(shape, np.float32)
            on_grid = enlarge(colors.uncertainty[number : number + 1], maps.shape[-2:])
            maps = torch.cat([maps, on_grid[0]])
        joint = JointUpsampler(maps.to(device), guide.to(device), shape, g.cell(colors.stride))
        marks = None
        if view.hints is not None:
            inside = view.hints[:, : g.scaled_height, : g.scaled_width].to(device)
            # Multiplied by the weights, colours are interpolated in proportion to them.
            marks = Upsampler(torch.cat([inside[:2] * inside[2:], inside[2:]]), shape, g.cell(1))
        rgb = np.empty((*shape, 3), self.settings.dtype)
        # PyTorch hardly knows uint16; the bits are the same.
        renderer = Renderer(torch.from_numpy(rgb.view(np.int16) if rgb.dtype == np.uint16 else rgb))
        for rows in row_bands(shape, _BAND_PIXELS[device.type]):
            lightness = view.read(rows, slice(0, g.width)).to(device)
            band = joint.rows(rows.start, lightness)
            ab = band[:2]
            if marks is not None:
                # As `keep_hints` does.
                mark = marks.rows(rows.start, rows.stop)
                ab = ab * (1 - mark[2]) + mark[:2]
            renderer.add(rows.start, lightness, _limited(ab, self.settings.chroma_limit))
            if uncertainty is not None:
                uncertainty[rows] = band[2].clamp(0, 1).cpu().numpy()
        renderer.finish()
        return ColorPlane(rgb, uncertainty)

    def _reduce_memory(self, error: MemoryLimitError, geometry: Geometry, planes: int) -> None:
        """Make do with less memory after it ran out, or raise the error if there is no way."""
        notice = self._memory.reduce_memory(geometry, planes)
        if notice is None:
            if self.device.type == "cpu":
                raise error
            notice = f"Memory ran out on {self.device}: the CPU takes over, more slowly."
            self._start_on(torch.device("cpu"))
        self._on_notice(notice)


def _limited(ab: Tensor, limit: float) -> Tensor:
    """Return colours, (2, H, W) in CIE units, whose chroma is at most `limit`; hue stays."""
    if limit >= UNLIMITED_CHROMA:
        return ab
    chroma = torch.linalg.vector_norm(ab, dim=0, keepdim=True)
    limited: Tensor = ab * (limit / chroma.clamp(min=limit))
    return limited


def _hints_over_input(guides: PlaneGuides | None, geometry: Geometry) -> Tensor | None:
    """Return a plane's hints over the network's input, (3, H, W) in CIE units."""
    hints = None if guides is None else guides.hints
    if hints is None:
        return None
    shape = (geometry.height, geometry.width)
    if hints.weight.shape != shape:
        raise InputError(
            expected=f"a hint map of the plane's size {shape}",
            got=f"one of {hints.weight.shape}",
            action="Build it with HintMap.empty(height, width) of the plane.",
        )
    scaled = hints.resized((geometry.scaled_height, geometry.scaled_width))
    return scaled.to_tensor(geometry.padded)


def _hint_batch(views: list[_View]) -> Tensor | None:
    """Return the hints over the network's input, (B, 3, H, W) in CIE units, if there are any."""
    if all(view.hints is None for view in views):
        return None
    none = torch.zeros(3, *views[0].geometry.padded)
    return torch.stack([none if view.hints is None else view.hints for view in views])
