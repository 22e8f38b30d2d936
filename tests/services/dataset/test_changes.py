"""Whether a resumed run's pictures are those that it was begun with."""

from __future__ import annotations

import hashlib
import os

import pytest

from napari_colorgan.errors import TrainingError
from napari_colorgan.services.dataset import changes
from napari_colorgan.services.dataset.changes import accepted_changes
from napari_colorgan.services.run_request import TrainRequest
from napari_colorgan.training.run_folder.directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    return run


def test_pictures_that_were_changed_are_named(run, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.png").write_bytes(b"x")

    def resume(**options):
        request = TrainRequest(data=[folder], output=run.path, **options)
        return list(accepted_changes(run, request.data, request))

    assert resume() == []
    assert resume() == []
    (folder / "a.png").unlink()
    (folder / "b.png").write_bytes(b"xy")
    (folder / "d.png").write_bytes(b"x")
    with pytest.raises(TrainingError, match="--accept-changes") as error:
        resume()
    said = error.value.got
    assert "a.png (removed)" in said
    assert "b.png (replaced)" in said
    assert "c.png" not in said
    assert "d.png (added)" in said
    assert len(resume(accept_changes=True)) == 1
    assert resume() == []


@pytest.mark.parametrize("kind", ["file", "store"])
def test_pictures_are_told_by_their_content(run, tmp_path, kind):
    picture = tmp_path / "data" / ("a.png" if kind == "file" else "a.zarr/c/0/0")
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"first")
    stamp = picture.stat().st_mtime_ns
    request = TrainRequest(data=[tmp_path / "data"], output=run.path)
    assert list(accepted_changes(run, request.data, request)) == []
    os.utime(picture, ns=(stamp, stamp + 10**9))  # a copy
    assert list(accepted_changes(run, request.data, request)) == []
    picture.write_bytes(b"other")
    os.utime(picture, ns=(stamp, stamp))
    with pytest.raises(TrainingError, match=r"a\.(png|zarr) \(replaced\)"):
        list(accepted_changes(run, request.data, request))
    # What was made of the pictures is made anew.
    for folder in (run.decoded, run.cache):
        folder.mkdir(parents=True)
    accepting = TrainRequest(data=[tmp_path / "data"], output=run.path, accept_changes=True)
    assert len(list(accepted_changes(run, accepting.data, accepting))) == 1
    assert not run.decoded.exists()
    assert not run.cache.exists()


def test_runs_of_earlier_versions_are_compared_by_size_and_time(run, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"first")
    status = picture.stat()
    run.write_json("pictures.json", {str(picture): [status.st_size, status.st_mtime_ns]})
    request = TrainRequest(data=[picture], output=run.path)
    os.utime(picture, ns=(1, 1))
    with pytest.raises(TrainingError, match="replaced"):
        list(accepted_changes(run, request.data, request))
    os.utime(picture, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert list(accepted_changes(run, request.data, request)) == []
    # From now on by their content.
    os.utime(picture, ns=(1, 1))
    assert list(accepted_changes(run, request.data, request)) == []


@pytest.mark.parametrize("damage", [None, 3, [], [1], ["a", "b"], [1, 2, 3, 4], list("abcde"), {}])
def test_a_damaged_list_is_a_change(run, tmp_path, damage):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"first")
    run.write_json("pictures.json", {str(picture): damage})
    request = TrainRequest(data=[picture], output=run.path)
    with pytest.raises(TrainingError, match=r"a\.png \(replaced\)"):
        list(accepted_changes(run, request.data, request))


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of an entry's last change")
@pytest.mark.parametrize("kind", ["file", "store"])
def test_only_what_changed_is_read_again(run, tmp_path, kind, monkeypatch):
    names = ["a.png", "b.png"] if kind == "file" else ["a.zarr/c/0", "b.zarr/c/0"]
    for picture in (tmp_path / "data" / name for name in names):
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b"first")
    read = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda f, h: read.append(f.name) or digest(f, h))
    request = TrainRequest(data=[tmp_path / "data"], output=run.path, accept_changes=True)

    def files_read():
        read.clear()
        list(accepted_changes(run, request.data, request))
        return len(read)

    # Files that changed a moment ago may change again within a step of the clock.
    monkeypatch.setattr(changes, "_SETTLED_NS", 3600 * 10**9)
    assert [files_read(), files_read()] == [2, 2]
    (tmp_path / "run" / "pictures.json").unlink()
    monkeypatch.setattr(changes, "_SETTLED_NS", -(10**9))
    assert [files_read(), files_read()] == [2, 0]
    stamp = picture.stat().st_mtime_ns
    os.utime(picture, ns=(stamp, stamp + 10**9))  # a copy
    assert [files_read(), files_read()] == [1, 0]
    picture.write_bytes(b"other")
    os.utime(picture, ns=(stamp, stamp))
    assert [files_read(), files_read()] == [1, 0]
