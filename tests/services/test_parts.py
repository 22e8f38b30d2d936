"""A work that several programs share: parts in any order, again and at once, give one result."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.events import run
from napari_colorgan.inference.memory import MemoryPlan
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.outputs.part import Part
from napari_colorgan.io.outputs.shared_folder import SharedFolder
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files
from napari_colorgan.services.files.missing_work import find_missing_work

if TYPE_CHECKING:
    from pathlib import Path

PLANES = 7
# At this scale the network sees two planes at once: the units are of 2, 2, 2 and 1.
SETTINGS = PredictionSettings(scale=6.0)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    from napari_colorgan.axes import Axes

    path = tmp_path / "stack.tif"
    planes = np.random.default_rng(0).integers(0, 256, (PLANES, 40, 56), dtype=np.uint8)
    with stack_writer(path, planes.shape, "uint8", Axes("ZYX")) as target:
        for index, plane in enumerate(planes):
            target.write((index,), plane)
    return path


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def colorize(source: Path, output: Path, part: str | None = None, **options: object):
    request = FilesRequest(
        [source],
        output,
        "tiny",
        part=None if part is None else Part.parse(part),
        **{"settings": SETTINGS, **options},  # type: ignore[arg-type]
    )
    result = run(colorize_files(request))
    for _, error in result.failed:
        raise error
    return result


@pytest.mark.parametrize("count", [1, 2, 3, 7, 9])
def test_parts_are_the_whole_without_overlap(count: int) -> None:
    items = list(range(PLANES))
    parts = [Part(number, count).of(items) for number in range(1, count + 1)]
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/2/3", "", "1.0/2"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="such as 2/8"):
        Part.parse(text)


@pytest.mark.usefixtures("tiny_library")
def test_parts_in_any_order_and_again_give_the_bytes_of_one_run(
    stack: Path, tmp_path: Path
) -> None:
    whole, shared = tmp_path / "whole" / "out.ome.zarr", tmp_path / "shared" / "out.ome.zarr"
    for path in (whole, shared):
        path.parent.mkdir()
    colorize(stack, whole)
    request = FilesRequest([stack], shared)

    colorize(stack, shared, "3/3")
    assert not shared.exists()
    missing = find_missing_work(request)
    assert (missing.total, missing.unit, missing.count) == (PLANES, "plane", 4)
    assert missing.missing == ("1-4",)
    colorize(stack, shared, "1/3")
    colorize(stack, shared, "3/3")  # again: nothing is left of it
    assert find_missing_work(request).missing == ("3-4",)
    # What a program that was killed amid a chunk has left.
    (shared.parent / "out.ome.zarr.parts" / "out.ome.zarr" / "0" / "c.1a2b.partial").write_bytes(
        b"1"
    )
    # Other numbers of parts go together with these.
    colorize(stack, shared, "1/1")

    assert find_missing_work(request).count == 0
    assert contents(shared) == contents(whole)
    assert sorted(path.name for path in shared.parent.iterdir()) == ["out.ome.zarr"]
    # A part of what is whole is done.
    assert colorize(stack, shared, "2/3").done


@pytest.mark.usefixtures("tiny_library")
@pytest.mark.parametrize("moment", ["__init__", "create", "done", "finish"])
def test_a_faster_program_may_finish_the_same_part_at_any_moment(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole, shared = tmp_path / "whole.ome.zarr", tmp_path / "shared" / "whole.ome.zarr"
    shared.parent.mkdir()
    colorize(stack, whole)
    original = getattr(SharedFolder, moment)

    def overtaken(self: SharedFolder, *args: object) -> object:
        monkeypatch.setattr(SharedFolder, moment, original)
        colorize(stack, shared, "1/1")
        return original(self, *args)

    monkeypatch.setattr(SharedFolder, moment, overtaken)
    colorize(stack, shared, "1/1")
    assert contents(shared) == contents(whole)
    assert sorted(path.name for path in shared.parent.iterdir()) == ["whole.ome.zarr"]


@pytest.mark.usefixtures("tiny_library")
def test_parts_made_otherwise_are_not_mixed(stack: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.ome.zarr"
    colorize(stack, output, "1/2")
    with pytest.raises(FileError, match="same input, model and settings"):
        colorize(stack, output, "2/2", settings=PredictionSettings(scale=6.0, strength=0.5))
    assert find_missing_work(FilesRequest([stack], output)).count == 3


@pytest.mark.usefixtures("tiny_library")
def test_files_are_shared_out(stack: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.tif").write_bytes(stack.read_bytes())
    first = colorize(folder, output, "1/2")
    assert [task.source.name for task in first.done] == ["0.tif", "1.tif"]
    missing = find_missing_work(FilesRequest([folder], output))
    assert (missing.count, missing.total, missing.unit) == (3, 5, "file")
    before = (output / "0.tif").stat().st_mtime_ns
    colorize(folder, output, "1/2")
    assert (output / "0.tif").stat().st_mtime_ns == before
    colorize(folder, output, "2/2")
    assert find_missing_work(FilesRequest([folder], output)).count == 0


@pytest.mark.usefixtures("tiny_library")
@pytest.mark.parametrize(
    ("options", "message"),
    [({"overwrite": True}, "both"), ({"uncertainty": "unsure.zarr"}, "--uncertainty")],
)
def test_what_parts_cannot_do_is_said(
    stack: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        colorize(stack, tmp_path / "out.ome.zarr", "1/2", **options)


@pytest.mark.usefixtures("tiny_library")
def test_one_tiff_has_no_parts(stack: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\.ome\.zarr"):
        colorize(stack, tmp_path / "out.tif", "1/2")
    assert not (tmp_path / "out.tif").exists()
    colorize(stack, tmp_path / "out.tif", "1/1")  # which is the whole
    assert read_stack(tmp_path / "out.tif").data.shape == (PLANES, 40, 56, 3)


@pytest.mark.usefixtures("tiny_library")
def test_unlike_machines_divide_a_stack_alike(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster with GPUs in some machines and little memory in others."""
    colorize(stack, tmp_path / "whole.ome.zarr")
    output = tmp_path / "out.ome.zarr"
    for part, planes_at_once in (("1/3", 1), ("2/3", 5), ("3/3", 2)):
        monkeypatch.setattr(MemoryPlan, "batch_size", lambda *_, n=planes_at_once: n)
        colorize(stack, output, part)
    assert np.array_equal(
        read_stack(output).data[:], read_stack(tmp_path / "whole.ome.zarr").data[:]
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.usefixtures("tiny_library")
def test_killed_and_simultaneous_programs_lose_nothing(stack: Path, tmp_path: Path) -> None:
    whole, shared = tmp_path / "whole.ome.zarr", tmp_path / "shared" / "whole.ome.zarr"
    shared.parent.mkdir()
    colorize(stack, whole)
    command = [sys.executable, "-m", "napari_colorgan", "colorize", stack, "-o", shared]

    def start(part: str) -> subprocess.Popen[bytes]:
        options = ["--model", "tiny", "--scale", "6", "--part", part]
        return subprocess.Popen([*command, *options], stderr=subprocess.PIPE)

    victim = start("1/2")
    listed = shared.parent / "whole.ome.zarr.parts" / "done-1-of-2.txt"
    end = time.monotonic() + 120
    while not listed.exists() and time.monotonic() < end:
        time.sleep(0.005)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    programs = [start("1/2"), start("2/2"), start("2/2")]

    for program in programs:
        _, said = program.communicate(timeout=300)
        assert program.returncode == 0, said.decode()
    assert contents(shared) == contents(whole)
    assert read_stack(shared).data.shape[-3:] == read_stack(whole).data.shape[-3:]
