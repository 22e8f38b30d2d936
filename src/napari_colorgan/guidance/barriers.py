"""Barriers: on which side of them a cell lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_colorgan.guidance.marks import window_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_colorgan.guidance.marks import Mark

_MOST_NODES = 160  # along the longer side of the grid on which ways are searched
_LANDMARKS = 12
_FARTHEST = 4.0  # of a side's number; exp(-4² / 2) is left of the covariance
_DETOUR = 0.05  # of the plane's diagonal makes one unit


def sides_of_barriers(
    marks: Sequence[Mark], shape: tuple[int, int], cells: tuple[int, int], stride: int
) -> Tensor | None:
    """Describe each cell by how much longer the ways to it are because of the barriers.

    Parameters
    ----------
    marks : sequence of Mark
        At the network's scale.
    shape : (int, int)
        The plane's height and width there.
    cells : (int, int)
        Rows and columns of the network's cells, which may reach beyond the plane.
    stride : int
        Pixels per cell along a side.

    Returns
    -------
    Tensor of float32, shape (rows * columns, K), or None
        Two cells with no barrier between them have about the same numbers. None without
        barriers.

    Notes
    -----
    From landmarks on both sides of the barriers, the excess of the shortest way around them over
    the straight line; as coordinates, they make a covariance that stays positive definite.
    """
    barriers = [mark for mark in marks if mark.kind == "barrier"]
    if not barriers:
        return None
    pitch = max(max(shape) / _MOST_NODES, 1.0)
    nodes = (max(round(shape[0] / pitch), 1), max(round(shape[1] / pitch), 1))
    blocked = _blocked(barriers, shape, nodes)
    if blocked.all() or not blocked.any():
        return None
    excess = [_excess(blocked, landmark) for landmark in _landmarks(blocked)]
    sides = np.stack(excess, axis=-1)
    rows = np.minimum((np.arange(cells[0]) + 0.5) * stride * nodes[0] / shape[0], nodes[0] - 1)
    columns = np.minimum((np.arange(cells[1]) + 0.5) * stride * nodes[1] / shape[1], nodes[1] - 1)
    at_cells = sides[np.ix_(rows.astype(int), columns.astype(int))]
    return torch.from_numpy(at_cells.reshape(-1, sides.shape[-1]).astype(np.float32))


def _blocked(barriers: list[Mark], shape: tuple[int, int], nodes: tuple[int, int]) -> np.ndarray:
    blocked = np.zeros(nodes, bool)
    for mark in barriers:
        small = mark.scaled(nodes[0] / shape[0], nodes[1] / shape[1])
        # Disks of a line touch each other, also diagonally.
        reach = max(small.radius, 0.75)
        rows, columns = window_of(small, reach, nodes)
        y, x = np.ogrid[rows, columns]
        blocked[rows, columns] |= np.hypot(y - small.row, x - small.column) <= reach
        blocked[rows, columns] |= small.covers(y, x)
    return blocked


def _landmarks(blocked: np.ndarray) -> list[tuple[int, int]]:
    """Return free nodes beside the barriers, far from each other."""
    from scipy.ndimage import binary_dilation, label

    beside = np.argwhere(binary_dilation(blocked, iterations=2) & ~blocked)
    if not len(beside):
        beside = np.argwhere(~blocked)
    regions, count = label(~blocked)
    # One in each region at least, so that a closed barrier divides.
    firsts = [np.argwhere(regions == n + 1)[0] for n in range(min(count, _LANDMARKS))]
    chosen = [beside[0], *firsts] if count < 2 else firsts
    distance = np.min([np.hypot(*(beside - at).T) for at in chosen], axis=0)
    while len(chosen) < _LANDMARKS and distance.max() > 1:
        farthest = beside[int(distance.argmax())]
        chosen.append(farthest)
        distance = np.minimum(distance, np.hypot(*(beside - farthest).T))
    return [(int(row), int(column)) for row, column in chosen]


def _excess(blocked: np.ndarray, landmark: tuple[int, int]) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt
    from skimage.graph import MCP_Geometric

    costs = np.where(blocked, -1.0, 1.0)  # below 0: no way through
    # Without diagonal steps a thin diagonal line holds; straight ways are measured alike.
    ways, _ = MCP_Geometric(costs, fully_connected=False).find_costs([landmark])
    rows, columns = np.ogrid[: blocked.shape[0], : blocked.shape[1]]
    straight = np.abs(rows - landmark[0]) + np.abs(columns - landmark[1])
    unit = _DETOUR * np.hypot(*blocked.shape)
    excess = np.clip((ways - straight) / unit, 0, _FARTHEST)
    # On the barrier itself, what the nearest free node has.
    nearest = distance_transform_edt(blocked, return_distances=False, return_indices=True)
    filled: np.ndarray = excess[tuple(nearest)]
    return filled
