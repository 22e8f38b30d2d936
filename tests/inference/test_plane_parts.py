"""Planes that don't fit into memory are read, predicted and written part by part."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_colorgan.axes import Axes
from napari_colorgan.errors import MemoryLimitError
from napari_colorgan.events import run
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.inference.plane_parts import PlaneParts, chunk_rows, open_plane
from napari_colorgan.inference.predictor import PlanePredictor
from napari_colorgan.io import read_stack
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.axes import StackLike

PLANE = np.random.default_rng(0).integers(0, 2**16, (200, 170), dtype=np.uint16)


def chunked(values: np.ndarray, chunks: tuple[int, ...]) -> StackLike:
    array: StackLike = zarr.array(values, chunks=chunks)
    return array


def test_only_files_with_several_rows_of_chunks_are_read_by_parts() -> None:
    axes = Axes("YX")
    assert chunk_rows(chunked(PLANE, (64, 50)), axes) == 64
    assert chunk_rows(chunked(PLANE, (200, 50)), axes) is None
    assert chunk_rows(PLANE, axes) is None


@pytest.mark.parametrize(("letters", "chunks"), [("YX", (64, 50)), ("XY", (50, 64))])
def test_any_part_is_what_the_plane_has_there(letters: str, chunks: tuple[int, int]) -> None:
    axes = Axes(letters)
    parts = open_plane(chunked(PLANE if letters == "YX" else PLANE.T, chunks), axes, ())
    assert isinstance(parts, PlaneParts)
    assert (parts.shape, parts.dtype, parts.ndim) == (PLANE.shape, PLANE.dtype, 2)
    rng = np.random.default_rng(1)
    for _ in range(50):
        rows, columns = (slice(*sorted(rng.integers(0, size + 1, 2))) for size in PLANE.shape)
        np.testing.assert_array_equal(parts[rows, columns], PLANE[rows, columns])


def test_walking_down_reads_each_chunk_once_or_twice() -> None:
    stack = chunked(PLANE, (64, 170))
    read: list[int] = []

    class Counting:
        shape, dtype, chunks = stack.shape, stack.dtype, (64, 170)

        def __getitem__(self, selection: Any) -> Any:
            rows = selection[0]
            read.extend(range(rows.start // 64, -(-rows.stop // 64)))
            return stack[selection]

    parts = open_plane(Counting(), Axes("YX"), ())
    for top in range(0, 200, 10):
        parts[max(top - 4, 0) : min(top + 14, 200), 0:170]
    assert max(read.count(chunk) for chunk in range(4)) <= 2


def test_the_range_of_values_is_found_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = PLANE.astype(np.float32)
    values[150, 20], values[0, 0] = np.nan, -7.0
    monkeypatch.setattr("napari_colorgan.inference.plane_parts._BAND_PIXELS", 1000)
    axes = Axes("YX")
    assert DisplayRange.estimate(chunked(values, (64, 50)), axes) == DisplayRange.estimate(
        values, axes
    )


@pytest.mark.parametrize("layout", ["tiles", "strips", "colour tiles"])
@pytest.mark.parametrize("scale", ["fit", "native"])
def test_by_parts_gives_the_same_file(
    layout: str, scale: str, tiny_model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.dstack([PLANE, PLANE.T[:1].repeat(200, 0)[:, :170], PLANE]) // 256
    source = tmp_path / "source.tif"
    options: dict[str, Any] = {"tile": (64, 64)} if "tiles" in layout else {"rowsperstrip": 16}
    tifffile.imwrite(
        source,
        values.astype(np.uint8) if "colour" in layout else PLANE,
        compression="zlib",
        photometric="rgb" if "colour" in layout else "minisblack",
        **options,
    )
    written = []
    for fits in (True, False):
        monkeypatch.setattr(PlanePredictor, "fits", lambda *_, fits=fits: fits)
        monkeypatch.setattr("napari_colorgan.inference.predictor._ROWS_PIXELS", 170 * 30)
        colors, uncertainty = tmp_path / f"{fits}.tif", tmp_path / f"{fits}-u.tif"
        request = FilesRequest(
            [str(source)], colors, str(tiny_model_file), settings(scale), uncertainty=uncertainty
        )
        result = run(colorize_files(request))
        assert not result.failed, result.failed
        # The files' OME-XML has an identifier of its own.
        written.append([tifffile.imread(path) for path in (colors, uncertainty)])
    for whole, parts in zip(*written, strict=True):
        assert whole.tobytes() == parts.tobytes()
    assert written[0][0].std() > 1


def settings(scale: str) -> Any:
    from napari_colorgan.inference.settings import PredictionSettings

    return PredictionSettings(scale=scale, precision="float32", device="cpu")  # type: ignore[arg-type]


def test_a_target_that_takes_no_rows_is_refused_with_the_numbers(
    tiny_model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source.tif"
    tifffile.imwrite(source, PLANE, compression="zlib", tile=(64, 64))
    monkeypatch.setattr("napari_colorgan.inference.stack.free_system_memory", lambda: 50_000)
    request = FilesRequest([str(source)], tmp_path / "a.png", model=str(tiny_model_file))
    ((_, error),) = run(colorize_files(request)).failed
    assert isinstance(error, MemoryLimitError)
    assert "200 × 170" in str(error)
    assert "Write a TIFF" in str(error)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of address space")
def test_a_picture_larger_than_the_memory_is_colorized(
    tiny_model_file: Path, tmp_path: Path
) -> None:
    """16,000 × 16,000 pixels: 256 MB of values and 768 MB of colours in 600 MB beside torch."""
    source, output = tmp_path / "source.tif", tmp_path / "colour.tif"
    row = np.tile(np.arange(256, dtype=np.uint8), 63)[:16_000]
    tiles = (np.tile(row[:512], (512, 1)) for _ in range(32 * 32))
    tifffile.imwrite(
        source, tiles, shape=(16_000, 16_000), dtype=np.uint8, tile=(512, 512), compression="zlib"
    )
    program = f"""
import resource, psutil, torch
from napari_colorgan.cli.app import build_app
import napari_colorgan.services.files.colorize, tifffile, zarr, timm, numcodecs.zarr3
torch.set_num_threads(1)
limit = psutil.Process().memory_info().vms + 600 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
build_app()(["colorize", {str(source)!r}, "-o", {str(output)!r}, "-m", {str(tiny_model_file)!r},
             "--scale", "fit", "--device", "cpu", "--precision", "float32"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with tifffile.TiffFile(output) as file:
        assert file.pages[0].shape == (16_000, 16_000, 3)
    pixels = read_stack(output).data
    assert np.asarray(pixels[15_990:, 15_990:]).std() > 1
