"""TIFF against tifffile: what it wrote is read, what we write it reads."""
# Over 300 lines: one family of files, many kinds of them.

from __future__ import annotations

import os
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version
from PIL import Image

from example_counts import examples
from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError, FileError
from napari_colorgan.io import read_stack, stack_writer

RANDOM = np.random.default_rng(0)
METADATA = {"software": "napari-colorgan 1", "colour": "predicted, not measured", "model": "ü <&>"}


def noise(shape, dtype="uint16"):
    return RANDOM.integers(0, 200, shape).astype(dtype)


def planes(stack):
    """Return all planes of a stack in their order."""
    return np.stack(
        [stack.axes.read_plane(stack.data, i) for i in stack.axes.plane_indices(stack.data.shape)]
    )


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_plain_pages_are_read_whatever_their_compression(tmp_path, compression, dtype):
    pixels = noise((4, 30, 20), dtype)
    options = {"compression": compression, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    stack = read_stack(tmp_path / "a.tif")
    assert (stack.axes.letters, stack.data.dtype, stack.name) == ("ZYX", dtype, "a")
    assert stack.scale is None
    np.testing.assert_array_equal(planes(stack), pixels)


def test_jpeg_compressed_scans_are_read(tmp_path):
    ramp = np.linspace(0, 255, 64 * 64).reshape(64, 64)
    ramp = np.stack([ramp, 255 - ramp, ramp / 2], axis=-1).astype(np.uint8)
    image = Image.fromarray(ramp).convert("YCbCr")
    image.save(tmp_path / "a.tif", compression="jpeg", quality=95)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].photometric.name == "YCBCR"
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes.letters == "YXS"
    difference = planes(stack)[0].astype(int) - ramp
    assert np.abs(difference).max() < 12


def test_pages_without_any_metadata_are_one_stack(tmp_path):
    pixels = noise((5, 8, 9), "uint8")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane in pixels:
            file.write(plane, contiguous=False, metadata=None, compression="lzw")
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes.letters == "ZYX"
    np.testing.assert_array_equal(planes(stack), pixels)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_both_byte_orders_and_planar_samples_are_read(tmp_path, byteorder):
    pixels = noise((3, 12, 10))
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate", byteorder=byteorder
    )
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes.letters == "SYX"
    np.testing.assert_array_equal(planes(stack)[0], np.moveaxis(pixels, 0, -1))


def test_ome_axes_sizes_and_units_are_read(tmp_path):
    pixels = noise((2, 3, 4, 10, 11))
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 260.0,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 1.5,
        "TimeIncrement": 2.0,
        "TimeIncrementUnit": "ms",
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata=metadata, compression="zlib")
    stack = read_stack(tmp_path / "a.ome.tif")
    assert stack.axes.letters == "TCZYX"
    assert stack.scale == (2.0, 1.0, 1.5, 260.0, 0.25)
    assert stack.units == ("millisecond", "pixel", "micrometer", "nanometer", "micrometer")
    assert stack.name == "a"
    np.testing.assert_array_equal(planes(stack).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("names", [("first", "second", "third"), ("", "", "")])
def test_each_image_of_an_ome_tiff_has_its_own_sizes_and_place(tmp_path, names):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for number, name in enumerate(names):
            stated = {"PhysicalSizeX": 1.0 + number, "PhysicalSizeXUnit": "mm" if number else "µm"}
            place = {"PositionX": [10.0 + number], "PositionXUnit": ["mm" if number else "µm"]}
            metadata = {"axes": "YX", "Plane": place, **stated, **({"Name": name} if name else {})}
            file.write(noise((20, 30 + number)), metadata=metadata)
    for number, unit in enumerate(("micrometer", "millimeter", "millimeter")):
        stack = read_stack(path, image=str(number))
        assert stack.data.shape == (20, 30 + number)
        assert stack.scale[-1] == pytest.approx(1.0 + number)
        assert stack.units[-1] == unit
        assert stack.translate[-1] == pytest.approx(10.0 + number)


def test_channels_with_different_ranges_are_told(tmp_path):
    for ranges, count in (((0, 255, 0, 51000), 1), ((0, 255, 0, 255), 0)):
        path = tmp_path / f"{count}.tif"
        tifffile.imwrite(
            path, noise((2, 20, 30)), imagej=True, metadata={"axes": "CYX", "Ranges": ranges}
        )
        told = [text for text in read_stack(path).notices if "different ranges" in text]
        assert len(told) == count


def test_imagej_axes_sizes_and_units_are_read(tmp_path):
    pixels = noise((3, 2, 10, 11))
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        imagej=True,
        resolution=(4, 2),
        metadata={"axes": "TZYX", "unit": "um", "spacing": 3.0, "finterval": 0.5},
    )
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes.letters == "TZYX"
    assert stack.scale == (0.5, 3.0, 0.5, 0.25)
    assert stack.units == ("second", "micrometer", "micrometer", "micrometer")
    np.testing.assert_array_equal(planes(stack).reshape(pixels.shape), pixels)


