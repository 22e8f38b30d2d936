"""OME-TIFF and OME-Zarr of ours, read by the community's own models and schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_colorgan.axes import Axes
from napari_colorgan.io import stack_writer

if TYPE_CHECKING:
    from pathlib import Path

METADATA = {"software": "napari-colorgan 1", "model": "ü", "colour": "predicted, not measured"}
CASES = [
    ("YXS", (24, 32, 3), "uint8"),
    ("TYXS", (3, 24, 32, 3), "uint16"),
    ("ZYXS", (4, 24, 32, 3), "float32"),
    ("TCZYXS", (2, 2, 3, 24, 32, 3), "uint8"),
    ("YX", (24, 32), "float32"),
    ("TZYX", (2, 3, 24, 32), "float32"),
]
SCALES = {"T": (0.5, "second"), "Z": (2.0, "micrometer"), "C": (1.0, "pixel")}


def write(path: Path, letters: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    pixels = np.random.default_rng(0).uniform(0, 200, shape).astype(dtype)
    axes = Axes(letters)
    sizes = [SCALES.get(letter, (0.25, "micrometer")) for letter in letters if letter != "S"]
    scale, units = (tuple(each) for each in zip(*sizes, strict=True))
    with stack_writer(
        path, shape, pixels.dtype, axes, scale=scale, units=units, metadata=METADATA
    ) as target:
        for index in axes.plane_indices(shape):
            target.write(index, axes.read_plane(pixels, index))
    return pixels


@pytest.mark.parametrize(("letters", "shape", "dtype"), CASES)
def test_an_ome_tiff_follows_the_schema(
    tmp_path: Path, letters: str, shape: tuple[int, ...], dtype: str
) -> None:
    import ome_types

    path = tmp_path / "a.ome.tif"
    pixels = write(path, letters, shape, dtype)
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        xml = file.ome_metadata
        np.testing.assert_array_equal(file.asarray().reshape(shape), pixels)
    assert xml is not None
    # Against the OME schema of 2016-06, which ome-types brings along.
    ome_types.validate_xml(xml)
    (image,) = ome_types.from_xml(xml).images
    described = image.pixels
    assert (described.size_y, described.size_x) == (24, 32)
    assert (described.physical_size_x, described.physical_size_x_unit.value) == (0.25, "µm")
    assert described.size_t == (shape[letters.index("T")] if "T" in letters else 1)
    assert described.size_z == (shape[letters.index("Z")] if "Z" in letters else 1)
    if "Z" in letters:
        assert described.physical_size_z == 2.0
    if "S" in letters:
        assert {channel.samples_per_pixel for channel in described.channels} == {3}
    assert {"float32": "float"}.get(dtype, dtype) == described.type.value


@pytest.mark.parametrize(("letters", "shape", "dtype"), CASES)
def test_an_ome_zarr_follows_the_models(
    tmp_path: Path, letters: str, shape: tuple[int, ...], dtype: str
) -> None:
    import zarr
    from ome_zarr_models.v05.image import Image

    path = tmp_path / "a.ome.zarr"
    write(path, letters, shape, dtype)
    image = Image.from_zarr(zarr.open_group(str(path), mode="r"))
    (multiscale,) = image.attributes.ome.multiscales
    names = [axis.name for axis in multiscale.axes]
    assert names.index("x") == names.index("y") + 1
    assert len(names) == len(set(names))
    assert {"t", "z"} & set(names) == {"t", "z"} & set(letters.lower())
    units = {axis.name: axis.unit for axis in multiscale.axes}
    assert units["x"] == "micrometer"
    (scale,) = (t for t in multiscale.datasets[0].coordinateTransformations if t.type == "scale")
    assert scale.scale[names.index("x")] == 0.25
    attributes = json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]
    assert attributes["ome"]["version"] == "0.5"
