"""Workers of a scheduler make what one program makes, whatever happens to them."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.events import (
    FileDone,
    FileFailed,
    FileStarted,
    JobCancelled,
    PlaneDone,
    Started,
    cancellable,
    run,
)
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.cluster.connection import connect
from napari_colorgan.services.cluster.job import colorize_on
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files
from napari_colorgan.services.files.missing_work import find_missing_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary

# Threads and sockets of dask are closed when its loop comes to it.
pytestmark = pytest.mark.filterwarnings("ignore")

PLANES = 24
# Two planes are seen at once, so that units of several planes are handed out.
SETTINGS = PredictionSettings(scale=6.0, device="cpu")


@pytest.fixture(scope="module")
def workers() -> Iterator[str]:
    """Return the address of a scheduler with two worker processes, which are started anew."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "stack.tif"
    planes = np.random.default_rng(0).integers(0, 256, (PLANES, 40, 56), dtype=np.uint8)
    tifffile.imwrite(path, planes, metadata={"axes": "ZYX"}, ome=True)
    return path


@pytest.fixture
def whole(stack: Path, tmp_path: Path, tiny_library: ModelLibrary) -> Path:
    """Return what one program makes of the stack."""
    path = tmp_path / "whole" / "out.ome.zarr"
    path.parent.mkdir()
    run(colorize_files(request(stack, path)))
    return path


