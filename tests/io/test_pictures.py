"""PNG, JPEG and WebP against Pillow and imagecodecs."""

from __future__ import annotations

import io
import json

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.files import planes_of
from napari_colorgan.io.metadata import SOURCE_TYPE

RANDOM = np.random.default_rng(0)
METADATA = {"software": "napari-colorgan 1", "colour": "predicted, not measured", "model": "ü"}


def smooth(shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return ((rows * 3 + columns * 2) % 256).astype(np.uint8)


@pytest.mark.parametrize(
    ("mode", "letters"),
    [("1", "YX"), ("L", "YX"), ("LA", "YX"), ("P", "YXS"), ("RGB", "YXS"), ("RGBA", "YXS")],
)
def test_every_kind_of_png_is_read(tmp_path, mode, letters):
    image = Image.fromarray(RANDOM.integers(0, 256, (7, 9, 3), dtype=np.uint8)).convert(mode)
    image.save(tmp_path / "a.png")
    stack = read_stack(tmp_path / "a.png")
    assert (stack.axes.letters, stack.name) == (letters, "a")
    expected = np.asarray(image.convert({"1": "L", "P": "RGB"}.get(mode, mode)))
    if mode == "LA":
        np.testing.assert_array_equal(stack.alpha, expected[..., 1])
        expected = expected[..., 0]
    np.testing.assert_array_equal(stack.data, expected)


@pytest.mark.parametrize("samples", [(), (3,)])
def test_16_bit_png_is_read(tmp_path, samples):
    pixels = RANDOM.integers(0, 65536, (7, 9, *samples), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    np.testing.assert_array_equal(read_stack(tmp_path / "a.png").data, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_is_turned_upright(tmp_path, orientation):
    upright = smooth((24, 40))
    upright[:8, :8] = 255
    turns = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[274] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turns[orientation]))
    stored.save(tmp_path / "a.jpg", exif=exif, quality=100)
    stack = read_stack(tmp_path / "a.jpg")
    assert stack.axes.letters == "YX"
    assert stack.data.shape == (24, 40)
    assert np.abs(stack.data[:8, :8].astype(int) - 255).mean() < 20


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_colour_jpeg_is_read_as_rgb(tmp_path, mode):
    pixels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(pixels).convert(mode).save(tmp_path / "a.jpg", quality=100)
    stack = read_stack(tmp_path / "a.jpg")
    assert stack.axes.letters == "YXS"
    assert np.abs(stack.data.astype(int) - pixels).max() <= 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_is_read(tmp_path, mode):
    image = Image.fromarray(RANDOM.integers(0, 256, (7, 9, 3), dtype=np.uint8)).convert(mode)
    image.save(tmp_path / "a.webp", lossless=True)
    stack = read_stack(tmp_path / "a.webp")
    assert (stack.axes.letters, stack.name) == ("YXS", "a")
    np.testing.assert_array_equal(stack.data[..., :3], np.asarray(image)[..., :3])


def test_webp_is_turned_upright_and_its_first_picture_counts(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    frames = [Image.new("RGB", (40, 24), color) for color in ("red", "blue")]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], exif=exif, lossless=True
    )
    stack = read_stack(tmp_path / "a.webp")
    assert stack.data.shape == (40, 24, 3)
    np.testing.assert_array_equal(stack.data[0, 0], (255, 0, 0))


def test_a_truncated_webp_is_refused(tmp_path):
    image = Image.fromarray(RANDOM.integers(0, 256, (70, 90, 3), dtype=np.uint8))
    image.save(tmp_path / "a.webp")
    data = (tmp_path / "a.webp").read_bytes()
    for size in (12, 40, len(data) // 2, len(data) - 20):
        (tmp_path / "a.webp").write_bytes(data[:size])
        with pytest.raises(FileError):
            read_stack(tmp_path / "a.webp")


def test_a_large_scan_is_no_attack(tmp_path, monkeypatch):
    Image.new("L", (400, 300)).save(tmp_path / "a.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_stack(tmp_path / "a.jpg").data.shape == (300, 400)


def test_content_counts_not_the_name(tmp_path):
    Image.new("L", (4, 3)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert read_stack(tmp_path / "a.jpg").data.shape == (3, 4)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("letters", ["YX", "YXS", "XYS"])
def test_png_is_written_exactly(tmp_path, dtype, letters):
    axes = Axes(letters)
    shape = (7, 9, 3)[: len(letters)]
    pixels = RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype)
    with stack_writer(tmp_path / "a.png", shape, dtype, axes, metadata=METADATA) as target:
        target.write((), axes.read_plane(pixels, ()))
    expected = axes.read_plane(pixels, ())
    np.testing.assert_array_equal(read_stack(tmp_path / "a.png").data, expected)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        texts = dict(image.text)
        assert SOURCE_TYPE in texts.pop("XML:com.adobe.xmp")
        assert texts == METADATA


def test_jpeg_is_written_with_its_making(tmp_path):
    pixels = np.stack([smooth((32, 40))] * 3, axis=-1) // 2
    with stack_writer(
        tmp_path / "a.jpg", pixels.shape, "uint8", Axes("YXS"), metadata=METADATA
    ) as target:
        target.write((), pixels)
    with Image.open(tmp_path / "a.jpg") as image:
        assert json.loads(image.info["comment"]) == METADATA
        assert image.getexif()[305] == METADATA["software"]
        assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 3


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "letters"),
    [
        ("a.png", (2, 5, 5), "uint8", "ZYX"),
        ("a.jpg", (2, 5, 5), "uint8", "ZYX"),
        ("a.png", (5, 5), "float32", "YX"),
        ("a.jpg", (5, 5), "uint16", "YX"),
        ("a.jpg", (2, 65536), "uint8", "YX"),
        ("a.gif", (5, 5), "uint8", "YX"),
        ("a", (5, 5), "uint8", "YX"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, name, shape, dtype, letters):
    with pytest.raises(FileError), stack_writer(tmp_path / name, shape, dtype, Axes(letters)):
        pytest.fail("must not begin")
    assert list(tmp_path.iterdir()) == []


def test_one_plane_of_a_stack_is_a_picture(tmp_path):
    with stack_writer(tmp_path / "a.png", (1, 1, 5, 6, 3), "uint8", Axes("TZYXS")) as target:
        target.write((0, 0), np.full((5, 6, 3), 9, np.uint8))
    assert read_stack(tmp_path / "a.png").data.shape == (5, 6, 3)


def test_text_chunks_do_not_disturb_other_decoders(tmp_path):
    with stack_writer(tmp_path / "a.png", (5, 6), "uint8", Axes("YX"), metadata=METADATA):
        pass
    data = (tmp_path / "a.png").read_bytes()
    assert Image.open(io.BytesIO(data)).size == (6, 5)
    assert imagecodecs.png_decode(data).shape == (5, 6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("letters", ["YX", "YXS"])
def test_jpeg_2000_is_written_without_losses(tmp_path, dtype, letters):
    pixels = smooth((40, 50)).astype(dtype) * (1 if dtype == "uint8" else 257)
    pixels = np.stack([pixels] * 3, axis=-1) if letters == "YXS" else pixels
    path = tmp_path / "a.jp2"
    with stack_writer(path, pixels.shape, dtype, Axes(letters), metadata=METADATA) as target:
        target.write((), pixels)
    assert METADATA["model"].encode() in path.read_bytes()
    stack = read_stack(path)
    assert stack.axes.letters == letters
    np.testing.assert_array_equal(stack.data, pixels)
    assert planes_of(path) == (1, (40, 50))
    assert (np.asarray(Image.open(path)).shape[:2]) == (40, 50)
