"""Colours by table: the same as by formula, for any shape."""

from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.color import rgb_to_lab
from napari_colorgan.core.color_tables import LINEAR, look_up, rgb8_to_lab


def test_every_corner_and_gray_of_the_cube() -> None:
    steps = torch.arange(0, 256, 5, dtype=torch.uint8)
    rgb = torch.cartesian_prod(steps, steps, steps).T.reshape(3, len(steps), -1)
    torch.testing.assert_close(rgb8_to_lab(rgb), rgb_to_lab(rgb / 255.0), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 150, 101), (2, 3, 40, 7), (2, 1, 3, 8, 8)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    rgb = torch.randint(0, 256, shape, dtype=torch.uint8)
    lab = rgb8_to_lab(rgb)
    assert lab.dtype == torch.float32
    torch.testing.assert_close(lab, rgb_to_lab(rgb / 255.0), atol=1e-4, rtol=0)


def test_strided_pixels() -> None:
    rgb = torch.randint(0, 256, (3, 60, 60), dtype=torch.uint8)[:, ::3, ::2]
    torch.testing.assert_close(rgb8_to_lab(rgb), rgb_to_lab(rgb / 255.0), atol=1e-4, rtol=0)


def test_look_up() -> None:
    values = torch.tensor([[0, 255], [10, 128]], dtype=torch.uint8)
    torch.testing.assert_close(look_up(LINEAR, values), LINEAR[values.long()])
    assert LINEAR[255] == pytest.approx(1.0)
