"""What we write, others read: the same values, axes and pixel sizes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_colorgan.axes import Axes
from napari_colorgan.io import read_stack, stack_writer

if TYPE_CHECKING:
    from pathlib import Path

MAKING = {
    "software": "napari-colorgan 1",
    "colour": "predicted, not measured",
    "note": "印\x07 & <ü>",
}
# Letters of other scripts, a control character, and signs that XML and shells read.
NAMES = ["plain", "фото 印 é", "a&b <c>", "tab\there", "line\nbreak", "bell\x07"]


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    random = np.random.default_rng(5)
    if dtype == "float32":
        return random.random(shape, np.float32)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def write(path: Path, pixels: np.ndarray, letters: str, **options: Any) -> None:
    axes = Axes(letters)
    with stack_writer(path, pixels.shape, pixels.dtype, axes, metadata=MAKING, **options) as target:
        for index in axes.plane_indices(pixels.shape):
            target.write(index, axes.read_plane(pixels, index))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".png", ".webp", ".jp2", ".tif"])
def test_pillow_reads_pictures(tmp_path: Path, suffix: str, name: str) -> None:
    pixels = values((9, 12, 3), "uint8")
    write(tmp_path / (name + suffix), pixels, "YXS")
    with Image.open(tmp_path / (name + suffix)) as image:
        image.load()
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_pillow_reads_alpha(tmp_path: Path, suffix: str) -> None:
    pixels = values((9, 12, 4), "uint8")
    path = tmp_path / f"a{suffix}"
    with stack_writer(
        path, (9, 12, 3), "uint8", Axes("YXS"), alpha=lambda _: pixels[..., 3]
    ) as target:
        target.write((), pixels[..., :3])
    with Image.open(path) as image:
        assert image.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    ("letters", "shape"),
    [
        ("YXS", (9, 12, 3)),
        ("TZYXS", (2, 3, 9, 12, 3)),
        ("ZYX", (3, 9, 12)),
        ("CYXS", (2, 9, 12, 3)),
    ],
)
def test_tifffile_reads_stacks(
    tmp_path: Path, dtype: str, letters: str, shape: tuple[int, ...]
) -> None:
    pixels = values(shape, dtype)
    count = len(letters.replace("S", ""))
    options = {"scale": (0.5,) * count, "units": ("micrometer",) * count}
    write(tmp_path / "a.ome.tif", pixels, letters, **options)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        series = file.series[0]
        assert series.axes == letters
        np.testing.assert_array_equal(series.asarray(), pixels)
        root = ElementTree.fromstring(file.ome_metadata)
        (described,) = (each for each in root.iter() if each.tag.endswith("}Pixels"))
        assert float(described.attrib["PhysicalSizeX"]) == 0.5
        resolution = file.pages[0].tags["XResolution"].value
        assert resolution[0] / resolution[1] == pytest.approx(20000)  # a centimetre


@pytest.mark.parametrize("name", NAMES)
def test_ome_xml_holds_any_name(tmp_path: Path, name: str) -> None:
    write(tmp_path / f"{name}.ome.tif", values((9, 12, 3), "uint8"), "YXS")
    with tifffile.TiffFile(tmp_path / f"{name}.ome.tif") as file:
        root = ElementTree.fromstring(file.ome_metadata)
    (image,) = (each for each in root if each.tag.endswith("}Image"))
    # XML turns white space in attributes into spaces, and has no other control characters.
    expected = name.replace("\t", " ").replace("\n", " ").replace("\x07", "")
    assert image.get("Name") == expected


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_ome_zarr_reads_its_format(tmp_path: Path, dtype: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ome_zarr.io import parse_url
        from ome_zarr.reader import Reader

        pixels = values((2, 9, 12, 3), dtype)
        options = {"scale": (2.0, 0.5, 0.25), "units": ("micrometer",) * 3}
        write(tmp_path / "a.ome.zarr", pixels, "ZYXS", **options)
        (node, *_) = Reader(parse_url(tmp_path / "a.ome.zarr"))()
    # Samples are channels, which come first.
    np.testing.assert_array_equal(np.asarray(node.data[0]), np.moveaxis(pixels, -1, 0))
    (scale,) = node.metadata["coordinateTransformations"][0]
    assert scale["scale"] == [1.0, 2.0, 0.5, 0.25]
    names = [axis["name"] for axis in node.metadata["axes"]]
    assert names == list("czyx")
    assert zarr.open_group(str(tmp_path / "a.ome.zarr"), mode="r").attrs["ome"]["omero"]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("a.png", "uint8"), ("a.tif", "uint8"), ("a.tif", "uint16"), ("a.tif", "float32")],
)
def test_naparis_own_readers_read_the_same(tmp_path: Path, name: str, dtype: str) -> None:
    from napari_builtins.io import magic_imread

    pixels = values((9, 12, 3), dtype)
    write(tmp_path / name, pixels, "YXS")
    np.testing.assert_array_equal(np.asarray(magic_imread(str(tmp_path / name))), pixels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".ome.zarr"])
def test_we_read_any_name(tmp_path: Path, suffix: str, name: str) -> None:
    write(tmp_path / (name + suffix), values((9, 12, 3), "uint8"), "YXS")
    stack = read_stack(tmp_path / (name + suffix))
    assert stack.name == name
    assert stack.axes.plane_shape(stack.data.shape) == (9, 12)
