"""Results that don't fit into memory lie on the disk, and not for longer than needed."""

from __future__ import annotations

import copy
import errno
import gc
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections import namedtuple

import dask.array
import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io.outputs import temporaries
from napari_colorgan.services.arrays import disk_array
from napari_colorgan.services.arrays.disk_array import DiskArray, allocate, results_folder


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(disk_array, "free_system_memory", lambda: 4000)


def test_small_results_are_in_memory(little_memory):
    array = allocate((10, 100), "uint8")
    assert type(array) is np.ndarray
    assert not array.any()


def test_results_above_a_quarter_of_free_memory_are_on_the_disk(little_memory):
    array = allocate((10, 101), "uint8")
    assert isinstance(array, DiskArray)
    assert array.path.parent == results_folder()
    assert (array.shape, array.dtype, array.ndim, array.size) == ((10, 101), "uint8", 2, 1010)
    assert len(array) == 10
    assert not array[...].any()


def test_the_whole_machine_counts():
    assert type(allocate((10, 10), "uint8")) is np.ndarray
    assert disk_array.free_system_memory() > 2**20


def test_what_is_written_is_read(little_memory):
    values = np.random.default_rng(0).random((6, 20, 30, 3)).astype(np.float32)
    array = allocate(values.shape, values.dtype)
    for index, plane in enumerate(values):
        array[index] = plane
    np.testing.assert_array_equal(array[2, 3:8, ..., 1], values[2, 3:8, ..., 1])
    np.testing.assert_array_equal(np.asarray(array), values)
    assert np.asarray(array, dtype=np.float64).dtype == np.float64
    lazy = dask.array.from_array(array)
    np.testing.assert_array_equal(lazy[4].compute(scheduler="synchronous"), values[4])


@pytest.mark.parametrize(
    ("shape", "axes", "chunks"),
    [
        ((5, 40, 30), None, (1, 40, 30)),
        ((5, 40, 30, 3), None, (1, 40, 30, 3)),
        ((40, 5, 30, 3), Axes("YTXS"), (40, 1, 30, 3)),
        ((40, 30, 50), Axes("YXT"), (40, 30, 1)),
        ((5000, 30, 50), Axes("YXT"), (4096, 30, 1)),
    ],
)
def test_a_chunk_is_a_plane(little_memory, shape, axes, chunks):
    assert allocate(shape, "uint8", axes).chunks == chunks


def test_it_goes_with_its_last_user(little_memory):
    array = allocate((100, 100), "uint8")
    path = array.path
    view = dask.array.from_array(array)
    del array
    gc.collect()
    assert path.is_dir()
    del view
    gc.collect()
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_does_not_take_it_along(little_memory):
    array = allocate((100, 100), "uint8")
    child = os.fork()
    if child == 0:
        del array
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert array.path.is_dir()


def test_it_goes_when_python_ends(home):
    code = (
        "from napari_colorgan.services.arrays import disk_array\n"
        "disk_array.free_system_memory = lambda: 0\n"
        "array = disk_array.allocate((100, 100), 'uint8')\n"
        "assert array.path.is_dir()\n"
        "print(array.path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(home) in done.stdout
    assert list(results_folder().iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_killed_processes_left_is_removed_but_nothing_else(little_memory, monkeypatch):
    mine = allocate((100, 100), "uint8")
    mine[0] = 3
    child = os.fork()
    if child == 0:
        try:
            kept = allocate((100, 100), "uint8")
            kept[0] = 1
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    (results_folder() / "holiday").mkdir()
    assert len(list(results_folder().iterdir())) == 3
    monkeypatch.setattr(temporaries, "searched", {})
    other = allocate((100, 100), "uint8")
    names = {path.name for path in results_folder().iterdir()}
    assert names == {mine.path.name, other.path.name, "holiday"}
    assert mine[0, 0] == 3


@pytest.mark.parametrize("what", ["store", "chunk"])
def test_a_part_that_is_gone_is_an_error_and_not_zeros(little_memory, what):
    array = allocate((4, 100, 100), "uint8")
    array[1] = 7
    array[2] = 0
    assert array[3].max() == 0
    shutil.rmtree(array.path if what == "store" else array.path / "c" / "1")
    assert array[3].max() == 0  # was never written
    assert array[2].max() == 0
    with pytest.raises(FileError, match="Colorize it again"):
        array[1]
    array[1] = 8
    assert array[1].min() == 8


def test_a_disk_without_room_is_said_at_once(little_memory, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 1))
    with pytest.raises(FileError, match="full disk"):
        allocate((100, 100), "uint8")
    assert list(results_folder().iterdir()) == []


def test_a_disk_that_fills_up_is_said(little_memory, monkeypatch):
    array = allocate((100, 100), "uint8")

    class Full:
        def __setitem__(self, selection, values):
            raise OSError(errno.ENOSPC, "No space left on device")

    array.array = Full()
    with pytest.raises(FileError, match="full disk"):
        array[0] = 1


def test_a_folder_that_cannot_be_made_is_said(little_memory, home):
    (home / "results").write_text("in the way")
    with pytest.raises(FileError):
        allocate((100, 100), "uint8")


def test_napari_takes_it_as_a_layer(little_memory):
    napari_layers = pytest.importorskip("napari.layers")
    array = allocate((4, 40, 30, 3), "uint8")
    array[1] = 200
    layer = napari_layers.Image(array, rgb=True)
    assert layer.data is array
    assert layer.ndim == 3


def pickled(array):
    return pickle.loads(pickle.dumps(array))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_outlives_its_original(tmp_path, duplicate):
    array = DiskArray(tmp_path, (3, 8, 9), "uint8", (1, 8, 9))
    array[1] = 7
    twin = duplicate(array)
    path = twin.path
    del array
    gc.collect()
    assert (twin.shape, twin.dtype, twin.chunks) == ((3, 8, 9), np.uint8, (1, 8, 9))
    assert int(twin[1].sum()) == 7 * 72
    del twin
    gc.collect()
    assert not path.exists()


def test_what_was_pickled_outlives_its_original_and_is_removed_after_a_week(
    little_memory, tmp_path, monkeypatch
):
    monkeypatch.setattr(disk_array, "results_folder", lambda: tmp_path)
    array = allocate((3, 80, 90), "uint8")
    array[2] = 5
    data = pickle.dumps(array)
    assert pickle.dumps(array) == data
    del array
    gc.collect()
    assert int(pickle.loads(data)[2].sum()) == 5 * 7200
    allocate((3, 80, 90), "uint8")
    assert int(pickle.loads(data)[2].sum()) == 5 * 7200
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * 24 * 3600)
    allocate((3, 80, 90), "uint8")
    with pytest.raises(FileError, match="within the last week"):
        pickle.loads(data)
