"""Pairs on their way to training: read together, cut together, refused where they don't fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from skimage.color import rgb2lab
from skimage.io import imsave
from tifffile import imwrite

from datasets import FIT, NATIVE, make_dataset, read_all
from napari_colorgan.axes import Axes
from napari_colorgan.errors import PairError
from napari_colorgan.services.dataset.gray_source import GraySource, check_pair, open_gray

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.services.dataset.prepare import Dataset
    from napari_colorgan.training.config_parts import DataConfig


@pytest.fixture
def phase(stained: np.ndarray) -> np.ndarray:
    """Return another camera's picture of the stain, of 8 bits: bright where that is dark."""
    return 255 - stained[..., 1]


def gather(data: list[Any], gray: list[Any], config: DataConfig = FIT) -> Dataset:
    return make_dataset(*data, gray=gray, config=config)


def planes(found: Dataset) -> list[np.ndarray]:
    """Return whole planes as they are read, in the order of their names."""
    stores = found.training.pictures, found.held_out.pictures
    pictures = sorted((*stores[0], *stores[1]), key=lambda picture: picture.name)
    return [picture.read() for picture in pictures]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "f4"])
def test_arrays_are_read_with_their_gray(
    stained: np.ndarray, phase: np.ndarray, dtype: str, lazy: bool
) -> None:
    high = 1.0 if dtype == "f4" else np.iinfo(dtype).max
    colors = (stained / 255 * high).astype(dtype)
    seen = da.from_array(phase, chunks=(1, 96, 128)) if lazy else phase
    found = gather([colors], [seen])
    assert (found.planes, found.pairs) == (5, 5)
    assert found.sources == (("array 1, seen as gray array 1", 5),)
    for number, plane in enumerate(planes(found)):
        assert (plane.dtype.newbyteorder("="), plane.shape) == (np.dtype(dtype[-2:]), (96, 128, 4))
        np.testing.assert_array_equal(plane[..., :3], colors[number])
        np.testing.assert_allclose(plane[..., 3] / high, phase[number] / 255, atol=1e-6)
    assert gather([colors], [phase]).sha256 == found.sha256
    assert gather([colors], [255 - phase]).sha256 != found.sha256


def test_gray_is_seen_as_it_would_be_colorized(
    stained: np.ndarray, phase: np.ndarray, tmp_path: Path
) -> None:
    deep = phase.astype(np.uint16) * 10 + 200
    imwrite(tmp_path / "deep.tif", deep, photometric="minisblack")
    imwrite(tmp_path / "fields.tif", stained, photometric="rgb")
    found = gather([tmp_path / "fields.tif"], [tmp_path / "deep.tif"])
    assert found.sources == (("fields.tif, seen as deep.tif", 5),)
    low, high = float(deep.min()), float(deep.max())
    expected = (deep - low) / (high - low) * 255
    for number, plane in enumerate(planes(found)):
        np.testing.assert_allclose(plane[..., 3], expected[number], atol=0.51)


