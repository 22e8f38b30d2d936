"""From coarse colours to a colour plane, or a part of one, at full resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_colorgan.core.rendering import Renderer
from napari_colorgan.core.resampling import JointUpsampler, Upsampler, Window, enlarge
from napari_colorgan.guidance.marks import window_of
from napari_colorgan.inference.geometry import row_bands
from napari_colorgan.inference.settings import UNLIMITED_CHROMA
from napari_colorgan.inference.stack import ColorPlane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from napari_colorgan.core.prediction import Colors
    from napari_colorgan.guidance.marks import Mark
    from napari_colorgan.inference.geometry import Geometry

# Pixels rendered at once: few enough to stay in the caches of a few processors, or to fill a GPU.
_BAND_PIXELS = {"cpu": 2**16 * min(torch.get_num_threads(), 4), "cuda": 2**20, "mps": 2**20}

# Around a mark's disk its colour fades over this share of a cell, in about this range of L*.
_FADE = 0.35
_FADE_LIGHTNESS = 10.0
# Beyond this many ranges, where the weight is e^-4.5 or about 1 %, nothing is added.
_FADES = 3.0


@dataclass(frozen=True, eq=False)
class PlaneColors:
    """The colours of a plane at the network's resolution, ready to be painted.

    Attributes
    ----------
    geometry : Geometry
        The plane's.
    read : callable
        Returns the L* of rows and columns of the plane, shape (h, w), float32.
    colors : Colors
        Of this plane alone, CIE units.
    lightness : Tensor, shape (h, w)
        The mean L* of each cell of `colors`.
    exact : Tensor, shape (3, H, W), or None
        A hint map over the network's input, a*, b* and weight, whose colours stay.
    marks : tuple of Mark
        Disks whose colours stay.
    free : Colors or None
        The colours without guides, where marks keep them.
    kept : Tensor, shape (2, H, W), or None
        The a* and b* that marks keep in place of `free`.
    """

    geometry: Geometry
    read: Callable[[slice, slice], Tensor]
    colors: Colors
    lightness: Tensor
    exact: Tensor | None = None
    marks: tuple[Mark, ...] = ()
    free: Colors | None = None
    kept: Tensor | None = None


class Painter:
    """Paints planes, whole or in part.

    Parameters
    ----------
    plane : PlaneColors
        What to paint.
    device : torch.device
        Where it is computed.
    dtype : str
        Of the result: "uint8", "uint16" or "float32".
    chroma_limit : float
        The strongest colour that is painted.
    """

    def __init__(
        self, plane: PlaneColors, device: torch.device, dtype: str, chroma_limit: float
    ) -> None:
        self._plane, self._device, self._dtype = plane, device, dtype
        self._limit = chroma_limit
        g, colors = plane.geometry, plane.colors
        self._shape = (g.height, g.width)
        maps = colors.ab[0]
        self._has_uncertainty = colors.uncertainty is not None
        if colors.uncertainty is not None:
            maps = torch.cat([maps, enlarge(colors.uncertainty, maps.shape[-2:])[0]])
        guide = plane.lightness.to(device)
        self._joint = JointUpsampler(maps.to(device), guide, self._shape, g.cell(colors.stride))
        self._free: JointUpsampler | None = None
        if plane.free is not None:
            free = plane.free.ab[0].to(device)
            self._free = JointUpsampler(free, guide, self._shape, g.cell(plane.free.stride))
        self._fade = max(g.cell(colors.stride)) * _FADE
        self._touches = [self._touch(mark) for mark in plane.marks if mark.ab is not None]
        self._keeps = [mark for mark in plane.marks if mark.kind == "keep"]
        self._areas = {id(mark): mark.area_pixels(self._shape) for mark in plane.marks}

    def paint(self, window: Window | None = None, lightness: Tensor | None = None) -> ColorPlane:
        """Bring colours up to full resolution and render them, band by band.

        Parameters
        ----------
        window : Window, optional
            Which pixels; by default all.
        lightness : Tensor, optional
            Their L*; by default it is read.

        Returns
        -------
        ColorPlane
            The window's colours and uncertainties.
        """
        window = window or Window.whole(self._shape)
        shape, device = window.shape, self._device
        uncertainty = np.empty(shape, np.float32) if self._has_uncertainty else None
        joint = self._joint.windowed(window)
        exact = self._exact_colors(window)
        rgb = np.empty((*shape, 3), self._dtype)
        # PyTorch hardly knows uint16; the bits are the same.
        renderer = Renderer(torch.from_numpy(rgb.view(np.int16) if rgb.dtype == np.uint16 else rgb))
        free = None if self._free is None else self._free.windowed(window)
        for band_rows in row_bands(shape, _BAND_PIXELS[device.type]):
            part = Window(window.rows[band_rows], window.columns)
            level = self._lightness(part) if lightness is None else lightness[band_rows]
            level = level.to(device)
            band = joint.rows(band_rows.start, level)
            ab = band[:2]
            if exact is not None:
                # As `keep_hints` does.
                mark = exact.rows(band_rows.start, band_rows.stop)
                ab = ab * (1 - mark[2]) + mark[:2]
            if self._touches or self._keeps:
                base = None if free is None else free.rows(band_rows.start, level)
                ab = self._marked(ab, level, part, base)
            renderer.add(band_rows.start, level, _limited(ab, self._limit))
            if uncertainty is not None:
                uncertainty[band_rows] = band[2].clamp(0, 1).cpu().numpy()
        renderer.finish()
        return ColorPlane(rgb, uncertainty)

    def _lightness(self, window: Window) -> Tensor:
        """Return the mean L* of a window's blocks."""
        step = window.rows.step
        rows, columns = (
            slice(side.start, min(side.start + len(side) * step, size))
            for side, size in zip((window.rows, window.columns), self._shape, strict=True)
        )
        level = self._plane.read(rows, columns)
        if step == 1:
            return level
        pooled: Tensor = torch.nn.functional.avg_pool2d(level[None], step, ceil_mode=True)[0]
        return pooled

    def _exact_colors(self, window: Window) -> Upsampler | None:
        g, exact = self._plane.geometry, self._plane.exact
        if exact is None:
            return None
        inside = exact[:, : g.scaled_height, : g.scaled_width].to(self._device)
        # Multiplied by the weights, colours are interpolated in proportion to them.
        premultiplied = torch.cat([inside[:2] * inside[2:], inside[2:]])
        return Upsampler(premultiplied, self._shape, g.cell(1), window)

    def _touch(self, mark: Mark) -> tuple[Mark, Tensor, float]:
        """Return a mark, what is missing to its colour at its centre, and the L* there."""
        rows, columns = window_of(mark, 0.0, self._shape)
        centre = Window(range(rows.start, rows.stop), range(columns.start, columns.stop))
        level = self._plane.read(rows, columns).to(self._device)
        there = self._joint.windowed(centre).rows(0, level)[:2, 0, 0]
        assert mark.ab is not None
        return mark, torch.tensor(mark.ab, device=self._device) - there, float(level[0, 0])

    def _marked(self, ab: Tensor, level: Tensor, window: Window, base: Tensor | None) -> Tensor:
        """Return colours in which marks have theirs: exact in their disks, fading around them."""
        ab = ab.clone()
        total, weights = torch.zeros_like(ab), torch.zeros_like(ab[0])
        for mark, delta, own in self._touches:
            fade = max(self._fade, 0.5 * mark.radius)
            for rows, columns, distance in self._near(mark, mark.radius + _FADES * fade, window):
                beyond = (distance - mark.radius).clamp_min(0) / fade
                contrast = (level[rows, columns] - own) / _FADE_LIGHTNESS
                weight = torch.exp(-(beyond**2 + contrast**2) / 2)
                total[:, rows, columns] += weight * delta[:, None, None]
                weights[rows, columns] += weight
        ab += total / weights.clamp_min(1)
        for mark, _, _ in self._touches:
            self._replace(ab, mark, window, torch.tensor(mark.ab, device=ab.device)[:, None, None])
        kept = self._plane.kept
        if kept is not None:
            at = np.ix_(list(window.rows), list(window.columns))
            base = torch.from_numpy(kept.numpy()[:, at[0], at[1]]).to(ab.device)
        if base is not None:
            for mark in self._keeps:
                self._replace(ab, mark, window, base)
        return ab

    def _replace(self, ab: Tensor, mark: Mark, window: Window, colors: Tensor) -> None:
        reach = max(mark.radius, 0.5 * window.rows.step)
        for rows, columns, distance in self._near(mark, reach, window):
            inside = distance <= reach
            if not inside.any():
                # A disk between the centres of pixels covers the nearest.
                inside = distance == distance.min()
            new = colors.expand_as(ab)[:, rows, columns]
            ab[:, rows, columns] = torch.where(inside, new, ab[:, rows, columns])
        pixels = self._areas[id(mark)]
        if pixels is not None:
            # A block is covered where its middle is.
            at = [
                (place - side.start - side.step // 2) / side.step
                for place, side in zip(pixels, (window.rows, window.columns), strict=True)
            ]
            shown = (at[0] % 1 == 0) & (at[1] % 1 == 0)
            shown &= (at[0] >= 0) & (at[0] < ab.shape[1]) & (at[1] >= 0) & (at[1] < ab.shape[2])
            y, x = (torch.from_numpy(place[shown].astype(int)) for place in at)
            ab[:, y, x] = colors.expand_as(ab)[:, y, x]

    def _near(
        self, mark: Mark, reach: float, window: Window
    ) -> Iterator[tuple[slice, slice, Tensor]]:
        """Yield the part of a window within reach of a mark, and the distances there, if any."""
        step = window.rows.step
        sides, offsets = [], []
        for centre, side in ((mark.row, window.rows), (mark.column, window.columns)):
            # The centre of block i is start + i * step + (step - 1) / 2.
            first = side.start + (step - 1) / 2
            low = int(np.ceil((centre - reach - first) / step))
            high = int(np.floor((centre + reach - first) / step)) + 1
            nearest = int(np.floor((centre - first) / step + 0.5))
            low, high = min(low, nearest), max(high, nearest + 1)
            low, high = max(low, 0), min(high, len(side))
            if low >= high:
                return
            sides.append(slice(low, high))
            places = first + step * torch.arange(low, high, device=self._device)
            offsets.append(places - centre)
        yield sides[0], sides[1], torch.hypot(offsets[0][:, None], offsets[1][None])


def _limited(ab: Tensor, limit: float) -> Tensor:
    """Return colours, (2, H, W) in CIE units, whose chroma is at most `limit`; hue stays."""
    if limit >= UNLIMITED_CHROMA:
        return ab
    chroma = torch.linalg.vector_norm(ab, dim=0, keepdim=True)
    limited: Tensor = ab * (limit / chroma.clamp(min=limit))
    return limited


def hard_marks(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return the marks that are painted; barriers only divide.

    Parameters
    ----------
    marks : sequence of Mark
        All marks of a plane.
    """
    return tuple(mark for mark in marks if mark.kind != "barrier")
