from __future__ import annotations

import numpy as np
import pytest

from napari_colorgan.services.evaluation.truth import Truth, read_truth
from napari_colorgan.training.pictures.data import find_pictures


def make_image(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Draw smooth random colours, uint8, shape (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (height // 8, width // 8, 3))
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1).astype(np.uint8)


@pytest.fixture
def truths() -> list[Truth]:
    pictures = find_pictures([make_image(seed) for seed in range(4)])
    found = [read_truth(picture, None) for picture in pictures]
    assert all(found)
    return [truth for truth in found if truth is not None]
