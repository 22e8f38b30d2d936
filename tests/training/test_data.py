"""Training data: what is found, how it is split, what is left out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from imagecodecs import png_encode
from skimage.io import imsave
from tifffile import imwrite, memmap

from datasets import keep_all
from napari_colorgan.axes import Axes
from napari_colorgan.core.color import AB_SCALE, lab_to_rgb
from napari_colorgan.errors import InputError, TrainingError
from napari_colorgan.io import stack_writer
from napari_colorgan.training.pictures.data import (
    Picture,
    PictureStore,
    find_pictures,
    split_by_source,
    to_lab_planes,
    to_uint8,
)

if TYPE_CHECKING:
    from pathlib import Path


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_folders_files_stacks_and_arrays_give_their_colour_planes(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    imsave(tmp_path / "deep" / "er" / "one.png", noise(20, 30, 3), check_contrast=False)
    imwrite(tmp_path / "stack.tif", noise(4, 20, 30, 3), photometric="rgb")
    imwrite(tmp_path / "gray.tif", noise(4, 20, 30), photometric="minisblack")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = find_pictures([tmp_path, noise(2, 3, 20, 30, 3)])
    assert len(found) == 1 + 4 + 6
    assert len({p.source for p in found}) == 3
    store = PictureStore(found, max_side=None, memory_gib=0.0)
    assert all(store.read(i).shape == (3, 20, 30) for i in range(len(store)))


def test_16_bit_pictures_of_every_format_are_read(tmp_path: Path) -> None:
    deep = noise(3, 20, 30, 3).astype(np.uint16) * 257
    imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    (tmp_path / "deep.png").write_bytes(png_encode(deep[0]))
    with stack_writer(tmp_path / "deep.ome.zarr", deep.shape, deep.dtype, Axes("ZYXS")) as target:
        for index in range(3):
            target.write((index,), deep[index])
    names = {"deep.tif": 3, "deep.png": 1, "deep.ome.zarr": 3}
    for name, planes in names.items():
        found = find_pictures([tmp_path / name])
        assert len(found) == planes
        store = PictureStore(found, max_side=None, memory_gib=0.0)
        for index in range(planes):
            expected = torch.from_numpy((deep[index] // 257).astype(np.uint8)).permute(2, 0, 1)
            assert torch.equal(store.read(index), expected)
    # As members of a folder they are found too, and an OME-Zarr is one of them, not its files.
    assert len(find_pictures([tmp_path])) == 7


def test_stacks_are_read_plane_by_plane_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    imwrite(path, noise(4, 20, 30, 3), photometric="rgb")
    store = PictureStore(find_pictures([path]), max_side=None, memory_gib=0.0)
    # What is written after the stack was found is what is read: nothing was taken before.
    later = noise(20, 30, 3, seed=9)
    pixels = memmap(path, mode="r+")
    pixels[2] = later
    pixels.flush()
    assert torch.equal(store.read(2), torch.from_numpy(later).permute(2, 0, 1))


def test_no_picture_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="none"):
        find_pictures([tmp_path])


def test_gray_array_is_refused() -> None:
    with pytest.raises(InputError, match="RGB"):
        find_pictures([noise(20, 30)])


def test_split_never_divides_a_source() -> None:
    pictures = find_pictures([noise(3, 8, 8, 3, seed=i) for i in range(10)])
    training, held_out = split_by_source(pictures, 0.2, seed=1)
    assert len(held_out) == 6
    assert {p.source for p in training}.isdisjoint({p.source for p in held_out})
    assert [p.name for p in split_by_source(pictures, 0.2, seed=1)[1]] == [p.name for p in held_out]
    assert split_by_source(pictures, 0.0, seed=1)[1] == []


def test_single_stack_is_split_by_plane() -> None:
    training, held_out = split_by_source(find_pictures([noise(10, 8, 8, 3)]), 0.2, seed=0)
    assert (len(training), len(held_out)) == (8, 2)


def test_near_gray_pictures_are_left_out_and_counted() -> None:
    gray = np.repeat(noise(20, 30, 1), 3, axis=2)
    dataset = keep_all(gray, noise(20, 30, 3), gray)
    assert (len(dataset.training), dataset.near_gray) == (1, 2)
    assert torch.equal(dataset.training.read(0), to_uint8(noise(20, 30, 3)))


def test_a_selection_shares_what_is_decoded() -> None:
    store = PictureStore(find_pictures([noise(20, 30, 3)] * 3), max_side=None, memory_gib=1.0)
    decoded = store.read(2)
    assert store.select([0, 2]).read(1) is decoded


def test_large_pictures_are_kept_shrunk_with_their_aspect() -> None:
    store = PictureStore(find_pictures([noise(60, 90, 3)]), max_side=30, memory_gib=1.0)
    assert store.read(0).shape == (3, 30, 45)


def test_memory_is_bounded() -> None:
    decoded: list[int] = []

    def read(number: int) -> np.ndarray:
        decoded.append(number)
        return noise(100, 100, 3, seed=number)

    # 30,000 bytes each, so that two of them are kept.
    pictures = [Picture("", f"{i}", functools.partial(read, i)) for i in range(5)]
    store = PictureStore(pictures, max_side=None, memory_gib=70_000 / 2**30)
    for _ in range(2):
        for i in range(5):
            store.read(i)
    assert decoded == [0, 1, 2, 3, 4, 2, 3, 4]


@pytest.mark.parametrize(
    ("plane", "expected"),
    [
        (np.full((1, 1, 3), 128, np.uint8), 128),
        (np.full((1, 1, 3), 128 * 257, "<u2"), 128),
        (np.full((1, 1, 3), 128 * 257, ">u2"), 128),
        (np.full((1, 1, 3), 128 / 255, np.float32), 128),
        (np.full((1, 1, 3), 128 / 255, ">f4"), 128),
        (np.full((1, 1, 3), np.nan, np.float32), 0),
    ],
)
def test_every_depth_becomes_8_bit(plane: np.ndarray, expected: int) -> None:
    assert to_uint8(plane).tolist() == [[[expected]]] * 3


def test_integers_of_unknown_range_are_refused() -> None:
    with pytest.raises(InputError, match="int32"):
        to_uint8(np.zeros((2, 2, 3), np.int32))


def test_lab_planes_are_the_generators_units() -> None:
    rgb = torch.from_numpy(noise(3, 16, 16))
    lightness, ab = to_lab_planes(rgb)
    assert lightness.min() >= -1
    assert lightness.max() <= 1
    lab = torch.cat([(lightness + 1) * 50, ab * AB_SCALE])
    assert torch.allclose(lab_to_rgb(lab[None])[0] * 255, rgb.float(), atol=0.1)
