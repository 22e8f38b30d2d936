"""One door for all formats: by content, lazily, and with a corpus of broken files."""

from __future__ import annotations

import io
import os
import pickle
import random
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from example_counts import examples
from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError, ColorganError, FileError
from napari_colorgan.io import INPUT_SUFFIXES, read_stack, stack_writer, stem_of
from napari_colorgan.io.stack import usual_letters

RANDOM = np.random.default_rng(0)
PLANE = RANDOM.integers(0, 256, (40, 50), dtype=np.uint8)


def encoded(kind):
    """Return a small image in a format, as bytes."""
    file = io.BytesIO()
    if kind == "npy":
        np.save(file, PLANE)
    elif kind == "tif":
        tifffile.imwrite(file, np.stack([PLANE] * 3), photometric="minisblack")
    elif kind == "lzw.tif":
        tifffile.imwrite(file, np.stack([PLANE] * 3), photometric="minisblack", compression="lzw")
    elif kind == "ome.tif":
        tifffile.imwrite(file, np.stack([PLANE] * 3), photometric="minisblack", ome=True)
    else:
        Image.fromarray(PLANE).save(file, {"jpg": "jpeg"}.get(kind, kind))
    return file.getvalue()


KINDS = ["npy", "tif", "lzw.tif", "ome.tif", "png", "jpg", "webp"]
GOOD = {kind: encoded(kind) for kind in KINDS}


def read_all(path):
    """Read every plane, so that damage anywhere shows."""
    stack = read_stack(path)
    for index in stack.axes.plane_indices(stack.data.shape):
        stack.axes.read_plane(stack.data, index)
    return stack


@pytest.mark.parametrize("kind", KINDS)
def test_the_corpus_itself_is_sound(tmp_path, kind):
    (tmp_path / f"a.{kind}").write_bytes(GOOD[kind])
    read_all(tmp_path / f"a.{kind}")


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "webp", "npy", "txt", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_content_counts_whatever_the_suffix(tmp_path, kind, suffix):
    path = tmp_path / (f"a.{suffix}" if suffix else "a")
    path.write_bytes(GOOD[kind])
    assert read_all(path).data.shape[-2:] == PLANE.shape or kind == "webp"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.002, 0.01, 0.1, 0.5, 0.9, 0.98])
def test_truncated_files_are_refused(tmp_path, kind, share):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(GOOD[kind][: int(len(GOOD[kind]) * share)])
    with pytest.raises(FileError, match=r"a\.") as caught:
        read_all(path)
    assert caught.value.action


class Harmful:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def pickled_npy(trace):
    file = io.BytesIO()
    np.save(file, np.array([Harmful(trace)], object), allow_pickle=True)
    return file.getvalue()


