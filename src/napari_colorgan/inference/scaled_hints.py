"""A hint map as the network sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from napari_colorgan.guidance.hints import HintMap
    from napari_colorgan.inference.geometry import Geometry
    from napari_colorgan.inference.tiling import Window


class ScaledHints:
    """A plane's hints at the network's scale.

    Parameters
    ----------
    hints : HintMap
        At the plane's resolution.
    geometry : Geometry
        Of the plane.

    Attributes
    ----------
    premultiplied : ndarray of float32, shape (3, h, w)
        a* and b* in CIE units times the weight, and the weight.

    Raises
    ------
    InputError
        If the hints are of another size than the plane.
    """

    def __init__(self, hints: HintMap, geometry: Geometry) -> None:
        shape = (geometry.height, geometry.width)
        if hints.weight.shape != shape:
            raise InputError(
                expected=f"a hint map of the plane's size {shape}",
                got=f"one of {hints.weight.shape}",
                action="Build it with HintMap.empty(height, width) of the plane.",
            )
        weight = np.asarray(hints.weight, np.float32)
        ab = np.where(weight > 0, hints.ab, 0).astype(np.float32, copy=False)
        seen = (geometry.scaled_height, geometry.scaled_width)
        if seen != shape:
            ab, weight = _brought_to(seen, ab, weight)
        self.premultiplied = np.concatenate([ab * weight, weight[None]])

    def window(self, window: Window) -> np.ndarray:
        """Return a*, b* and weight in a window of the padded plane; the padding has no hints.

        Returns
        -------
        ndarray of float32, shape (3, h, w)
            a* and b* in CIE units.
        """
        rows, columns = window
        inside = self.premultiplied[:, rows, columns]
        found = np.zeros((3, rows.stop - rows.start, columns.stop - columns.start), np.float32)
        found[:, : inside.shape[1], : inside.shape[2]] = inside
        np.divide(found[:2], found[2], out=found[:2], where=found[2] > 0)
        return found


def _brought_to(
    seen: tuple[int, int], ab: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average the colours that fall onto a new pixel; its weight is the greatest of theirs.

    So a mark that is thinner than a new pixel still counts in full.
    """
    if min(seen[0] / weight.shape[0], seen[1] / weight.shape[1]) > 1:
        rows = np.arange(seen[0]) * weight.shape[0] // seen[0]
        columns = np.arange(seen[1]) * weight.shape[1] // seen[1]
        grid = np.ix_(rows, columns)
        return ab[:, rows][:, :, columns], weight[grid]
    rows, columns = np.nonzero(weight)
    marks = weight[rows, columns]
    target = (rows * seen[0] // weight.shape[0]) * seen[1] + columns * seen[1] // weight.shape[1]
    count = seen[0] * seen[1]
    total = np.bincount(target, marks, count)
    sums = [np.bincount(target, marks * each[rows, columns], count) for each in ab]
    mean = np.stack(sums) / np.maximum(total, 1e-12)
    greatest = np.zeros(count, np.float32)
    np.maximum.at(greatest, target, marks)
    return mean.astype(np.float32).reshape(2, *seen), greatest.reshape(seen)
