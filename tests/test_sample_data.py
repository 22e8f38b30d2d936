"""File > Open Sample > ColorGAN: small, attributed, and opened by napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from micrograph import draw_micrograph
from napari_colorgan import sample_data

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES = {
    "photograph": (398, 606),
    "film": (20, 256, 455),
    "histology": (1024, 1024),
    "fields": (10, 192, 192, 3),
    "focus": (7, 256, 341),
    "micrograph": (768, 768),
}
MEGABYTE = 1_000_000


@pytest.mark.parametrize("key", SHAPES)
def test_a_sample_is_an_image_with_its_source_named(key: str) -> None:
    ((data, attributes, kind),) = getattr(sample_data, key)()
    assert kind == "image"
    assert data.dtype == np.uint8
    assert data.shape == SHAPES[key]
    in_color = key == "fields"
    assert len(attributes["axis_labels"]) == data.ndim - in_color
    assert attributes["axis_labels"][-2:] == ("y", "x")
    assert attributes["metadata"]["attribution"]
    assert attributes["rgb"] is in_color


def test_samples_are_small_together() -> None:
    files = [path for path in sample_data.SAMPLES.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 6 * MEGABYTE


def test_every_sample_is_attributed() -> None:
    page = (sample_data.SAMPLES / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for path in sample_data.SAMPLES.iterdir():
        assert path.suffix == ".md" or path.name in page


@pytest.mark.slow
def test_the_micrograph_is_what_its_script_draws() -> None:
    drawn = draw_micrograph().astype(float)
    ((shipped, _, _),) = sample_data.micrograph()
    # JPEG changes single values, and no structure.
    assert np.abs(shipped - drawn).mean() < 6
    assert np.corrcoef(shipped.ravel(), drawn.ravel())[0, 1] > 0.97


def test_napari_opens_them(make_napari_viewer_proxy: Callable[..., Any]) -> None:
    viewer = make_napari_viewer_proxy()
    for key in SHAPES:
        viewer.open_sample("napari-colorgan", key)
    assert [layer.name for layer in viewer.layers] == list(SHAPES)
    assert viewer.layers["film"].axis_labels == ("t", "y", "x")
    assert viewer.layers["fields"].rgb