def request(source: Path, output: Path, **options: object) -> FilesRequest:
    return FilesRequest([source], output, "tiny", SETTINGS, **options)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            # Each OME-TIFF has an identifier of its own.
            re.sub(rb"urn:uuid:[0-9a-f-]{36}", b"", path.read_bytes())
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_a_stack_has_the_bytes_of_one_program(
    workers: str, stack: Path, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "shared" / "out.ome.zarr"
    output.parent.mkdir()
    events: list[object] = []
    result = run(colorize_on(workers, request(stack, output), most_tasks=3), events.append)

    assert [task.output for task in result.done] == [output]
    assert contents(output) == contents(whole)
    assert sorted(path.name for path in output.parent.iterdir()) == ["out.ome.zarr"]
    assert events[0] == Started(1, "file")
    planes = [event for event in events if isinstance(event, PlaneDone)]
    assert [event.done for event in planes] == list(range(1, PLANES + 1))
    assert {event.index for event in planes} == {(number,) for number in range(PLANES)}
    assert isinstance(events[-1], FileDone)
    # Once more: it is there.
    assert run(colorize_on(workers, request(stack, output))).done


@pytest.mark.slow
def test_one_bad_file_stops_no_other(
    workers: str, stack: Path, tmp_path: Path, tiny_library: ModelLibrary
) -> None:
    folder, one, many = tmp_path / "in", tmp_path / "one", tmp_path / "many"
    folder.mkdir()
    for name in ("a", "c"):
        tifffile.imwrite(folder / f"{name}.tif", tifffile.imread(stack)[:2])
    (folder / "b.tif").write_bytes(b"II*\0nothing")
    (folder / "stack.ome.tif").write_bytes(stack.read_bytes())
    expected = run(colorize_files(request(folder, one, uncertainty=tmp_path / "one_u")))
    events: list[object] = []
    result = run(
        colorize_on(workers, request(folder, many, uncertainty=tmp_path / "many_u")), events.append
    )

    assert {task.source for task in result.done} == {task.source for task in expected.done}
    assert [(name, str(error)) for name, error in result.failed] == [
        (name, str(error)) for name, error in expected.failed
    ]
    # Within the whole suite, on a processor without AVX-512, these files' pixels have not been the
    # same to the last bit, for a reason not found; alone, and on other processors, they were.
    for made, as_one in ((many, one), (tmp_path / "many_u", tmp_path / "one_u")):
        names = sorted(path.name for path in made.iterdir())
        assert names == sorted(path.name for path in as_one.iterdir())
        for name in names:
            pixels, expected_pixels = (tifffile.imread(each / name) for each in (made, as_one))
            np.testing.assert_allclose(pixels, expected_pixels, rtol=0, atol=1)
    assert sum(isinstance(event, FileStarted) for event in events) == 4
    assert sum(isinstance(event, FileFailed) for event in events) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_workers_lose_nothing(
    workers: str, stack: Path, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.ome.zarr"
    with connect(workers) as client:
        victims = list(client.run(os.getpid).values())

    def kill(event: object) -> None:
        if isinstance(event, PlaneDone) and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    result = run(colorize_on(workers, request(stack, output), most_tasks=4), kill)
    assert result.done
    assert not victims
    assert contents(output) == contents(whole)


@pytest.mark.slow
def test_a_cancelled_work_goes_on_where_it_ended(
    workers: str, stack: Path, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.ome.zarr"
    job = colorize_on(workers, request(stack, output), most_tasks=2)
    done = 0
    for event in job:
        done += isinstance(event, PlaneDone)
        if done == 6:
            break
    job.close()
    assert not output.exists()
    assert find_missing_work(request(stack, output)).count == PLANES - 6

    totals = []
    result = run(
        colorize_on(workers, request(stack, output)),
        lambda event: totals.append(event.total) if isinstance(event, Started) else None,
    )
    assert result.done
    assert totals == [1, PLANES - 6]
    assert contents(output) == contents(whole)


@pytest.mark.slow
def test_a_cancelled_file_leaves_nothing(workers: str, stack: Path, tmp_path: Path, tiny_library):
    output = tmp_path / "out" / "out.tif"
    output.parent.mkdir()
    large = tmp_path / "large.tif"
    tifffile.imwrite(large, np.tile(tifffile.imread(stack), (20, 1, 1)), photometric="minisblack")
    is_cancelled, ended = threading.Event(), []

    def work() -> None:
        with cancellable(is_cancelled.is_set):
            try:
                run(colorize_on(workers, request(large, output)))
            except JobCancelled:
                ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: any(output.parent.iterdir()), 120)
    is_cancelled.set()
    thread.join(timeout=60)
    assert ended
    wait_until(lambda: not any(output.parent.iterdir()), 60)


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    assert is_so()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:9", "doesn't answer"),
        ("127.0.0.1:nine", "doesn't answer"),
        ("nowhere.json", "nothing at"),
    ],
)
def test_a_wrong_address_is_said(
    address: str, message: str, stack: Path, tmp_path: Path, tiny_library, monkeypatch
) -> None:
    from napari_colorgan.services.cluster import connection

    monkeypatch.setattr(connection, "_SECONDS", 0.5)
    with pytest.raises((InputError, FileError), match=message):
        run(colorize_on(address, request(stack, tmp_path / "out.ome.zarr")))
    assert not (tmp_path / "out.ome.zarr.parts").exists()


def test_without_the_extra_its_name_is_said(
    stack: Path, tmp_path: Path, tiny_library, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"napari-colorgan\[distributed\]"):
        run(colorize_on("local", request(stack, tmp_path / "out.ome.zarr")))


def test_outputs_are_not_replaced(stack: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both"):
        run(colorize_on("local", request(stack, tmp_path / "out.tif", overwrite=True)))


@pytest.mark.slow
def test_a_scheduler_that_ends_is_said(
    stack: Path, tmp_path: Path, tiny_library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask
    from distributed import LocalCluster

    # How long a client tries to find its scheduler again.
    monkeypatch.setitem(dask.config.config["distributed"]["comm"]["timeouts"], "connect", "1s")
    output = tmp_path / "out.ome.zarr"
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    job = colorize_on(cluster.scheduler_address, request(stack, output), most_tasks=1)

    def end(event: object) -> None:
        if isinstance(event, PlaneDone) and event.done == 3:
            cluster.close()

    with pytest.raises(FileError, match="connection was lost"):
        run(job, end)
    assert 0 < find_missing_work(request(stack, output)).count < PLANES
