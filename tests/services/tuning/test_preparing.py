"""Layers on their way to a run directory."""

from __future__ import annotations

import shutil
from collections import namedtuple
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.events import Event, Notice, PlaneDone, run
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.services.dataset.gray_source import GraySource
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning import preparing
from napari_colorgan.services.tuning.preparing import ArraySource, Box, prepare_job

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def request_(tmp_path: Path) -> FineTuneRequest:
    return FineTuneRequest([tmp_path / "folder"], tmp_path / "runs" / "a run")


def arrays(path: Path) -> list[np.ndarray]:
    return [np.load(file) for file in sorted((path / "data").iterdir())]


@pytest.mark.parametrize("lazy", [False, True])
def test_stacks_of_any_order_are_written_plane_by_plane(
    stained: np.ndarray, request_: FineTuneRequest, lazy: bool
) -> None:
    stack = np.stack([stained, 255 - stained], axis=3)  # Z Y X C S
    data = da.from_array(stack, chunks=(1, 96, 128, 1, 3)) if lazy else stack
    path = run(prepare_job(request_, [ArraySource("a/b: ü", data, Axes("ZYXCS"))]))
    assert FineTuneRequest.load(path).gray is None
    [written] = arrays(path)
    assert written.shape == (10, 96, 128, 3)
    np.testing.assert_array_equal(written[0], stained[0])
    np.testing.assert_array_equal(written[1], 255 - stained[0])
    assert FineTuneRequest.load(path).data[0] == request_.data[0]
    assert FineTuneRequest.load(path).data[1].name == "00 ab ü.npy"


def test_boxes_cut_their_parts(stained: np.ndarray, request_: FineTuneRequest) -> None:
    boxes = (Box(8, 16, 40, 50), Box(0, 0, 32, 33, index=(3,)))
    source = ArraySource("layer", stained, Axes("ZYXS"), boxes)
    everywhere, once = arrays(run(prepare_job(request_, [source])))
    np.testing.assert_array_equal(everywhere, stained[:, 8:48, 16:66])
    np.testing.assert_array_equal(once, stained[3:4, :32, :33])


def test_gray_is_written_beside_its_colours_as_it_is_shown(
    stained: np.ndarray, request_: FineTuneRequest
) -> None:
    """Contrast limits and gamma of now count, whatever becomes of the layer."""
    values = np.arange(5 * 96 * 128).reshape(5, 96, 128) % 700
    gray = GraySource("φ phase", values, Axes("ZYX"), DisplayRange(600, 100, 0.5))
    boxes = (Box(8, 16, 40, 50), Box(0, 0, 32, 33, index=(3,)))
    paired = ArraySource("layer", stained, Axes("ZYXS"), boxes, gray)
    path = run(prepare_job(request_, [paired, ArraySource("alone", stained, Axes("ZYXS"))]))
    request = FineTuneRequest.load(path)
    assert request.gray is not None
    assert len(request.data) == len(request.gray) == 4
    names = [None if each is None else each.relative_to(path / "data") for each in request.gray]
    assert list(map(str, names)) == ["None", "gray/00 φ phase.npy", "gray/01 φ phase.npy", "None"]
    shown = np.clip((600 - values) / 500, 0, 1) ** 0.5 * 255
    everywhere, once = np.load(request.gray[1]), np.load(request.gray[2])
    assert (everywhere.dtype, once.shape) == (np.uint8, (1, 32, 33))
    np.testing.assert_allclose(everywhere, shown[:, 8:48, 16:66], atol=0.51)
    np.testing.assert_allclose(once, shown[3:4, :32, :33], atol=0.51)


def test_pairs_that_were_asked_for_stay(stained: np.ndarray, tmp_path: Path) -> None:
    files = [tmp_path / "folder", tmp_path / "file.tif"]
    asked = FineTuneRequest(files, tmp_path / "run", gray=[tmp_path / "gray", None])
    path = run(prepare_job(asked, [ArraySource("layer", stained, Axes("ZYXS"))]))
    assert FineTuneRequest.load(path).gray == (tmp_path / "gray", None, None)


def test_huge_layers_are_thinned_out(
    stained: np.ndarray, request_: FineTuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MOST_BYTES", 3 * stained[0].nbytes)
    read: list[tuple[int, ...]] = []
    events: list[Event] = []
    path = run(prepare_job(request_, [ArraySource("layer", stained, Axes("ZYXS"))]), events.append)
    np.testing.assert_array_equal(arrays(path)[0], stained[[0, 2, 4]])
    read = [e.index for e in events if isinstance(e, PlaneDone)]
    assert read == [(0,), (2,), (4,)]
    assert any(isinstance(e, Notice) for e in events)


def test_nothing_is_left_of_a_preparation_that_is_broken_off(
    stained: np.ndarray, request_: FineTuneRequest
) -> None:
    job = prepare_job(request_, [ArraySource("layer", stained, Axes("ZYXS"))])
    next(job)
    assert request_.output.exists()
    job.close()
    assert not request_.output.exists()


def test_full_disk_is_said_before_anything_is_written(
    stained: np.ndarray, request_: FineTuneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(FileError, match="free disk"):
        run(prepare_job(request_, [ArraySource("layer", stained, Axes("ZYXS"))]))
    assert not request_.output.exists()