def png_of(width, height):
    """Return a PNG that claims a size but has next to no pixels."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\0\0\0\0"
    pixels = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [header, pixels, b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        for chunk in chunks
    )


def npy_of(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + b"\0" * 10


BROKEN = {
    "empty": b"",
    "one byte": b"I",
    "text": b"The quick brown fox jumps over the lazy dog.",
    "html": b"<!DOCTYPE html><title>404</title>",
    "zeros": b"\0" * 1000,
    "gif": b"GIF89a\1\0\1\0\0\0\0;",
    "pdf": b"%PDF-1.7 ...",
    "zip": b"PK\3\4" + b"\0" * 30,
    "pickle": pickle.dumps({"a": 1}),
    "tiff magic": b"II*\0",
    "tiff without pages": b"II*\0\0\0\0\0",
    "tiff that points beyond its end": b"II*\0\xff\xff\xff\x7f",
    "tiff that points at itself": b"II*\0\4\0\0\0",
    "bigtiff magic": b"II+\0\x08\0\0\0",
    "png magic": b"\x89PNG\r\n\x1a\n",
    "jpeg magic": b"\xff\xd8\xff",
    "npy magic": b"\x93NUMPY",
    "npy with a wild header": b"\x93NUMPY\1\0\x10\0{'descr': evil()}",
    "npy of another shape": npy_of((1000, 1000)),
    "npy of an impossible shape": npy_of((2**40, 2**40)),
    "png of an impossible size": png_of(2**30, 2**30),
    "png without pixels": png_of(50, 40),
    "png of no size": png_of(0, 0),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("suffix", ["tif", "png", "npy"])
def test_broken_files_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_all(path)
    assert "a." in str(caught.value)
    assert caught.value.action.endswith(".")


def test_pickles_are_never_run(tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "a.npy").write_bytes(pickled_npy(trace))
    with pytest.raises(FileError):
        read_all(tmp_path / "a.npy")
    assert not trace.exists()
    pickle.loads(pickle.dumps(Harmful(trace)))
    assert trace.exists()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 30))
def test_flipped_bytes_are_read_or_refused(tmp_path, kind, seed, flips):
    """Whatever is damaged, nothing but a ColorganError comes out."""
    rng = random.Random(seed)
    data = bytearray(GOOD[kind])
    for _ in range(flips):
        # Headers are where damage does most, so half of it goes there.
        place = rng.randrange(min(400, len(data)) if rng.random() < 0.5 else len(data))
        data[place] = rng.randrange(256)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read_all(path)
        except ColorganError:
            pass


@pytest.mark.parametrize("name", ["gone.tif", "gone/a.tif", "*.tif", ""])
def test_what_is_not_there_is_said(tmp_path, name):
    with pytest.raises(FileError):
        read_stack(tmp_path / name)


def test_a_folder_that_is_no_image_is_said(tmp_path):
    with pytest.raises(FileError, match="not OME-Zarr"):
        read_stack(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX only")
def test_a_file_without_permission_is_said(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(GOOD["png"])
    path.chmod(0)
    if os.geteuid() == 0:
        pytest.skip("root may read anything")
    with pytest.raises(FileError, match="permission"):
        read_stack(path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float64", "bool", "int64"])
def test_npy_is_mapped_not_read(tmp_path, dtype, order):
    pixels = np.asarray(RANDOM.integers(0, 2, (3, 8, 9)), dtype, order=order)
    np.save(tmp_path / "a.npy", pixels)
    stack = read_stack(tmp_path / "a.npy")
    assert (stack.axes.letters, stack.data.shape) == ("ZYX", (3, 8, 9))
    assert isinstance(stack.data._array, np.memmap)
    np.testing.assert_array_equal(stack.data[1], pixels[1])
    np.testing.assert_array_equal(np.asarray(stack.data), pixels)


def test_npy_of_too_few_axes_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(5))
    with pytest.raises(AxesError):
        read_stack(tmp_path / "a.npy")


def test_axes_that_are_named_must_fit(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 5)))
    assert read_stack(tmp_path / "a.npy", " yxt ").axes.letters == "YXT"
    for axes in ("YX", "ZZX", "ABC", "YX1", ""):
        with pytest.raises(AxesError):
            read_stack(tmp_path / "a.npy", axes)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.tif", "a"),
        ("a.ome.tif", "a"),
        ("A.OME.TIFF", "A"),
        ("a.ome.zarr", "a"),
        ("a.b.c.png", "a.b.c"),
        ("a", "a"),
        ("a.txt", "a.txt"),
        ("2024.05.01", "2024.05.01"),
        (".tif", ".tif"),
    ],
)
def test_stems(tmp_path, name, stem):
    assert stem_of(tmp_path / name) == stem


@pytest.mark.parametrize(
    ("letters", "usual"),
    [("YX", "YX"), ("PYX", "ZYX"), ("PQYX", "TZYX"), ("TPYXS", "TZYXS"), ("PZYX", "TZYX")],
)
def test_unknown_axes_get_usual_letters(letters, usual):
    assert usual_letters(letters) == usual


@settings(max_examples=examples(60))
@given(
    suffix=st.sampled_from(["tif", "ome.tif", "zarr"]),
    outer=st.lists(st.sampled_from("TZC"), unique=True),
    sides=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    data=st.data(),
)
def test_sizes_and_units_survive(tmp_path_factory, suffix, outer, sides, dtype, data):
    path = tmp_path_factory.mktemp("written") / f"a.{suffix}"
    axes = Axes("".join(sorted(outer, key="TCZ".index)) + "YX")
    shape = (2,) * len(outer) + sides
    known = {"T": "second", "C": "pixel"}
    units = tuple(known.get(letter, "micrometer") for letter in axes.letters)
    scale = tuple(
        1.0 if letter == "C" else data.draw(st.floats(1e-3, 1e3)) for letter in axes.letters
    )
    with stack_writer(path, shape, dtype, axes, scale=scale, units=units):
        pass
    stack = read_stack(path)
    assert stack.axes == axes
    assert stack.units == units
    np.testing.assert_allclose(stack.scale, scale, rtol=1e-6)


def test_every_suffix_of_an_input_is_in_lower_case():
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in INPUT_SUFFIXES)
