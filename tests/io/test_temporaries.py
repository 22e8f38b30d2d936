"""Temporaries of the living stay, those of the dead go, and nothing is lost in between."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack, stack_writer, write_atomically
from napari_colorgan.io.outputs import atomic, temporaries
from napari_colorgan.io.outputs.atomic import write_folder_atomically
from napari_colorgan.io.outputs.temporaries import PREFIX, Temporary, remove_abandoned

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no locks on folders")

KILLED = """
import os, signal, sys
from napari_colorgan.io.outputs.atomic import write_atomically, write_folder_atomically
write = write_folder_atomically if sys.argv[1] == "folder" else write_atomically
with write(sys.argv[2]) as temporary:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def in_child(work):
    """Run a function in a child process that is killed after it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    os.waitpid(child, 0)


@pytest.fixture(autouse=True)
def search_again(monkeypatch):
    monkeypatch.setattr(temporaries, "searched", {})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_next_writer_removes_what_a_killed_one_left(tmp_path, kind):
    path = tmp_path / "out.bin"
    done = subprocess.run([sys.executable, "-c", KILLED, kind, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [name.startswith(PREFIX) for name in names(tmp_path)] == [True]
    with write_atomically(tmp_path / "other.bin"):
        pass
    assert names(tmp_path) == ["other.bin"]


def test_what_is_in_use_stays(tmp_path):
    file, folder = Temporary(tmp_path), Temporary(tmp_path)
    file.make_file()
    folder.make_folder()
    remove_abandoned(tmp_path)
    assert file.path.exists()
    assert folder.path.exists()
    file.remove()
    folder.remove()
    assert names(tmp_path) == []


def test_a_child_that_took_a_dead_ones_number_does_not_keep_its_files(tmp_path, monkeypatch):
    in_child(lambda: Temporary(tmp_path).make_file())
    (left,) = tmp_path.iterdir()
    number = left.name.split("-")[2]
    real = temporaries.start_of
    # Another process with that number, started since.
    monkeypatch.setattr(
        temporaries, "start_of", lambda pid: real(pid) or (pid == int(number)) * time.time() + 60
    )
    remove_abandoned(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("age", "locked", "stays"),
    [(0, False, True), (3600, False, False), (3600, True, True), (10 * 86400, True, True)],
)
def test_another_machines_are_told_by_their_lock(tmp_path, age, locked, stays):
    path = tmp_path / f"{PREFIX}00000000-1-1-1-0123456789ab.zarr"
    path.mkdir()
    os.utime(path, (time.time() - age,) * 2)
    handle = os.open(path, os.O_RDONLY)
    try:
        if locked:
            fcntl.flock(handle, fcntl.LOCK_EX)
        remove_abandoned(tmp_path)
        assert path.exists() == stays
    finally:
        os.close(handle)


@pytest.mark.parametrize(("days", "stays"), [(1, True), (8, False)])
def test_without_locks_only_what_is_days_old_goes(tmp_path, monkeypatch, days, stays):
    monkeypatch.setattr(temporaries, "fcntl", None)
    path = tmp_path / f"{PREFIX}00000000-1-1-1-0123456789ab.png"
    path.write_bytes(b"x")
    os.utime(path, (time.time() - 86400 * days,) * 2)
    remove_abandoned(tmp_path)
    assert path.exists() == stays


def test_other_hidden_files_stay(tmp_path):
    for name in (".colorgan", ".colorganized", ".config", "a.colorgan-1"):
        (tmp_path / name).write_bytes(b"x")
    remove_abandoned(tmp_path)
    assert len(names(tmp_path)) == 4


def test_a_link_with_a_temporarys_name_is_not_followed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    link = tmp_path / f"{PREFIX}{temporaries.machine_name()}-1-1-1-0123456789ab"
    link.symlink_to(tmp_path / "kept", target_is_directory=True)
    remove_abandoned(tmp_path)
    assert names(tmp_path / "kept") == ["file"]


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("system_call", range(1, 12))
def test_a_folder_is_there_whenever_its_replacement_is_killed(
    tmp_path, monkeypatch, exchange, system_call
):
    """Ended before each of the calls that change names, the old or the new one is there."""
    place = tmp_path / "out.zarr"
    place.mkdir()
    (place / "old").write_bytes(b"old")
    calls = iter(range(1, 100))

    def ending(function):
        def call(*args, **kwargs):
            if next(calls) == system_call:
                os._exit(9)
            return function(*args, **kwargs)

        return call

    def replace():
        if not exchange:
            monkeypatch.setattr(atomic, "exchange", lambda *_: False)
        for name in ("rename", "mkdir", "rmdir", "unlink", "fsync"):
            monkeypatch.setattr(os, name, ending(getattr(os, name)))
        with write_folder_atomically(place) as temporary:
            (temporary / "new").write_bytes(b"new")

    in_child(replace)
    remove_abandoned(tmp_path, at_once=True)
    assert names(tmp_path) == ["out.zarr"]
    assert names(place) in (["old"], ["new"])


def test_reading_a_half_replaced_folder_brings_it_back(tmp_path, monkeypatch):
    place = tmp_path / "out.zarr"
    axes = Axes("YX")
    with stack_writer(place, (8, 9), "uint8", axes) as target:
        target.write((), np.full((8, 9), 7, np.uint8))
    in_child(lambda: temporaries.save_folder(place))
    assert not place.exists()
    assert np.asarray(read_stack(place).data)[0, 0] == 7
    assert names(tmp_path) == ["out.zarr"]


@pytest.mark.parametrize(
    "foreign", ["notes.txt", "0/notes.txt", "0/c/0/notes.txt", "labels/zarr.json", "9/c/x/1"]
)
def test_a_store_with_foreign_files_is_not_replaced(tmp_path, foreign):
    place = tmp_path / "out.zarr"
    axes, plane = Axes("YX"), np.ones((8, 9), np.uint8)

    def write():
        with stack_writer(place, plane.shape, "uint8", axes, overwrite=True) as target:
            target.write((), plane)

    write()
    write()
    (place / foreign).parent.mkdir(parents=True, exist_ok=True)
    (place / foreign).write_bytes(b"mine")
    with pytest.raises(FileError, match="not replaced"):
        write()
    assert (place / foreign).read_bytes() == b"mine"


@pytest.mark.parametrize(
    "content", [None, b"{}", b"[1]", b'{"attributes": {"ome": {}}}', b"[" * 9999]
)
def test_a_store_of_another_program_is_not_replaced(tmp_path, content):
    place = tmp_path / "out.zarr"
    if content is None:
        place.write_bytes(b"a file")
    else:
        place.mkdir()
        (place / "zarr.json").write_bytes(content)
    with pytest.raises(FileError, match="not replaced"):
        with stack_writer(place, (8, 9), "uint8", Axes("YX"), overwrite=True):
            pytest.fail("must not begin")
    assert place.exists()