def test_the_resolution_of_a_scan_is_read(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", noise((9, 8), "uint8"), resolution=(254, 508), resolutionunit="INCH"
    )
    stack = read_stack(tmp_path / "a.tif")
    assert stack.scale == pytest.approx((50.0, 100.0))
    assert stack.units == ("micrometer", "micrometer")


def test_white_may_be_zero(tmp_path):
    bits = noise((9, 8), "uint8") > 100
    tifffile.imwrite(tmp_path / "a.tif", bits, photometric="miniswhite")
    stack = read_stack(tmp_path / "a.tif")
    assert stack.inverted
    np.testing.assert_array_equal(planes(stack)[0], bits)


def test_a_palette_becomes_rgb(tmp_path):
    indices = noise((2, 9, 8), "uint8")
    colors = RANDOM.integers(0, 256, (3, 256)).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", indices, photometric="palette", colormap=colors)
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes.letters == "ZYXS"
    np.testing.assert_array_equal(planes(stack), (colors.T // 257)[indices])


@pytest.mark.parametrize(
    ("samples", "options", "letters"),
    [
        (2, {"photometric": "minisblack", "extrasamples": ["unassalpha"]}, "YX"),
        (4, {"photometric": "minisblack", "planarconfig": "contig"}, "YXC"),
        (4, {"photometric": "rgb", "extrasamples": ["unassalpha"]}, "YXS"),
        (6, {"photometric": "rgb", "extrasamples": ["unspecified"] * 3}, "YXS"),
    ],
)
def test_samples_are_colours_alpha_or_channels(tmp_path, samples, options, letters):
    pixels = noise((9, 8, samples), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes.letters == letters
    if letters == "YXC":
        np.testing.assert_array_equal(planes(stack), np.moveaxis(pixels, -1, 0))
    elif letters == "YX":
        np.testing.assert_array_equal(planes(stack)[0], pixels[..., 0])
        np.testing.assert_array_equal(np.asarray(stack.alpha), pixels[..., 1])
    else:
        kept = {4: [0, 1, 2, 3], 6: [0, 1, 2]}[samples]
        np.testing.assert_array_equal(planes(stack)[0], pixels[..., kept])


def test_cmyk_is_converted_and_that_is_said(tmp_path):
    inks = noise((9, 8, 4), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    stack = read_stack(tmp_path / "a.tif")
    light = 1 - inks / 255
    np.testing.assert_allclose(stack.data, light[..., :3] * light[..., 3:] * 255, atol=0.5001)
    assert "CMYK" in stack.notices[0]


def test_subsampled_ycbcr_without_compression_is_refused_by_name(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        noise((16, 16, 3), "uint8"),
        photometric="ycbcr",
        compression="jpeg",
        subsampling=(2, 2),
    )
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        offset = file.pages[0].tags["Compression"].valueoffset
    data[offset : offset + 2] = (1).to_bytes(2, "little")  # as if it were not compressed
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(FileError, match="YCbCr"):
        read_stack(tmp_path / "a.tif")


def test_what_no_library_decodes_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noise((16, 16), "uint8"), compression="lzw")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        offset = file.pages[0].tags["Compression"].valueoffset
    data[offset : offset + 2] = (34661).to_bytes(2, "little")  # JBIG
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(FileError, match="neither tifffile nor libtiff"):
        read_stack(tmp_path / "a.tif")


def test_further_images_are_mentioned(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for size in (8, 9, 10):
            file.write(noise((size, size), "uint8"), contiguous=False)
    assert "3 images" in read_stack(tmp_path / "a.tif").notices[0]


def test_axes_can_be_named_anew(tmp_path):
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", noise((3, 9, 8)), metadata=metadata)
    stack = read_stack(tmp_path / "a.ome.tif", "tyx")
    assert (stack.axes.letters, stack.scale) == ("TYX", (2.0, 1.0, 0.5))
    stack = read_stack(tmp_path / "a.ome.tif", "SYX")
    assert (stack.axes.letters, stack.scale) == ("SYX", (1.0, 0.5))
    with pytest.raises(AxesError):
        read_stack(tmp_path / "a.ome.tif", "TZYX")


@settings(max_examples=examples(30), deadline=None)
@given(
    letters=st.permutations("TCZYX").map("".join)
    | st.sampled_from(["YX", "XY", "ZYX", "YXT", "PYX", "QZYX", "AYBX"]),
    samples=st.booleans(),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
)
def test_what_is_written_is_read_back(tmp_path_factory, letters, samples, dtype):
    folder = tmp_path_factory.mktemp("tiff")
    axes = Axes(letters).output if samples else Axes(letters)
    sizes = dict(zip(letters, (2, 3, 4, 5, 6), strict=False)) | {"S": 3}
    shape = tuple(sizes[letter] for letter in axes.letters)
    pixels = noise(shape, dtype)
    with stack_writer(folder / "a.ome.tif", shape, dtype, axes, metadata=METADATA) as target:
        for index in axes.plane_indices(shape):
            target.write(index, axes.read_plane(pixels, index))
    stack = read_stack(folder / "a.ome.tif")
    assert stack.data.dtype == dtype
    expected = [axes.read_plane(pixels, index) for index in axes.plane_indices(shape)]
    np.testing.assert_array_equal(planes(stack), expected)
    assert len(stack.axes.letters) == len(axes.letters)
    assert os.listdir(folder) == ["a.ome.tif"]


def test_sizes_units_and_metadata_are_written(tmp_path):
    axes = Axes("TZYXS")
    units = ("second", "micrometer", "nanometer", "nanometer")
    with stack_writer(
        tmp_path / "a.tif",
        (2, 3, 4, 5, 3),
        "uint8",
        axes,
        scale=(0.5, 2.0, 250.0, 125.0),
        units=units,
        metadata=METADATA,
    ):
        pass
    stack = read_stack(tmp_path / "a.tif")
    assert stack.axes == axes
    assert (stack.scale, stack.units) == ((0.5, 2.0, 250.0, 125.0), units)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        text, page = file.ome_metadata, file.pages[0]
        assert page.software == METADATA["software"]
        above, below = page.tags["XResolution"].value
        # Earlier versions of tifffile round numerator and denominator instead of the fraction.
        exact = Version(tifffile.__version__) >= Version("2026.2.24")
        assert above / below == pytest.approx(1e7 / 125, rel=1e-6 if exact else 1e-5)
        assert int(page.tags["ResolutionUnit"].value) == 3
    entries = {e.get("K"): e.text for e in ElementTree.fromstring(text).iter() if e.get("K")}
    assert entries == METADATA


def test_planes_that_are_not_written_are_black(tmp_path):
    with stack_writer(tmp_path / "a.tif", (3, 4, 5), "uint16", Axes("ZYX")) as target:
        target.write((1,), np.full((4, 5), 7, np.uint16))
    assert planes(read_stack(tmp_path / "a.tif")).max(axis=(1, 2)).tolist() == [0, 7, 0]


def test_a_file_above_4_gb_is_bigtiff(tmp_path):
    shape = (700, 1024, 2048, 3)
    with stack_writer(tmp_path / "a.tif", shape, "uint8", Axes("ZYXS")) as target:
        target.write((699,), np.full(shape[1:], 9, np.uint8))
    stack = read_stack(tmp_path / "a.tif")
    assert stack.data.shape == shape
    assert stack.data[699, -1, -1, -1] == 9
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff


def test_pages_are_read_one_by_one(tmp_path, monkeypatch):
    pixels = noise((50, 64, 64))
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib")
    stack = read_stack(tmp_path / "a.tif")
    decoded = []
    decode = tifffile.TiffPage.decode.func

    def counting(page):
        function = decode(page)

        def wrapped(*args, **kwargs):
            decoded.append(args[1])
            return function(*args, **kwargs)

        return wrapped

    monkeypatch.setattr(tifffile.TiffPage, "decode", property(counting))
    np.testing.assert_array_equal(stack.axes.read_plane(stack.data, (30,)), pixels[30])
    assert len(decoded) <= 1
