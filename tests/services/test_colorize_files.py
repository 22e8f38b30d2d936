"""Files to files: formats, what is kept, what fails, and stopping."""

from __future__ import annotations

import json
import os
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from fakes import tinted
from napari_colorgan.axes import Axes
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
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

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
    assert json.loads(text["settings"])["temperature"] == 10**-0.25
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


@pytest.mark.parametrize("suffix", ["tif", "zarr"])
def test_memory_does_not_grow_with_the_number_of_planes(here, suffix):
    def peak(count):
        shape, axes = (count, 100, 100), Axes("ZYX")
        with stack_writer(f"{count}.{suffix}", shape, "uint8", axes) as target:
            for index in axes.plane_indices(shape):
                target.write(index, np.full((100, 100), index[0], np.uint8))
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
