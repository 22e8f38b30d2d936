"""Areas: pixels as runs, which read back exactly and stay within their plane."""

from __future__ import annotations

import numpy as np
import pytest

from napari_colorgan.guidance.area import Area


@pytest.mark.parametrize("seed", range(3))
def test_an_area_has_the_pixels_of_its_mask(seed: int) -> None:
    mask = np.random.default_rng(seed).random((20, 30)) > 0.6
    mask[3], mask[:, 7] = True, False
    area = Area.parse(Area.of_mask(mask, (5, 9)).text)
    drawn = np.zeros_like(mask)
    drawn[area.pixels((5, 9), mask.shape)] = True
    assert np.array_equal(drawn, mask)
    # It moves with its hint, and what is beyond the plane is left out.
    moved = np.zeros_like(mask)
    moved[area.pixels((9, 3), mask.shape)] = True
    assert np.array_equal(moved[4:, :-6], mask[:-4, 6:])
    assert moved.sum() == mask[:-4, 6:].sum()


@pytest.mark.parametrize("text", ["", "0:1", "0:1+x", "1 2 3", "0:1+2;3:4+5"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no runs"):
        Area.parse(text)
