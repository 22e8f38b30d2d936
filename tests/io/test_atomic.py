"""Outputs are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple

import pytest

from napari_colorgan.errors import ColorganError, FileError, OutputExistsError
from napari_colorgan.io import write_atomically
from napari_colorgan.io.outputs import atomic
from napari_colorgan.io.outputs.atomic import require_space, write_folder_atomically

OLD = b"what was there before"


@pytest.fixture(params=["nothing", "old"])
def file(request, tmp_path):
    path = tmp_path / "out.bin"
    if request.param == "old":
        path.write_bytes(OLD)
    return path


def left(file):
    """Return the folder's content, and check that nothing but the old file is in it."""
    return {path.name: path.read_bytes() for path in file.parent.iterdir()}


def write_half(file, error):
    with write_atomically(file) as temporary:
        temporary.write_bytes(b"half")
        raise error


def fill_half(folder, error):
    with write_folder_atomically(folder) as temporary:
        (temporary / "new").write_bytes(b"half")
        raise error


def test_a_complete_file_is_put_in_place(file):
    with write_atomically(file) as temporary:
        assert temporary.parent == file.parent
        assert temporary.suffix == file.suffix
        temporary.write_bytes(b"new")
    assert left(file) == {"out.bin": b"new"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, FileError])
def test_an_error_leaves_what_was_there(file, error):
    before = left(file)
    parts = {"expected": "a", "got": "b", "action": "c."} if error is FileError else {}
    with pytest.raises(error):
        write_half(file, error(**parts))
    assert left(file) == before


def test_a_closed_generator_leaves_what_was_there(file):
    before = left(file)

    def job():
        with write_atomically(file) as temporary:
            temporary.write_bytes(b"half")
            yield

    running = job()
    next(running)
    assert left(file) != before
    running.close()
    assert left(file) == before


def test_a_real_failure_to_write_leaves_what_was_there(file):
    before = left(file)
    resource = pytest.importorskip("resource", reason="file size limits are POSIX")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(FileError, match="full disk"), write_atomically(file) as temporary:
            temporary.write_bytes(b"x" * 8192)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert left(file) == before


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "full disk"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "no permission"),
        (errno.EIO, "Check the disk"),
    ],
)
def test_a_failing_flush_leaves_what_was_there(file, monkeypatch, number, said):
    before = left(file)

    def fsync(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, "fsync", fsync)
    with pytest.raises(FileError, match=said), write_atomically(file) as temporary:
        temporary.write_bytes(b"new")
    assert left(file) == before


def test_overwriting_has_to_be_allowed(tmp_path):
    path = tmp_path / "out.bin"
    path.write_bytes(OLD)
    with pytest.raises(OutputExistsError), write_atomically(path, overwrite=False):
        pytest.fail("must not begin")
    assert left(path) == {"out.bin": OLD}


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "out.bin"
    with pytest.raises(OutputExistsError), write_atomically(path, overwrite=False):
        path.write_bytes(OLD)
    assert left(path) == {"out.bin": OLD}


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(FileError, match="folder that doesn't exist"):
        with write_atomically(tmp_path / "absent" / "out.bin"):
            pytest.fail("must not begin")


def test_a_folder_in_the_way_is_kept(tmp_path):
    (tmp_path / "out.bin").mkdir()
    with pytest.raises(FileError), write_atomically(tmp_path / "out.bin") as temporary:
        temporary.write_bytes(b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["out.bin"]


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_said_so(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FileError, match="permission"), write_atomically(tmp_path / "a.bin"):
            pytest.fail("must not begin")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.bin", tmp_path / "link.bin"
    real.write_bytes(OLD)
    link.symlink_to(real)
    with write_atomically(link) as temporary:
        temporary.write_bytes(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_file_gets_the_usual_mode(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    with write_atomically(tmp_path / "out.bin"):
        pass
    assert (tmp_path / "out.bin").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("old", [False, True])
def test_a_complete_folder_is_put_in_place(tmp_path, old):
    path = tmp_path / "out.zarr"
    if old:
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "old").write_bytes(OLD)
    with write_folder_atomically(path) as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "new").write_bytes(b"new")
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == [
        "out.zarr",
        "out.zarr/sub",
        "out.zarr/sub/new",
    ]


@pytest.mark.parametrize("old", [False, True])
def test_a_folder_that_fails_leaves_what_was_there(tmp_path, old):
    path = tmp_path / "out.zarr"
    if old:
        path.mkdir()
        (path / "old").write_bytes(OLD)
    with pytest.raises(ValueError, match="stop"):
        fill_half(path, ValueError("stop"))
    found = [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))]
    assert found == (["out.zarr", "out.zarr/old"] if old else [])


def test_a_folder_whose_move_fails_is_moved_back(tmp_path, monkeypatch):
    path = tmp_path / "out.zarr"
    path.mkdir()
    (path / "old").write_bytes(OLD)
    rename = os.rename

    def failing(source, target):
        if str(source).endswith(".zarr") and "old" not in os.listdir(source):
            raise OSError(errno.EIO, "no")
        rename(source, target)

    monkeypatch.setattr(atomic.os, "rename", failing)
    monkeypatch.setattr(atomic, "exchange", lambda *_: False)
    with pytest.raises(FileError), write_folder_atomically(path) as temporary:
        (temporary / "new").write_bytes(b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]
    assert (path / "old").read_bytes() == OLD


def test_too_little_space_is_said_before_work_starts(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 90, 10))
    require_space(tmp_path / "out.bin", 10)
    with pytest.raises(ColorganError, match="full disk"):
        require_space(tmp_path / "out.bin", 11)


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path, monkeypatch, links):
    def no_links(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not links:  # as on exFAT
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "out.bin"
    with write_atomically(path, overwrite=False) as temporary:
        temporary.write_bytes(b"new")
    assert left(path) == {"out.bin": b"new"}
    other = tmp_path / "other.bin"

    def write_too_late():
        with write_atomically(other, overwrite=False) as temporary:
            temporary.write_bytes(b"half")
            other.write_bytes(OLD)

    with pytest.raises(OutputExistsError):
        write_too_late()
    assert left(path) == {"out.bin": b"new", "other.bin": OLD}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_private_file_stays_private(tmp_path):
    path = tmp_path / "out.bin"
    path.write_bytes(OLD)
    path.chmod(0o600)
    with write_atomically(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.stat().st_mode & 0o777 == 0o600
