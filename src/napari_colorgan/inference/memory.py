"""The number of planes, and the size of tiles, that fit into memory; integers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.inference.tiling import TileGrid

if TYPE_CHECKING:
    from napari_colorgan.inference.geometry import Geometry

# Rendering a band of rows takes this, whatever the plane's size.
_BAND_BYTES = 2**26
# Maps on the network's output grid: colours, L*, and the slopes and offsets of joint upsampling.
_CELL_BYTES = 64


@dataclass
class MemoryPlan:
    """What fits into the memory of a device; its limits shrink when memory runs out.

    Attributes
    ----------
    limit : int
        Bytes that predicting may take.
    network_bytes : int
        What the network takes per pixel of its input.
    result_bytes : int
        What the result takes per pixel of the plane, where it is in the same memory.
    stride, output_stride, halo : int
        The network's.
    batch_pixels : int
        Pixels for the network to see at once where memory is plenty.
    most_planes, most_pixels : int
        Upper limits, lowered when memory has run out.
    """

    limit: int
    network_bytes: int
    result_bytes: int
    stride: int
    output_stride: int
    halo: int
    batch_pixels: int
    most_planes: int = 2**30
    most_pixels: int = 2**60

    def batch_size(self, geometry: Geometry) -> int:
        """Return how many planes to predict at once, at least 1.

        Parameters
        ----------
        geometry : Geometry
            Of each plane.
        """
        plane_bytes = geometry.pixels * self.network_bytes + self.bytes_beside_network(geometry)
        by_memory, by_speed = self.limit // plane_bytes, self.batch_pixels // geometry.pixels
        return max(1, min(by_memory, by_speed, self.most_planes))

    def grid(self, geometry: Geometry) -> TileGrid:
        """Return the tiles of a plane: one where memory allows.

        Parameters
        ----------
        geometry : Geometry
            Of the plane.

        Raises
        ------
        MemoryLimitError
            If not even the smallest tile fits beside the result.
        """
        beside = self.bytes_beside_network(geometry) + _BAND_BYTES
        height, width = geometry.padded
        grid = TileGrid.plan(
            height,
            width,
            max_pixels=min((self.limit - beside) // self.network_bytes, self.most_pixels),
            stride=self.stride,
            halo=self.halo,
        )
        if grid is None:
            # One cell of the stride grid with its halo, or the whole plane if that is smaller.
            smallest = min((2 * self.halo + self.stride) ** 2, geometry.pixels)
            needed = beside + smallest * self.network_bytes
            # The network's share shrinks with the scale, the result's doesn't.
            remedy = "choose the scale 'fit'" if beside < self.limit else "crop the image"
            raise MemoryLimitError(
                expected=f"a memory limit of at least {_megabytes(needed)} for planes of "
                f"{geometry.height} × {geometry.width} pixels",
                got=_megabytes(self.limit),
                action=f"Raise the memory limit, free memory, or {remedy}.",
            )
        return grid

    def reduce_memory(self, geometry: Geometry, planes: int) -> str | None:
        """Lower the limits after memory ran out.

        Parameters
        ----------
        geometry : Geometry
            Of the planes that were too much.
        planes : int
            How many there were.

        Returns
        -------
        str or None
            What is done now, as a sentence for the user; None if nothing is left to try.
        """
        if planes > 1:
            self.most_planes = planes // 2
            return f"Memory ran out: now at most {self.most_planes} planes at a time."
        try:
            self.most_pixels = self.grid(geometry).largest // 2
            self.grid(geometry)
        except MemoryLimitError:
            return None
        return f"Memory ran out: now in tiles of at most {self.most_pixels:,} pixels."

    def bytes_beside_network(self, geometry: Geometry) -> int:
        """Return the bytes that a plane takes beside the network: its result, and coarse maps.

        Parameters
        ----------
        geometry : Geometry
            Of the plane.
        """
        cells = geometry.pixels // self.output_stride**2
        return geometry.height * geometry.width * self.result_bytes + cells * _CELL_BYTES


def _megabytes(count: int) -> str:
    return f"{max(count, 0) / 1e6:,.0f} MB"
