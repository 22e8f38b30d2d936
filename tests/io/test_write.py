"""Every format's writer: whole or not at all, and what is wrong is said before the work."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError, FileError, OutputExistsError
from napari_colorgan.io import OUTPUT_SUFFIXES, read_stack, stack_writer
from napari_colorgan.io.formats import FILM_SUFFIXES

# Films have tests of their own: they hold no single plane, and keep their parts after an error.
SUFFIXES = [suffix for suffix in OUTPUT_SUFFIXES if suffix not in FILM_SUFFIXES]
RANDOM = np.random.default_rng(0)
AXES = Axes("YXS")
SHAPE = (30, 20, 3)
PIXELS = RANDOM.integers(0, 256, SHAPE, dtype=np.uint8)


def write(path, **options):
    with stack_writer(path, SHAPE, "uint8", AXES, **options) as target:
        target.write((), PIXELS)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".TIF", ".ome.tif", ".ome.zarr"])
def test_every_suffix_is_written_and_read(tmp_path, suffix):
    write(tmp_path / f"a{suffix}")
    stack = read_stack(tmp_path / f"a{suffix}")
    plane = stack.axes.read_plane(stack.data, ())
    assert plane.shape == SHAPE
    if "jp" not in suffix:
        np.testing.assert_array_equal(plane, PIXELS)
    assert names(tmp_path) == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_there_until_it_is_complete(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with stack_writer(path, SHAPE, "uint8", AXES) as target:
        target.write((), PIXELS)
        assert not path.exists()
    assert path.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, GeneratorExit, MemoryError])
def test_an_error_leaves_nothing(tmp_path, suffix, error):
    def fail():
        with stack_writer(tmp_path / f"a{suffix}", SHAPE, "uint8", AXES) as target:
            target.write((), PIXELS)
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_there_stays_unless_told(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write(path)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write(path)
    write(path, overwrite=True)
    assert names(tmp_path) == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_appears_meanwhile_stays(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"

    def race():
        with stack_writer(path, SHAPE, "uint8", AXES) as target:
            target.write((), PIXELS)
            path.write_bytes(b"precious")

    with pytest.raises(OutputExistsError):
        race()
    assert path.read_bytes() == b"precious"
    assert names(tmp_path) == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_a_disk_that_fills_up_is_said_and_leaves_nothing(tmp_path, suffix):
    resource = pytest.importorskip("resource", reason="file size limits are POSIX")
    import signal

    shape, axes = (40, 200, 200), Axes("ZYX")
    noise = RANDOM.integers(0, 256, (200, 200), dtype=np.uint8)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        with stack_writer(tmp_path / f"a{suffix}", shape, "uint8", axes) as target:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
            for index in axes.plane_indices(shape):
                target.write(index, noise)

    try:
        with pytest.raises(FileError, match="full disk"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_full_disk_at_the_end_is_said_and_leaves_nothing(tmp_path, suffix, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="full disk"):
        write(tmp_path / f"a{suffix}")
    assert names(tmp_path) == []


def test_too_little_room_for_a_tiff_is_said_before_the_work(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 1))
    with pytest.raises(FileError, match="full disk"):
        write(tmp_path / "a.tif")
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_folder_is_said(tmp_path, suffix):
    with pytest.raises(FileError, match="folder"):
        write(tmp_path / "gone" / f"a{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_as_a_folder_is_said(tmp_path, suffix):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError):
        write(tmp_path / "file" / f"a{suffix}")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["a", "a.gif", "a.npy", "a.avif", ".tif"])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    with pytest.raises(FileError, match="ends in"):
        write(tmp_path / name)


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 5), (0, 20, 3)])
def test_axes_that_do_not_fit_are_refused(tmp_path, shape):
    with pytest.raises(AxesError), stack_writer(tmp_path / "a.tif", shape, "uint8", AXES):
        pass
    assert names(tmp_path) == []


@settings(max_examples=examples(40))
@given(
    suffix=st.sampled_from([".tif", ".zarr"]),
    letters=st.permutations("TZYX").map("".join),
    seed=st.integers(0, 99),
)
def test_planes_may_come_in_any_order(tmp_path_factory, suffix, letters, seed):
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    axes = Axes(letters + "S")
    sizes = {"T": 2, "Z": 3, "Y": 4, "X": 5, "S": 3}
    shape = tuple(sizes[letter] for letter in axes.letters)
    pixels = RANDOM.integers(0, 65536, shape).astype(np.uint16)
    indices = list(axes.plane_indices(shape))
    with stack_writer(path, shape, np.uint16, axes) as target:
        for number in np.random.default_rng(seed).permutation(len(indices)):
            target.write(indices[number], axes.read_plane(pixels, indices[number]))
    stack = read_stack(path)
    for index in indices:
        by_letter = dict(zip(axes.outer, index, strict=True))
        there = tuple(by_letter[letter] for letter in stack.axes.outer)
        np.testing.assert_array_equal(
            stack.axes.read_plane(stack.data, there), axes.read_plane(pixels, index)
        )