def test_folders_pair_their_files_by_name(
    stained: np.ndarray, phase: np.ndarray, tmp_path: Path
) -> None:
    for folder in ("he/a b", "phase/a b"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(3):
        imsave(tmp_path / f"he/a b/{number}.png", stained[number], check_contrast=False)
        imwrite(tmp_path / f"phase/a b/{number}.tif", phase[number], photometric="minisblack")
    imwrite(tmp_path / "he/stack.tif", stained[3:], photometric="rgb")
    imwrite(tmp_path / "phase/stack.ome.tif", phase[3:], photometric="minisblack")
    found = gather([tmp_path / "he"], [tmp_path / "phase"])
    assert found.sources == (("he, seen as phase", 5),)
    for number, plane in enumerate(planes(found)):
        np.testing.assert_array_equal(plane[..., :3], stained[number])
        np.testing.assert_array_equal(plane[..., 3], phase[number])
    (tmp_path / "phase/a b/1.tif").unlink()
    with pytest.raises(PairError, match=r"none for .*1\.png"):
        gather([tmp_path / "he"], [tmp_path / "phase"])


def test_what_is_held_out_is_cut_from_both(stained: np.ndarray) -> None:
    """The gray here is the red of the colours, so that a shift between the two would show."""
    found = gather([stained], [stained[..., 0]], NATIVE)
    crops = read_all(found.held_out)
    assert [crop.shape for crop in crops] == [(32, 32, 4)] * 4
    single = gather([stained[0]], [stained[0, ..., 0]])
    halves = [*read_all(single.training), *read_all(single.held_out)]
    for plane in (*crops, *halves):
        np.testing.assert_array_equal(plane[..., 3], plane[..., 0])


def test_who_has_no_partner_is_seen_as_its_own_lightness(
    stained: np.ndarray, phase: np.ndarray
) -> None:
    found = gather([stained[:2], stained[2:]], [phase[:2], None])
    assert (found.planes, found.pairs) == (5, 2)
    assert found.sources == (("array 1, seen as gray array 1", 2), ("array 2", 3))
    last = planes(found)[-1]
    gray = np.repeat(last[..., 3:], 3, axis=-1)
    np.testing.assert_allclose(rgb2lab(gray)[..., 0], rgb2lab(stained[4])[..., 0], atol=0.5)
    assert "2 of its 5 planes" in found.warning


def test_without_pairs_nothing_is_added(stained: np.ndarray) -> None:
    found = gather([stained], [None])
    assert (found.pairs, found.warning) == (0, "")
    assert planes(found)[0].shape == (96, 128, 3)
    assert found.sha256 == make_dataset(stained).sha256


def test_nearly_gray_colours_are_left_out_whatever_their_partner(
    stained: np.ndarray, phase: np.ndarray
) -> None:
    stained[2] = stained[2].mean(axis=-1, keepdims=True).astype(np.uint8)
    found = gather([stained], [phase])
    assert (found.planes, found.near_gray, found.pairs) == (4, 1, 4)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (np.s_[:4], ["5 × 96 × 128 (Z × Y × X)", "4 × 96 × 128", "differs in Z"]),
        (np.s_[:, :90, :100], ["5 × 90 × 100", "differs in Y and X"]),
        (np.s_[0], ["got 96 × 128 (Y × X)"]),
    ],
)
def test_other_shapes_are_refused_with_where_they_differ(
    stained: np.ndarray, phase: np.ndarray, tmp_path: Path, cut: Any, words: list[str]
) -> None:
    np.save(tmp_path / "he.npy", stained)
    np.save(tmp_path / "phase.npy", phase[cut])
    for data, gray in ((stained, phase[cut]), (tmp_path / "he.npy", tmp_path / "phase.npy")):
        with pytest.raises(PairError) as raised:
            gather([data], [gray])
        assert [word for word in words if word not in str(raised.value)] == []
        assert "Choose the gray image of the same field" in str(raised.value)


def test_stacks_of_other_order_are_refused(stained: np.ndarray, phase: np.ndarray) -> None:
    """There are as many planes, but each would be paired with another one's colours."""
    colors = np.stack([stained, stained[:, ::-1]])
    with pytest.raises(PairError, match="differs in T and Z"):
        gather([colors], [np.stack([phase, phase]).swapaxes(0, 1)])
    assert gather([colors], [np.stack([phase, phase])]).planes == 10


def test_single_planes_are_compared_when_they_are_read(
    stained: np.ndarray, phase: np.ndarray, tmp_path: Path
) -> None:
    for number in range(2):
        imsave(tmp_path / f"he {number}.png", stained[number], check_contrast=False)
    imsave(tmp_path / "small.png", phase[0, :50], check_contrast=False)
    files = [tmp_path / "he 0.png", tmp_path / "he 1.png"]
    with pytest.raises(PairError, match=r"he 1\.png .* 96 × 128 \(Y × X\), got 50 × 128"):
        gather(files, [None, tmp_path / "small.png"])
    with pytest.raises(PairError, match="each of the 5"):
        gather([stained], [tmp_path / "small.png"])


def test_colours_as_gray_are_refused(stained: np.ndarray, tmp_path: Path) -> None:
    imwrite(tmp_path / "he.tif", stained, photometric="rgb")
    imsave(tmp_path / "he.png", stained[0], check_contrast=False)
    np.save(tmp_path / "he.npy", stained)
    for data, gray in (
        (stained, stained),
        (stained, tmp_path / "he.tif"),
        (stained, tmp_path / "he.npy"),
        (stained[0], tmp_path / "he.png"),
    ):
        with pytest.raises(PairError, match="a colour image of shape"):
            gather([data], [gray])


def test_file_and_folder_do_not_pair(stained: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(PairError, match="a folder for a folder"):
        gather([stained], [tmp_path / "folder"])


def test_axes_of_one_plane_do_not_count(stained: np.ndarray, phase: np.ndarray) -> None:
    check_pair("colours", (1, 5, 96, 128, 3), Axes("TZYXS"), open_gray(phase, "phase"))
    found = gather([stained[:, None]], [phase])
    np.testing.assert_array_equal(planes(found)[3][..., 3], phase[3])


def test_planes_are_numbered_along_any_axes(phase: np.ndarray) -> None:
    whole = open_gray(phase, "phase")
    stack = np.moveaxis(np.stack([phase, 255 - phase]), (0, 1), (3, 0))  # Z Y X C
    source = GraySource("phase", stack, Axes("ZYXC"), whole.display)
    assert source.plane_count == 10
    np.testing.assert_array_equal(source.read(6), phase[3])
    np.testing.assert_array_equal(source.read(7), 255 - phase[3])
