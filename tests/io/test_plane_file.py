"""A .npy file that grows plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.io.npy import PlaneFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("dtype", ["u1", ">u2", "f2"])
def test_planes_lie_in_the_order_they_came_in(tmp_path: Path, dtype: str) -> None:
    planes = np.arange(5 * 4 * 6).reshape(5, 4, 6).astype(dtype)
    with PlaneFile(tmp_path / "new" / "planes.npy", planes.shape, planes.dtype) as file:
        file.append(planes[0])
        file.append(planes[1:3])
        file.append(np.asfortranarray(planes[3:]))
        file.flush()
        written = np.load(tmp_path / "new" / "planes.npy")
    assert written.dtype == planes.dtype
    np.testing.assert_array_equal(written, planes)
