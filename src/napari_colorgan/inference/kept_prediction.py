"""A prediction that is kept, and by what a later request tells that it is still right."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_colorgan.inference.plane_prediction import PlanePrediction


@dataclass(frozen=True, eq=False)
class KeptPrediction:
    """What a network has predicted for one plane, and how.

    Attributes
    ----------
    prediction : PlanePrediction
        The prediction.
    way : tuple
        The network, its precision and its temperature.
    checksum : int
        Of the plane's values.
    """

    prediction: PlanePrediction
    way: tuple[object, ...]
    checksum: int


def checksum_of(plane: np.ndarray) -> int:
    """Return a checksum by which a change of a plane's values is noticed.

    Parameters
    ----------
    plane : ndarray
        Of any dtype.
    """
    return zlib.crc32(np.ascontiguousarray(plane).view(np.uint8).data)
