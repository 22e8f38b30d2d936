"""From gray planes to colour planes: the one door between numpy's planes and tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.device import free_memory, memory_errors, resolve_device
from napari_colorgan.core.execution import NetworkRunner
from napari_colorgan.core.rendering import quantize, render
from napari_colorgan.core.resampling import Resampling, resample
from napari_colorgan.core.upsampling import JointUpsampler, Upsampler
from napari_colorgan.errors import InputError, MemoryLimitError
from napari_colorgan.inference.geometry import Geometry
from napari_colorgan.inference.seen_hints import SeenHints
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.inference.tiling import TileGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from napari_colorgan.core.generator import Generator
    from napari_colorgan.guidance.hints import HintMap
    from napari_colorgan.inference.display import DisplayRange
    from napari_colorgan.inference.settings import Scale
    from napari_colorgan.inference.tiling import Window

# Pixels rendered at once: few enough to stay in a processor's cache, or to fill a GPU.
_BAND_PIXELS = {"cpu": 2**17, "cuda": 2**22, "mps": 2**20}
# Pixels that the network sees at once; more aren't faster, and make for long silences.
_BATCH_PIXELS = {"cpu": 2**20, "cuda": 2**23, "mps": 2**21}
# What rendering a band takes, whatever the plane's size.
_BAND_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class ColorPlane:
    """A plane in colour.

    Attributes
    ----------
    rgb : ndarray, shape (H, W, 3)
        sRGB in the dtype that the settings name; float32 is 0…1.
    uncertainty : ndarray of float32, shape (H, W), or None
        0 (one colour is sure) … 1 (every colour is as likely), if asked for and known.
    """

    rgb: np.ndarray
    uncertainty: np.ndarray | None


@dataclass(frozen=True, eq=False)
class _View:
    """A plane that is being predicted."""

    plane: np.ndarray
    display: DisplayRange
    geometry: Geometry
    hints: SeenHints | None

    def read(self, rows: slice, columns: slice) -> Tensor:
        """Return the L* of a part of the plane."""
        return torch.from_numpy(self.display.lightness(self.plane[rows, columns]))

    def seen(self, window: Window) -> Tensor:
        """Return the L* of a window of the padded plane at the network's scale."""
        g = self.geometry
        down = _reflected(window[0], g.seen_height)
        across = _reflected(window[1], g.seen_width)
        inside = (
            slice(int(down.min()), int(down.max()) + 1),
            slice(int(across.min()), int(across.max()) + 1),
        )
        lightness = resample(
            self.read,
            Resampling(g.height, g.seen_height),
            Resampling(g.width, g.seen_width),
            inside,
        )
        if lightness.shape[0] != len(down):
            lightness = lightness[down - inside[0].start]
        if lightness.shape[1] != len(across):
            lightness = lightness[:, across - inside[1].start]
        return lightness


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
    vividness : float
        The model's, 0…1.
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
        vividness: float = 0.0,
        on_notice: Callable[[str], object] | None = None,
    ) -> None:
        self.settings = settings or PredictionSettings()
        self._scale: Scale = scale if self.settings.scale is None else self.settings.scale
        self._working_size = working_size
        chosen = self.settings.vividness
        self._temperature = 10.0 ** -(vividness if chosen is None else chosen)
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
        geometry = self._geometry(plane_shape)
        result = self._result_bytes(geometry)
        one = geometry.pixels * self._runner.generator.bytes_per_pixel + result
        most = min(self._budget // one, _BATCH_PIXELS[self.device.type] // geometry.pixels)
        return int(max(1, min(most, self._most_planes)))

    @property
    def device(self) -> torch.device:
        """Where the network runs now."""
        return self._runner.device

    def predict(
        self,
        planes: Sequence[np.ndarray],
        display: DisplayRange,
        hints: Sequence[HintMap | None] | None = None,
    ) -> list[ColorPlane]:
        """Colorize planes of one shape.

        Parameters
        ----------
        planes : sequence of ndarray
            Each (H, W), or (H, W, 3 or 4) to be recoloured from its lightness; any real dtype.
        display : DisplayRange
            How values are shown, the same for a whole stack.
        hints : sequence of HintMap or None, optional
            One for each plane, of its size.

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
        guides = list(hints) if hints is not None else [None] * len(planes)
        geometry = self._geometry(_common_shape(planes, guides))
        found: list[ColorPlane] = []
        while len(found) < len(planes):
            count = min(self.batch_size(planes[0].shape), len(planes) - len(found))
            batch = slice(len(found), len(found) + count)
            try:
                with torch.inference_mode(), memory_errors(self.device):
                    views = [
                        _View(plane, display, geometry, guide and SeenHints(guide, geometry))
                        for plane, guide in zip(planes[batch], guides[batch], strict=True)
                    ]
                    found += self._predict(views)
            except MemoryLimitError as error:
                self._retreat(error, geometry, count)
        return found

    def _start_on(self, device: torch.device) -> None:
        self._runner = NetworkRunner(self._source, device, self.settings.precision)
        self._budget = self.settings.memory_limit or free_memory(device) // 4
        self._most_planes = 2**30
        self._most_pixels = 2**62

    def _geometry(self, plane_shape: tuple[int, ...]) -> Geometry:
        shape = (int(plane_shape[0]), int(plane_shape[1]))
        return Geometry.of(shape, self._scale, self._working_size, self._source.stride)

    def _predict(self, views: list[_View]) -> list[ColorPlane]:
        geometry = views[0].geometry
        grid = self._grid(geometry)
        stride = self._runner.generator.output_stride
        shape = (geometry.padded[0] // stride, geometry.padded[1] // stride)
        # a*, b*, the uncertainty and L* of every cell.
        coarse = torch.zeros(len(views), 4, *shape)
        known = False
        for tile in grid:
            lightness = torch.stack([view.seen(tile.read) for view in views])[:, None]
            ab, unsure = self._runner(
                lightness,
                _hint_planes(views, tile.read),
                temperature=self._temperature,
                uncertainty=self.settings.uncertainty,
            )
            known = unsure is not None
            cells = [ab, torch.zeros_like(ab[:, :1]) if unsure is None else unsure]
            cells = [each.cpu() for each in cells] + [F.avg_pool2d(lightness, stride)]
            inner, outer = (
                tuple(slice(s.start // stride, s.stop // stride) for s in window)
                for window in (tile.crop, tile.write)
            )
            coarse[:, :, *outer] = torch.cat(cells, dim=1)[:, :, *inner]
        coarse[:, :2] *= self.settings.saturation
        return [
            self._paint(view, cells, uncertainty=known)
            for view, cells in zip(views, coarse, strict=True)
        ]

    def _paint(self, view: _View, coarse: Tensor, *, uncertainty: bool) -> ColorPlane:
        """Bring colours up to full resolution and show them, band by band."""
        g, device = view.geometry, self.device
        shape = (g.height, g.width)
        color = coarse[: 3 if uncertainty else 2].to(device)
        cell = g.cell(self._runner.generator.output_stride)
        joint = JointUpsampler(color, coarse[3].to(device), shape, cell)
        marks = view.hints and Upsampler(
            torch.from_numpy(view.hints.premultiplied).to(device), shape, g.cell(1)
        )
        rgb = np.empty((*shape, 3), self.settings.dtype)
        unsure = np.empty(shape, np.float32) if uncertainty else None
        for rows in _bands(shape, _BAND_PIXELS[device.type]):
            lightness = view.read(rows, slice(0, g.width)).to(device)
            maps = joint.rows(rows.start, lightness)
            ab = maps[:2]
            if marks is not None:
                mark = marks.rows(rows.start, rows.stop)
                ab = ab * (1 - mark[2]) + mark[:2]
            shown = quantize(render(lightness, ab), self.settings.dtype)
            rgb[rows] = shown.permute(1, 2, 0).cpu().numpy()
            if unsure is not None:
                unsure[rows] = maps[2].clamp(0, 1).cpu().numpy()
        return ColorPlane(rgb, unsure)

    def _grid(self, geometry: Geometry) -> TileGrid:
        """Return the tiles of a plane: one if memory allows."""
        generator = self._runner.generator
        spare = self._budget - self._result_bytes(geometry)
        limit = min(spare // generator.bytes_per_pixel, self._most_pixels)
        height, width = geometry.padded
        halo = -(-generator.halo // generator.stride) * generator.stride
        grid = TileGrid.plan(height, width, max_pixels=limit, stride=generator.stride, halo=halo)
        if grid is None:
            least = (2 * halo + generator.stride) ** 2 * generator.bytes_per_pixel
            least += self._result_bytes(geometry)
            raise MemoryLimitError(
                expected=f"a memory limit of at least {_gigabytes(least)} for a plane of "
                f"{geometry.height} × {geometry.width} pixels",
                got=_gigabytes(self._budget),
                action="Raise the memory limit, free memory, or choose the scale 'fit'.",
            )
        return grid

    def _result_bytes(self, geometry: Geometry) -> int:
        """Return what a plane takes beside the network: its result, coarse maps and a band."""
        if self.device.type == "cuda":
            return _BAND_BYTES * 4
        pixel = 3 * np.dtype(self.settings.dtype).itemsize + 4 * self.settings.uncertainty
        cells = geometry.pixels // self._runner.generator.output_stride**2
        return geometry.height * geometry.width * pixel + 50 * cells + _BAND_BYTES

    def _retreat(self, error: MemoryLimitError, geometry: Geometry, count: int) -> None:
        """Make do with less memory after it ran out, or raise the error if there is no way."""
        if count > 1:
            self._most_planes = count // 2
            self._on_notice(f"Memory ran out: now {count // 2} planes at a time.")
            return
        try:
            pixels = self._grid(geometry).largest
            self._most_pixels = pixels // 2
            self._grid(geometry)
        except MemoryLimitError:
            if self.device.type == "cpu":
                raise error from None
            self._on_notice(f"Memory ran out on {self.device}: the CPU takes over, slower.")
            self._start_on(torch.device("cpu"))
        else:
            self._on_notice(f"Memory ran out: now in tiles of {self._most_pixels:,} pixels.")


def _common_shape(planes: Sequence[np.ndarray], hints: Sequence[HintMap | None]) -> tuple[int, ...]:
    shapes = {plane.shape for plane in planes}
    fitting = len(shapes) == 1 and all(
        len(shape) in (2, 3) and 0 not in shape and (len(shape) == 2 or shape[2] in (3, 4))
        for shape in shapes
    )
    if not fitting:
        raise InputError(
            expected="planes of one shape (H, W), (H, W, 3) or (H, W, 4), at least one pixel each",
            got=f"shapes {sorted(shapes)}",
            action="Predict planes of different shapes one after the other.",
        )
    if len(hints) != len(planes):
        raise InputError(
            expected=f"one hint map or None for each of {len(planes)} planes",
            got=f"{len(hints)}",
            action="Give None for planes without hints.",
        )
    return shapes.pop()


def _hint_planes(views: list[_View], window: Window) -> Tensor | None:
    """Return the batch's hints in a window, (B, 3, h, w) in the network's units."""
    if all(view.hints is None for view in views):
        return None
    size = tuple(side.stop - side.start for side in window)
    planes = np.stack(
        [
            np.zeros((3, *size), np.float32) if v.hints is None else v.hints.window(window)
            for v in views
        ]
    )
    planes[:, :2] /= AB_SCALE
    return torch.from_numpy(planes)


def _reflected(window: slice, size: int) -> Tensor:
    """Return the positions of a padded side's window on the side: mirrored beyond its end."""
    positions = torch.arange(window.start, window.stop)
    period = max(2 * size - 2, 1)
    positions = positions % period
    return torch.minimum(positions, period - positions) if size > 1 else positions * 0


def _bands(shape: tuple[int, int], pixels: int) -> Iterator[slice]:
    height = max(1, pixels // shape[1])
    for start in range(0, shape[0], height):
        yield slice(start, min(start + height, shape[0]))


def _gigabytes(count: Any) -> str:
    return f"{count / 1e9:.2g} GB"
