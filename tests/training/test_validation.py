"""Which held-out pictures are measured."""

from __future__ import annotations

import numpy as np
import pytest

from napari_colorgan.training.data import Picture, PictureStore
from napari_colorgan.training.validation import Validator


@pytest.mark.parametrize(
    ("pictures", "limit", "measured"),
    [
        (3, 10, [0, 1, 2]),
        (10, 10, list(range(10))),
        (19, 10, [0, 1, 3, 5, 7, 9, 11, 13, 15, 17]),
        (20, 10, list(range(0, 20, 2))),
        (7, 3, [0, 2, 4]),
    ],
)
def test_as_many_as_allowed_are_measured_evenly_spaced(
    pictures: int, limit: int, measured: list[int]
) -> None:
    read: list[int] = []

    def picture(number: int) -> Picture:
        plane = np.zeros((32, 32, 3), np.uint8)
        return Picture("all", str(number), lambda: read.append(number) or plane)

    store = PictureStore([picture(i) for i in range(pictures)], max_side=None, memory_gib=0.0)
    validator = Validator(store, 32, limit)
    assert read == measured
    assert len(validator.rgb) == len(measured)
