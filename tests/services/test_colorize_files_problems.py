"""What goes wrong with files: what fails is named, what is there stays, nothing is half written."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from fakes import tinted
from napari_colorgan.errors import FileError, InputError, ModelError, OutputExistsError
from napari_colorgan.events import (
    FileDone,
    Notice,
    run,
)
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import read_stack
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

CASES = Path(__file__).parent.parent / "fixtures" / "cases"
RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 256, (4, 7, 9), dtype=np.uint8)
RANGE = DisplayRange(0, 255)


@pytest.fixture
def here(tmp_path, monkeypatch, engine):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def colorize(inputs, output, **options):
    dtype = options.pop("dtype", "uint8")
    inputs = [inputs] if isinstance(inputs, str) else inputs
    request = FilesRequest(inputs, output, "fake", PredictionSettings(dtype=dtype), **options)
    return colorize_files(request)


def planes(path):
    stack = read_stack(path)
    return np.stack(
        [stack.axes.read_plane(stack.data, i) for i in stack.axes.plane_indices(stack.data.shape)]
    )


def files(folder):
    """Return every file below a folder, hidden ones included."""
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


def save(name, pixels=STACK, **options):
    tifffile.imwrite(name, pixels, photometric="minisblack", **options)


def test_files_that_fail_are_named_and_the_rest_go_on(here):
    save("a.tif")
    data = (here / "a.tif").read_bytes()
    (here / "half.tif").write_bytes(data[: len(data) // 2])
    (here / "empty.png").write_bytes(b"")
    save("six.tif", np.zeros((1, 2, 1, 2, 4, 4), np.uint8), metadata={"axes": "QTCZYX"})
    np.save("complex.npy", np.zeros((4, 4), complex))
    result = run(colorize(["."], "out"))
    assert [task.source.name for task in result.done] == ["a.tif"]
    assert files(here / "out") == {"a.tif"}
    names = [os.path.basename(name) for name, _ in result.failed]
    assert sorted(names) == ["complex.npy", "empty.png", "half.tif", "six.tif"]
    assert all(isinstance(error, FileError | InputError) for _, error in result.failed)


@pytest.mark.parametrize(
    "error", [RuntimeError("cuda broke"), MemoryError(), OSError(5, "Input/output error")]
)
def test_what_the_engine_raises_fails_one_file(here, engine, error):
    for name, value in {"a": 10, "b": 99, "c": 30}.items():
        Image.fromarray(np.full((5, 5), value, np.uint8)).save(f"{name}.png")
    engine.error = (lambda plane: plane.max() == 99, error)
    result = run(colorize("*.png", "out"))
    assert [task.source.name for task in result.done] == ["a.png", "c.png"]
    ((name, problem),) = result.failed
    assert name == "b.png"
    assert isinstance(problem, FileError)
    assert files(here / "out") == {"a.png", "c.png"}


def test_outputs_that_are_there_stay_unless_told(here):
    Image.fromarray(STACK[0]).save("a.png")
    (here / "o.png").write_bytes(b"precious")
    ((_, error),) = run(colorize("a.png", "o.png")).failed
    assert isinstance(error, OutputExistsError)
    assert (here / "o.png").read_bytes() == b"precious"
    assert len(run(colorize("a.png", "o.png", overwrite=True)).done) == 1
    np.testing.assert_array_equal(planes("o.png")[0], tinted(STACK[0], RANGE))


def test_an_uncertainty_that_is_there_is_found_before_any_work(here, engine):
    Image.fromarray(STACK[0]).save("a.png")
    (here / "u.tif").write_bytes(b"precious")
    ((_, error),) = run(colorize("a.png", "o.png", uncertainty="u.tif")).failed
    assert isinstance(error, OutputExistsError)
    assert engine.predictors[0].batches == []
    assert files(here) == {"a.png", "u.tif"}


def test_inputs_are_never_overwritten(here):
    Image.fromarray(STACK[0]).save("a.png")
    before = (here / "a.png").read_bytes()
    result = run(colorize("a.png", ".", overwrite=True))
    assert result.done == ()
    assert (here / "a.png").read_bytes() == before


@pytest.mark.parametrize("output", ["o.tif", "o.ome.zarr"])
@pytest.mark.parametrize("steps", [1, 2, 4, 5])
def test_closing_leaves_no_half_written_file(here, output, steps):
    save("a.tif")
    job = colorize("a.tif", output, uncertainty="u.tif")
    for _ in range(steps):
        next(job)
    job.close()
    assert files(here) == {"a.tif"}
    assert not (here / output).exists()


def test_closing_keeps_the_files_that_are_done(here):
    for name in "ab":
        Image.fromarray(STACK[0]).save(f"{name}.png")
    job = colorize(["a.png", "b.png"], "out")
    for event in job:
        if isinstance(event, FileDone):
            break
    next(job)
    next(job)
    job.close()
    assert files(here / "out") == {"a.png"}


def test_an_output_folder_is_made_with_its_parents(here):
    Image.fromarray(STACK[0]).save("a.png")
    run(colorize("a.png", "new/deep"))
    assert files(here / "new") == {os.path.join("deep", "a.png")}


def test_a_missing_folder_for_a_named_file_is_said(here):
    Image.fromarray(STACK[0]).save("a.png")
    ((_, error),) = run(colorize("a.png", "new/o.png")).failed
    assert "folder" in str(error)
    assert files(here) == {"a.png"}


def test_a_format_that_cannot_hold_it_is_said(here, engine):
    save("a.tif")
    ((_, error),) = run(colorize("a.tif", "o.png")).failed
    assert "single plane" in str(error)
    assert engine.predictors[0].batches == []


def test_an_unknown_model_ends_it_all(here):
    Image.fromarray(STACK[0]).save("a.png")
    with pytest.raises(ModelError):
        run(colorize_files(FilesRequest(["a.png"], "o.png", "unknown")))
    assert files(here) == {"a.png"}


@pytest.mark.skipif(
    os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="root may write anywhere",
)
def test_a_folder_that_may_not_be_written_is_said(here):
    Image.fromarray(STACK[0]).save("a.png")
    os.mkdir("locked")
    os.chmod("locked", stat.S_IRUSR | stat.S_IXUSR)
    ((_, error),) = run(colorize("a.png", "locked")).failed
    assert "permission" in str(error)


def test_further_images_of_a_file_are_mentioned(here):
    with tifffile.TiffWriter("a.tif") as file:
        file.write(STACK, photometric="minisblack")
        file.write(np.zeros((3, 3), np.uint8))
    events = list(colorize("a.tif", "o.tif"))
    assert any(isinstance(event, Notice) and "2 images" in event.text for event in events)


class StrangeError(Exception):
    """What nobody has foreseen."""


def test_whatever_a_file_raises_the_rest_go_on_and_the_traceback_is_kept(here, engine, home):
    dark, light = np.zeros((5, 6), np.uint8), np.full((5, 6), 200, np.uint8)
    Image.fromarray(dark).save("a.png")
    Image.fromarray(light).save("b.png")
    engine.error = (lambda plane: plane.max() == 0, StrangeError("odd"))
    result = run(colorize(["a.png", "b.png"], "out"))
    assert [task.source.name for task in result.done] == ["b.png"]
    ((name, error),) = result.failed
    assert (name, "StrangeError: odd" in str(error)) == ("a.png", True)
    log = home / "errors.log"
    assert str(log) in error.action
    assert "Traceback" in log.read_text()


@pytest.mark.skipif(os.name != "posix", reason="other systems' names are Unicode")
@pytest.mark.parametrize("suffix", ["png", "tif", "zarr", "jpg"])
def test_names_that_are_no_utf_8(here, suffix):
    name = os.fsdecode(b"latin1_\xe9.png")
    Image.fromarray(STACK[0]).save("a.png")
    os.rename("a.png", name)
    result = run(colorize(name, os.fsdecode(b"o_\xe9.") + suffix))
    assert not result.failed
    axes = read_stack(result.done[0].output).axes
    assert axes.letters == ("YXS" if suffix != "zarr" else "SYX")


def test_transparency_is_kept_or_said(here):
    shutil.copy(CASES / "cutout_rgba.png", "a.png")
    alpha = np.asarray(Image.open("a.png"))[..., 3]
    for output in ("o.png", "o.tif"):
        assert not run(colorize("a.png", output)).failed
        np.testing.assert_array_equal(np.asarray(read_stack(output).data)[..., 3], alpha)
    run(colorize("a.png", "o16.png", dtype="uint16"))
    np.testing.assert_array_equal(
        np.asarray(read_stack("o16.png").data)[..., 3], alpha.astype(np.uint16) * 257
    )
    events = list(colorize("a.png", "o.jpg"))
    assert any("transparency" in event.text for event in events if isinstance(event, Notice))


def test_a_folder_of_one_stack_is_one_stack(here):
    shutil.copytree(CASES / "multifile", "in")
    result = run(colorize("in", "out"))
    assert [task.source.name for task in result.done] == ["pos0_z0.ome.tif"]
    assert planes("out/pos0_z0.ome.tif").shape == (5, 96, 128, 3)


def test_the_range_is_the_users_and_is_said(here):
    shutil.copy(CASES / "faded16.tif", "a.tif")
    for choice, low, high in [("auto", 0, 65535), ("minmax", 17476, 41634), ("9,99", 9, 99)]:
        events = list(colorize("a.tif", f"{choice}.png", range=choice))
        texts = [event.text for event in events if isinstance(event, Notice)]
        assert f"values {low} to {high} are shown" in " ".join(texts)
    ((_, error),) = run(colorize("a.tif", "o.png", range="stored")).failed
    assert "states none" in str(error)
    ((_, error),) = run(colorize("a.tif", "o.png", range="bright")).failed
    assert "'bright'" in str(error)
