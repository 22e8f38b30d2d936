"""What an output takes over from its input: levels, chunks, shards, place, units, descriptions."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_colorgan.events import Notice, run
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io import area_average, read_stack
from napari_colorgan.io.layout import LARGEST_BLOCK, Layout, Level
from napari_colorgan.io.outputs.part import Part
from napari_colorgan.services.files import work as file_work
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (5, 2, 6, 40, 64)  # TCZYX
CHUNKS, SHARDS = (1, 1, 2, 16, 32), (1, 2, 4, 32, 32)
LEVELS = [(40, 64), (20, 32), (7, 16)]
RANDOM = np.random.default_rng(0)
VALUES = RANDOM.integers(0, 256, SHAPE, dtype=np.uint8)
OMERO = {
    "channels": [
        {"label": "DAPI", "color": "0000FF", "window": {"start": 0, "end": 255}},
        {"label": "GFP", "color": "00FF00", "window": {"start": 0, "end": 255}},
    ]
}


def save(path: Path, version: str, *, sharded: bool, fewer_planes: bool = False) -> None:
    is_old = version == "0.4"
    group = zarr.create_group(str(path), zarr_format=2 if is_old else 3)
    datasets = []
    for number, (rows, columns) in enumerate(LEVELS):
        depth = 6 // 2**number if fewer_planes else 6
        options: dict[str, Any] = {"shards": SHARDS} if sharded else {}
        if is_old:
            options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
        chunks = tuple(map(min, CHUNKS, (5, 2, depth, rows, columns)))
        if sharded:
            chunks = CHUNKS
        array = group.create_array(
            str(number),
            shape=(5, 2, depth, rows, columns),
            chunks=chunks,
            dtype="uint8",
            **options,
        )
        if number == 0:
            array[:] = VALUES
        scale = [3.0, 1.0, 2.0, 0.5 * 40 / rows, 0.5 * 64 / columns]
        datasets.append(
            {
                "path": str(number),
                "coordinateTransformations": [
                    {"type": "scale", "scale": scale},
                    {"type": "translation", "translation": [0.0, 0.0, 10.0, 20.0, 30.0]},
                ],
            }
        )
    units = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
    kinds = {"t": "time", "c": "channel"}
    axes = [
        {"name": k, "type": kinds.get(k, "space"), **({"unit": units[k]} if k in units else {})}
        for k in "tczyx"
    ]
    about = {"axes": axes, "datasets": datasets, "name": "embryo"}
    if is_old:
        group.attrs.update({"multiscales": [{**about, "version": "0.4"}], "omero": OMERO})
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [about], "omero": OMERO}


def colorize(source: Path, output: Path, part: str | None = None) -> list[object]:
    request = FilesRequest(
        [source],
        output,
        "fake",
        PredictionSettings(),
        part=None if part is None else Part.parse(part),
    )
    events: list[object] = []
    result = run(colorize_files(request), events.append)
    for _, error in result.failed:
        raise error
    return events


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def colors(path: Path) -> np.ndarray:
    stack = read_stack(path)
    planes = stack.axes.plane_indices(stack.data.shape)
    return np.stack([stack.axes.read_plane(stack.data, index) for index in planes])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("sharded", [False, True])
def test_an_ome_zarr_keeps_its_layout_place_and_channels(tmp_path, engine, version, sharded):
    if sharded and version == "0.4":
        pytest.skip("zarr format 2 has no shards")
    source, output = tmp_path / "a.ome.zarr", tmp_path / "b.ome.zarr"
    save(source, version, sharded=sharded)
    colorize(source, output)

    group = zarr.open_group(str(output), mode="r")
    arrays = [group[str(number)] for number in range(3)]
    assert sorted(group.array_keys()) == ["0", "1", "2"]
    assert [array.shape for array in arrays] == [(5, 6, 6, *size) for size in LEVELS]
    # A pixel's samples lie along C.
    sizes = [(16, 32), (16, 32), (16, 32) if sharded else (7, 16)]
    sizes = [tuple(map(min, size, level)) for size, level in zip(sizes, LEVELS, strict=True)]
    assert [array.chunks for array in arrays] == [(1, 3, 2, *size) for size in sizes]
    if sharded:
        assert arrays[0].shards == (1, 6, 4, 32, 32)
        assert all(array.shards[:3] == (1, 6, 4) for array in arrays)
    else:
        assert all(array.shards is None for array in arrays)
    before, after = read_stack(source), read_stack(output)
    assert (after.scale, after.units) == (before.scale, before.units)
    assert after.translate == before.translate == (0.0, 0.0, 10.0, 20.0, 30.0)
    labels = [each["label"] for each in group.attrs["ome"]["omero"]["channels"]]
    assert labels[:4] == ["red DAPI", "green DAPI", "blue DAPI", "red GFP"]
    kept = group.attrs["napari_colorgan"]["source_metadata"]["ngff"]
    assert kept == {"omero": OMERO, "multiscales": {"name": "embryo"}}
    # Whatever lies together, each plane has its own colours, on all levels.
    flat = tmp_path / "flat.tif"
    tifffile.imwrite(flat, VALUES, metadata={"axes": "TCZYX"}, ome=True)
    colorize(flat, tmp_path / "flat.ome.zarr")
    expected = colors(tmp_path / "flat.ome.zarr")
    np.testing.assert_array_equal(colors(output), expected)
    second = np.asarray(arrays[1][3, 3:6, 5])
    plane = np.moveaxis(expected.reshape(5, 6, 6, 40, 64)[3, 3:6, 5], 0, 2)
    np.testing.assert_array_equal(np.moveaxis(second, 0, 2), area_average(plane, (20, 32)))


def test_parts_are_whole_shards(tmp_path, engine):
    source, whole, shared = (tmp_path / name / "o.ome.zarr" for name in "abc")
    for path in (source, whole, shared):
        path.parent.mkdir()
    save(source, "0.5", sharded=True)
    colorize(source, whole)
    # Shards of 8 planes; as many as the network sees at once are 2.
    for part in ("3/3", "1/3", "3/3", "2/3"):
        assert not shared.exists()
        colorize(source, shared, part)
        done = shared.with_name("o.ome.zarr.parts") / f"done-{part.replace('/', '-of-')}.txt"
        if not shared.exists():
            lines = [tuple(map(int, line.split(","))) for line in done.read_text().splitlines()]
            blocks = {(t, z // 4) for t, c, z in lines}
            expected = {
                (t, c, z) for t, b in blocks for c in (0, 1) for z in range(6) if z // 4 == b
            }
            assert set(lines) == expected
    assert contents(shared) == contents(whole)


def test_levels_with_fewer_planes_keep_all_and_say_it(tmp_path, engine):
    source, output = tmp_path / "a.ome.zarr", tmp_path / "b.ome.zarr"
    save(source, "0.5", sharded=False, fewer_planes=True)
    notices = [event.text for event in colorize(source, output) if isinstance(event, Notice)]
    assert any("fewer planes" in text for text in notices)
    assert [level.shape for level in read_stack(output).layout.levels] == LEVELS
    assert zarr.open_array(str(output / "2"), mode="r").shape[:3] == (5, 6, 6)


@pytest.mark.parametrize("size", [(130, 200), (128, 192)])
@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("tile", [None, (32, 48)])
def test_an_ome_tiff_keeps_its_pyramid_tiles_and_place(tmp_path, engine, size, planes, tile):
    source, output = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    values = RANDOM.integers(0, 256, (planes, *size), dtype=np.uint8)
    place = {f"Position{k}": [v] * planes for k, v in (("X", 7.0), ("Y", 8.0))}
    place |= {f"Position{k}Unit": ["µm"] * planes for k in "XY"}
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "Plane": place}
    with tifffile.TiffWriter(source, ome=True) as writer:
        writer.write(values, subifds=2, tile=tile, metadata=metadata, photometric="minisblack")
        for step in (2, 4):
            writer.write(values[:, ::step, ::step], subfiletype=1, tile=tile)
    colorize(source, output)
    with tifffile.TiffFile(output) as file:
        (series,) = file.series
        levels = [level.asarray().reshape(planes, *level.keyframe.shape) for level in series.levels]
        assert [level.keyframe.is_tiled for level in series.levels] == [tile is not None] * 3
        if tile is not None:
            assert all(level.keyframe.tile == tile for level in series.levels)
    shapes = [(-(-size[0] // step), -(-size[1] // step)) for step in (1, 2, 4)]
    assert [level.shape[1:3] for level in levels] == shapes
    smaller = levels[0]
    for level, shape in zip(levels[1:], shapes[1:], strict=True):
        smaller = np.stack([area_average(plane, shape) for plane in smaller])
        np.testing.assert_array_equal(level, smaller)
    stack = read_stack(output)
    assert stack.translate[-2:] == (8.0, 7.0)
    assert stack.scale[-2:] == (0.5, 0.5)
    # And to an OME-Zarr, whose chunks aren't as small as tiles.
    colorize(source, tmp_path / "b.ome.zarr")
    array = zarr.open_array(str(tmp_path / "b.ome.zarr" / "1"), mode="r")
    assert array.shape[-2:] == shapes[1]
    assert array.chunks[-2:] == shapes[1]
    np.testing.assert_array_equal(colors(tmp_path / "b.ome.zarr"), colors(output))


def test_a_pyramid_of_zarr_becomes_one_of_tiff(tmp_path, engine):
    source, output = tmp_path / "a.ome.zarr", tmp_path / "b.ome.tif"
    save(source, "0.5", sharded=True)
    colorize(source, output)
    with tifffile.TiffFile(output) as file:
        shapes = [level.keyframe.shape[:2] for level in file.series[0].levels]
        assert shapes == LEVELS
        assert file.pages[0].tile == (16, 32)


def test_planes_that_exceed_the_memory_have_rows_and_no_levels(tmp_path, engine, monkeypatch):
    source, output = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    values = RANDOM.integers(0, 256, (64, 96), dtype=np.uint8)
    with tifffile.TiffWriter(source, ome=True) as writer:
        writer.write(values, subifds=1, tile=(32, 48), photometric="minisblack")
        writer.write(values[::2, ::2], subfiletype=1, tile=(32, 48))
    monkeypatch.setattr(file_work, "fits_whole", lambda stack, axes, predictor: False)
    notices = [event.text for event in colorize(source, output) if isinstance(event, Notice)]
    assert any("levels and tiles" in text for text in notices)
    with tifffile.TiffFile(output) as file:
        assert len(file.series[0].levels) == 1
        assert not file.pages[0].is_tiled


def test_large_blocks_have_fewer_planes():
    chunk, shard = {"Z": 4, "Y": 8, "X": 8}, {"T": 2, "Z": 64, "Y": 8, "X": 8}
    layout = Layout((Level((16, 16), {"T": 1, **chunk}, shard),))
    same = layout.within("TZ", LARGEST_BLOCK // 128)
    assert same.levels[0].shard == shard
    small = layout.within("TZ", LARGEST_BLOCK // 10).levels[0]
    assert small.chunk["Z"] == 4
    assert (small.shard["T"], small.shard["Z"]) == (1, 8)
    least = layout.within("TZ", LARGEST_BLOCK * 2).levels[0]
    assert (least.chunk["Z"], least.shard["T"], least.shard["Z"]) == (1, 1, 1)


@pytest.mark.parametrize("shapes", [[(4, 4), (8, 8)], [(4, 4), (0, 2)], []])
def test_what_is_no_pyramid_is_not_kept(shapes):
    assert Layout.of("ZYX", [Level(shape, {"Y": 1, "X": 1}) for shape in shapes]) is None


def test_axes_named_anew_keep_their_chunks(tmp_path):
    array = zarr.create_array(
        str(tmp_path / "a.zarr"), shape=(6, 40, 64), chunks=(2, 16, 32), dtype="uint8"
    )
    array[:] = 1
    stack = read_stack(tmp_path / "a.zarr", "TYX")
    assert stack.layout.levels[0].chunk == {"T": 2, "Y": 16, "X": 32}
    assert read_stack(tmp_path / "a.zarr", "YXT").layout is None
