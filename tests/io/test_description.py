"""What a writer says of a file's making is read back, and where a file lies is kept."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.description import read_description

METADATA = {
    "software": "napari-colorgan 1",
    "colour": "predicted, not measured",
    "model": 'ü 模型 <&"]]>',
    "settings": '{"saturation": 1.0}',
    "napari_layer": '{"name": "cells"}',
}
PLANE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def write(path, plane=PLANE, **options):
    with stack_writer(
        path, plane.shape, plane.dtype, Axes("YXS"), metadata=METADATA, **options
    ) as target:
        target.write((), plane)
    return path


@pytest.mark.parametrize(
    "name", ["a.tif", "a.ome.tif", "a.png", "a.jpg", "a.jp2", "a.webp", "a.ome.zarr"]
)
def test_what_was_said_is_read(tmp_path, name):
    assert read_description(write(tmp_path / name)) == METADATA


def test_files_of_others_say_nothing(tmp_path):
    Image.fromarray(PLANE).save(tmp_path / "a.png")
    Image.fromarray(PLANE).save(tmp_path / "a.jpg", comment=b"{not json")
    Image.fromarray(PLANE).save(tmp_path / "a.webp", exif=b"junk")
    tifffile.imwrite(tmp_path / "a.tif", PLANE, description="<OME")
    tifffile.imwrite(tmp_path / "b.ome.tif", PLANE, photometric="rgb")
    zarr.save_array(str(tmp_path / "a.zarr"), PLANE)
    np.save(tmp_path / "a.npy", PLANE)
    for path in tmp_path.iterdir():
        assert read_description(path) == {}, path
    with pytest.raises(FileError, match="missing"):
        read_description(tmp_path / "missing.png")


def test_texts_of_files_are_made_safe(tmp_path):
    with stack_writer(
        tmp_path / "a.webp", PLANE.shape, "uint8", Axes("YXS"), metadata={"model": "a\x1b[31mred"}
    ) as target:
        target.write((), PLANE)
    assert "\x1b" not in read_description(tmp_path / "a.webp")["model"]


def test_webp_is_lossless_and_keeps_alpha(tmp_path):
    path = write(tmp_path / "a.webp")
    np.testing.assert_array_equal(np.asarray(Image.open(path)), PLANE)
    np.testing.assert_array_equal(read_stack(path).data, PLANE)
    alpha = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)
    path = write(tmp_path / "b.webp", alpha=lambda _: alpha)
    np.testing.assert_array_equal(read_stack(path).data, np.dstack([PLANE, alpha]))
    with pytest.raises(FileError, match="16383"):
        write(tmp_path / "c.webp", np.zeros((1, 16384, 3), np.uint8))
    assert not (tmp_path / "c.webp").exists()


STACK = np.zeros((2, 3, 8, 10, 3), np.uint8)
PLACE = {
    "scale": (2.0, 0.5, 0.25, 0.125),
    "units": ("second", "micrometer", "micrometer", "micrometer"),
    "translate": (0.0, 3.0, -5.0, 7.5),
}


def test_ome_tiff_has_the_position_of_each_plane(tmp_path):
    path = tmp_path / "a.ome.tif"
    with stack_writer(path, STACK.shape, "uint8", Axes("TZYXS"), **PLACE):
        pass
    with tifffile.TiffFile(path) as file:
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
    planes = image["Pixels"]["Plane"]
    assert [plane["PositionZ"] for plane in planes] == [3.0, 3.5, 4.0] * 2
    assert {(p["PositionY"], p["PositionX"], p["PositionXUnit"]) for p in planes} == {
        (-5.0, 7.5, "µm")
    }


def test_ome_zarr_has_the_translation_of_each_level(tmp_path):
    path = tmp_path / "a.ome.zarr"
    big = (2, 3, 1200, 1600, 3)
    with stack_writer(path, big, "uint8", Axes("TZYXS"), **PLACE):
        pass
    (image,) = zarr.open(str(path)).attrs["ome"]["multiscales"]
    first, second = (
        {t["type"]: t[t["type"]] for t in dataset["coordinateTransformations"]}
        for dataset in image["datasets"][:2]
    )
    assert first["translation"] == [0.0, 0.0, 3.0, -5.0, 7.5]
    # The second level's first pixel is the middle of 2 x 2.
    assert second["translation"] == [0.0, 0.0, 3.0, -5.0 + 0.125, 7.5 + 0.0625]
    assert second["scale"] == [2.0, 1.0, 0.5, 0.5, 0.25]
