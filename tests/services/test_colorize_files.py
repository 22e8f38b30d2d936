"""Files to files: formats, what is kept, what fails, and stopping."""

from __future__ import annotations

import json
import os
import stat
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from fakes import tinted
from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError, InputError, ModelError, OutputExistsError
from napari_colorgan.events import (
    FileDone,
    FileFailed,
    FileStarted,
    Notice,
    PlaneDone,
    Started,
    run,
)
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.services.colorize_files import FilesRequest, colorize_files

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


@pytest.mark.parametrize("output", ["o.tif", "o.ome.zarr"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_all_planes_of_a_stack(here, output, dtype):
    save("a.tif")
    run(colorize("a.tif", output, dtype=dtype))
    expected = np.stack([tinted(plane, RANGE, dtype) for plane in STACK])
    np.testing.assert_array_equal(planes(output), expected)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_pictures_become_png(here, suffix):
    Image.fromarray(STACK[0]).save(f"a.{suffix}")
    os.mkdir("out")
    result = run(colorize(f"a.{suffix}", "out"))
    assert files(here / "out") == {"a.png"}
    assert [task.output.name for task in result.done] == ["a.png"]
    pixels = planes(f"a.{suffix}")[0]
    np.testing.assert_array_equal(planes("out/a.png")[0], tinted(pixels, RANGE))


def test_a_jpeg_is_written_where_one_is_named(here):
    Image.fromarray(STACK[0]).save("a.jpg")
    run(colorize("a.jpg", "o.jpg"))
    assert (here / "o.jpg").read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize("output", ["o.ome.tif", "o.ome.zarr"])
def test_sizes_units_and_axes_are_kept(here, output):
    metadata = {
        "axes": "TZYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
        "PhysicalSizeZ": 2.0,
        "PhysicalSizeZUnit": "µm",
        "TimeIncrement": 30.0,
        "TimeIncrementUnit": "s",
    }
    pixels = RANDOM.integers(0, 255, (2, 3, 6, 5), dtype=np.uint8)
    save("a.ome.tif", pixels, metadata=metadata, ome=True)
    run(colorize("a.ome.tif", output))
    stack = read_stack(output)
    sizes = dict(
        zip(stack.axes.scalar.letters, zip(stack.scale, stack.units, strict=True), strict=True)
    )
    assert sizes == {
        "T": (30.0, "second"),
        "Z": (2.0, "micrometer"),
        "Y": (0.5, "micrometer"),
        "X": (0.25, "micrometer"),
    }
    assert stack.axes.outer == "TZ"


def test_the_output_says_how_it_was_made(here):
    Image.fromarray(STACK[0]).save("a.png")
    run(colorize("a.png", "o.png"))
    text = Image.open("o.png").text
    assert text["model"] == "fake"
    assert text["version"] == "2"
    assert text["sha256"] == "ab" * 32
    assert text["colour"] == "predicted, not measured"
    assert text["source"] == "a.png"
    assert json.loads(text["settings"])["vividness"] == 0.25
    save("a.tif")
    run(colorize("a.tif", "o.tif"))
    with tifffile.TiffFile("o.tif") as file:
        assert "predicted, not measured" in file.ome_metadata
        assert "ab" * 32 in file.ome_metadata


def test_the_axes_can_be_named(here):
    save("a.tif", np.ascontiguousarray(np.moveaxis(STACK, 0, 2)))
    run(colorize("a.tif", "o.tif", axes="YXZ"))
    np.testing.assert_array_equal(planes("o.tif"), [tinted(plane, RANGE) for plane in STACK])


def test_white_is_zero_where_the_file_says_so(here):
    tifffile.imwrite("a.tif", STACK[0], photometric="miniswhite")
    run(colorize("a.tif", "o.png"))
    np.testing.assert_array_equal(planes("o.png")[0], tinted(STACK[0], RANGE.inverted))


@pytest.mark.parametrize("output", ["u.tif", "u.zarr", "u.png"])
def test_uncertainties_go_to_a_file_of_their_own(here, output):
    Image.fromarray(STACK[0]).save("a.png")
    run(colorize("a.png", "o.png", uncertainty=output))
    expected = 1 - RANGE.lightness(STACK[0]) / 100
    found = planes(output)[0] / (65535 if output == "u.png" else 1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert read_stack("o.png").data.shape == (7, 9, 3)


def test_events_tell_what_happens(here, engine):
    Image.fromarray(STACK[0]).save("a.png")
    (here / "b.png").write_bytes(b"no picture")
    save("c.tif", STACK[:2])
    engine.notices = ["Memory ran out."]
    job = colorize(["a.png", "b.png", "c.tif", "*.gif"], "out")
    events = list(job)
    failures = [each for each in events if isinstance(each, FileFailed)]
    assert [each for each in events if not isinstance(each, FileFailed)] == [
        Started(4, "file"),
        FileStarted("a.png", 1, 3),
        Started(1, "plane"),
        Notice("Memory ran out."),
        PlaneDone(1, 1, ()),
        FileDone("a.png", os.path.join("out", "a.png")),
        FileStarted("b.png", 2, 3),
        FileStarted("c.tif", 3, 3),
        Started(2, "plane"),
        PlaneDone(1, 2, (0,)),
        PlaneDone(2, 2, (1,)),
        FileDone("c.tif", os.path.join("out", "c.tif")),
    ]
    assert [each.path for each in failures] == ["*.gif", "b.png"]


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


@pytest.mark.parametrize("suffix", ["tif", "zarr"])
def test_memory_does_not_grow_with_the_number_of_planes(here, suffix):
    def peak(count):
        shape, axes = (count, 100, 100), Axes("ZYX")
        with stack_writer(f"{count}.{suffix}", shape, "uint8", axes) as target:
            for index in axes.plane_indices(shape):
                axes.write_plane(target, index, np.full((100, 100), index[0], np.uint8))
        tracemalloc.start()
        result = run(colorize(f"{count}.{suffix}", f"out{count}.{suffix}"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(result.done) == 1
        return most

    peak(2)  # what is imported and cached the first time
    few, many = peak(10), peak(200)
    assert many - few < 190 * 100 * 100 * 3 / 10  # a tenth of the colours of the planes more


def test_the_whole_way_with_a_network(tiny_library, tmp_path):
    save(tmp_path / "a.tif", RANDOM.integers(0, 4000, (2, 40, 70)).astype(np.uint16))
    settings = PredictionSettings(device="cpu")
    unsure = tmp_path / "u.tif"
    request = FilesRequest(
        [tmp_path / "a.tif"], tmp_path / "o.tif", "tiny", settings, uncertainty=unsure
    )
    result = run(colorize_files(request))
    assert result.failed == ()
    assert planes(tmp_path / "o.tif").shape == (2, 40, 70, 3)
    assert planes(unsure).dtype == np.float32
