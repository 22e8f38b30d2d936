"""A zarr store is data: a codec that runs code is refused by name before anything is decoded."""

from __future__ import annotations

import json
import shutil
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr

from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack

if TYPE_CHECKING:
    from pathlib import Path

PLANE = np.arange(64, dtype=np.uint8).reshape(8, 8)
PICKLE_2 = {"id": "pickle", "protocol": 5}
PICKLE_3 = {"name": "numcodecs.pickle", "configuration": {"protocol": 5}}


def image(path: Path, zarr_format: Any, levels: int = 2) -> Path:
    """Write an OME-Zarr image with small chunks, whose metadata is consolidated."""
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    for level in range(levels):
        array = group.create_array(str(level), shape=(8, 8), chunks=(4, 4), dtype="uint8")
        array[:] = PLANE
    scales = [{"axes": ["y", "x"], "datasets": [{"path": str(n)} for n in range(levels)]}]
    group.attrs.update(
        {"ome": {"multiscales": scales}} if zarr_format == 3 else {"multiscales": scales}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is not in the specification of format 3 yet
        zarr.consolidate_metadata(str(path), zarr_format=zarr_format)
    return path


def change(file: Path, *keys: str, value: object) -> None:
    """Replace an entry of a JSON file."""
    whole = entry = json.loads(file.read_text("utf-8"))
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    file.write_text(json.dumps(whole), "utf-8")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_usual_codecs_are_read(zarr_format: int, tmp_path: Path) -> None:
    stack = read_stack(image(tmp_path / "image.zarr", zarr_format))
    np.testing.assert_array_equal(stack.data[:, :], PLANE)


def test_sharded_images_are_read(tmp_path: Path) -> None:
    array = zarr.create_array(
        str(tmp_path / "a.zarr"), shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="uint8"
    )
    array[:] = PLANE
    np.testing.assert_array_equal(read_stack(tmp_path / "a.zarr").data[:, :], PLANE)


@pytest.mark.parametrize("level", ["0", "1"])
@pytest.mark.parametrize(
    ("zarr_format", "file", "key", "value"),
    [
        (2, ".zarray", "filters", [PICKLE_2]),
        (2, ".zarray", "compressor", PICKLE_2),
        (3, "zarr.json", "codecs", [{"name": "bytes"}, PICKLE_3]),
        (3, "zarr.json", "codecs", ["numcodecs.pickle"]),
    ],
)
def test_pickle_is_refused_on_every_level(
    zarr_format: int, file: str, key: str, value: object, level: str, tmp_path: Path
) -> None:
    path = image(tmp_path / "image.zarr", zarr_format)
    change(path / level / file, key, value=value)
    with pytest.raises(FileError, match="pickle"):
        read_stack(path)


def test_pickle_is_refused_in_consolidated_metadata(tmp_path: Path) -> None:
    second = image(tmp_path / "second.zarr", 2)
    change(second / ".zmetadata", "metadata", "0/.zarray", "filters", value=[PICKLE_2])
    third = image(tmp_path / "third.zarr", 3)
    keys = ("consolidated_metadata", "metadata", "0", "codecs")
    change(third / "zarr.json", *keys, value=[PICKLE_3])
    for path in (second, third):
        with pytest.raises(FileError, match="pickle"):
            read_stack(path)


def test_pickle_is_refused_within_shards(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    zarr.create_array(str(path), shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="uint8")[:] = 1
    codecs = json.loads((path / "zarr.json").read_text("utf-8"))["codecs"]
    codecs[0]["configuration"]["index_codecs"] = [PICKLE_3]
    change(path / "zarr.json", "codecs", value=codecs)
    with pytest.raises(FileError, match="pickle"):
        read_stack(path)


def test_unknown_codecs_and_broken_metadata_are_named(tmp_path: Path) -> None:
    path = image(tmp_path / "image.zarr", 3)
    change(path / "0" / "zarr.json", "codecs", value=[{"name": "bytes"}, {"name": "of.my.own"}])
    with pytest.raises(FileError, match=r"of\.my\.own"):
        read_stack(path)
    for text in ("{", "[" * 100_000):
        (path / "0" / "zarr.json").write_text(text)
        with pytest.raises(FileError, match="can't be decoded"):
            read_stack(path)


@pytest.mark.parametrize("level", ["0", "1"])
def test_pickle_is_refused_in_a_zipped_store(level: str, tmp_path: Path) -> None:
    folder = image(tmp_path / "image.zarr", 2)
    change(folder / level / ".zarray", "filters", value=[PICKLE_2])
    archive = shutil.make_archive(str(tmp_path / "image"), "zip", folder)
    with pytest.raises(FileError, match="pickle"):
        read_stack(archive)
