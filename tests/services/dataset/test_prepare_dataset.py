"""Which planes a fine-tuning takes, which it leaves out and which it holds back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imsave

from datasets import FIT, NATIVE, make_dataset, read_all
from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Event, Notice
from napari_colorgan.services.dataset import prepare as prepare_module

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.training.config_parts import DataConfig


@pytest.mark.parametrize(("dimensions", "planes"), [(2, 2), (3, 4), (4, 6), (5, 8)])
def test_arrays_of_all_ranks_are_split_by_plane(
    stained: np.ndarray, dimensions: int, planes: int
) -> None:
    outer = {2: (), 3: (3,), 4: (5, 1), 5: (7, 1, 1)}[dimensions]
    stack = np.stack([np.roll(stained[0], shift, axis=0) for shift in range(planes - 1)])
    stack = stack.reshape(*outer, *stained[0].shape)
    found = make_dataset(stack, stained[1], hold_out=0.25)
    assert found.planes == planes
    assert found.held_out_planes == max(1, round(planes / 4))
    assert len(found.training) + found.held_out_planes == planes
    names = {p.name for p in found.training.pictures}
    assert names.isdisjoint(p.name for p in found.held_out.pictures)


@pytest.mark.parametrize("config", [FIT, NATIVE], ids=["fit", "native"])
def test_a_plane_that_is_left_alone_is_cut_in_two(stained: np.ndarray, config: DataConfig) -> None:
    """As if it had been given alone, its pixels not shrunk yet."""
    plane = stained[0].repeat(3, axis=0).repeat(3, axis=1)
    other = plane.mean(axis=-1, keepdims=True).repeat(3, -1)
    events: list[Event] = []
    found = make_dataset(np.stack([plane, other.astype(np.uint8)]), events=events, config=config)
    alone = make_dataset(plane, config=config)
    assert (found.planes, found.held_out_planes) == (1, 1)
    for ours, theirs in ((found.training, alone.training), (found.held_out, alone.held_out)):
        assert len(ours) == len(theirs)
        assert all(np.array_equal(ours.read(i), theirs.read(i)) for i in range(len(ours)))
    assert any(isinstance(e, Notice) and "nearly gray" in e.text for e in events)


@pytest.mark.parametrize(("sides", "hold_out"), [((30, 400), 0.2), ((127, 127), 0.5)])
def test_what_is_large_enough_is_taken(
    stained: np.ndarray, sides: tuple[int, int], hold_out: float
) -> None:
    planes = np.tile(stained[:2], (1, 2, 4, 1))[:, : sides[0], : sides[1]]
    planes = planes if min(sides) < 32 else planes[0]
    found = make_dataset(planes, hold_out=hold_out, config=NATIVE)
    assert len(found.training) == 1 <= len(found.held_out)


def test_nearly_gray_planes_are_left_out_and_said(stained: np.ndarray) -> None:
    stack = stained.copy()
    stack[2] = stack[2].mean(axis=-1, keepdims=True).astype(np.uint8)
    events: list[Event] = []
    found = make_dataset(stack, events=events)
    assert (found.planes, found.near_gray) == (4, 1)
    assert any(isinstance(e, Notice) and "1 of 5 planes" in e.text for e in events)


def test_nothing_but_gray_is_refused(stained: np.ndarray) -> None:
    gray = np.repeat(stained[..., :1], 3, axis=-1)
    with pytest.raises(TrainingError, match="nearly gray"):
        make_dataset(gray)


def test_single_plane_is_split_by_region(stained: np.ndarray) -> None:
    found = make_dataset(stained[0], hold_out=0.25)
    [training], [held_out] = read_all(found.training), read_all(found.held_out)
    joined = np.concatenate([training, held_out], axis=1)
    np.testing.assert_array_equal(joined, stained[0])
    assert held_out.shape == (96, 32, 3)


def test_single_small_plane_is_refused(stained: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="at least two planes"):
        make_dataset(stained[0, :60, :60])


def test_native_planes_are_measured_on_their_own_pixels(stained: np.ndarray) -> None:
    found = make_dataset(stained, hold_out=0.2, config=NATIVE)
    crops = read_all(found.held_out)
    assert [crop.shape for crop in crops] == [(32, 32, 3)] * 4
    whole = next(s for s in stained if any((s[:32, :32] == c).all() for c in crops))
    assert all(
        any(
            (whole[y : y + 32, x : x + 32] == crop).all()
            for y in (0, 32, 64)
            for x in (0, 32, 64, 96)
        )
        for crop in crops
    )


def test_files_folders_and_arrays_together(stained: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "Fürth ナ" / "with spaces"
    folder.mkdir(parents=True)
    for number in range(2):
        imsave(folder / f"{number}.png", stained[number], check_contrast=False)
    np.save(tmp_path / "layer.npy", stained[2:4])
    found = make_dataset(folder, tmp_path / "layer.npy", stained[4])
    assert found.sources == (("with spaces", 2), ("layer", 2), ("array 3", 1))
    assert make_dataset(folder, tmp_path / "layer.npy", stained[4]).sha256 == found.sha256
    assert make_dataset(folder, tmp_path / "layer.npy", stained[3]).sha256 != found.sha256


def test_many_planes_are_thinned_out(stained: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_module, "MOST_PLANES", 3)
    events: list[Event] = []
    found = make_dataset(stained, events=events)
    assert found.planes == 3
    assert isinstance(events[0], Notice)


def test_a_damaged_picture_among_many_is_left_out_and_named(
    stained: np.ndarray, tmp_path: Path
) -> None:
    for number in range(4):
        imsave(tmp_path / f"f{number}.png", stained[number])
    whole = (tmp_path / "f2.png").read_bytes()
    (tmp_path / "f2.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken.tif").write_bytes(b"II*\0\x08")
    (tmp_path / "._f0.png").write_bytes(b"a copy that a system left")
    events: list[Event] = []
    dataset = make_dataset(tmp_path, events=events)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert dataset.planes == 3
    assert dataset.near_gray == 0
    (notice,) = (text for text in notices if "can't be read" in text)
    assert notice.startswith("2 of 5 pictures")
    assert "f2.png" in notice
    assert "broken.tif" in notice


def test_nothing_but_damaged_pictures_is_refused(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"f{number}.png").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match=r"f0\.png"):
        make_dataset(tmp_path)


def test_broken_array_file_names_itself(tmp_path: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"no array")
    with pytest.raises(TrainingError, match=r"broken\.npy"):
        make_dataset(tmp_path / "broken.npy")


def test_of_a_few_planes_the_most_usual_one_is_held_out(stained: np.ndarray) -> None:
    # What only one plane shows has to be learnt from it.
    odd = stained[0].copy()
    odd[..., 0], odd[..., 2] = stained[0][..., 2], stained[0][..., 0]
    for place in range(4):
        planes = [stained[0] // 2 + 20 * i for i in range(3)]
        planes.insert(place, odd)
        found = make_dataset(*planes)
        assert found.held_out_planes == 1
        shown = read_all(found.training)
        assert any(np.array_equal(picture, odd) for picture in shown)


def test_of_two_planes_a_part_of_one_is_held_out(stained: np.ndarray) -> None:
    large = [np.tile(plane, (4, 4, 1)) for plane in stained[:2]]
    found = make_dataset(*large, config=NATIVE)
    assert len(found.training) == 2
    assert found.held_out_planes == 1
    height, width = large[0].shape[:2]
    trained = sum(p.shape[0] * p.shape[1] for p in read_all(found.training))
    assert trained == pytest.approx(1.6 * height * width, rel=0.02)
    # Tiny ones, or whole pictures, can't be cut.
    assert len(make_dataset(*stained[:2], config=NATIVE).training) == 1
    assert len(make_dataset(*large).training) == 1


def test_of_many_planes_it_is_drawn_by_lot(stained: np.ndarray) -> None:
    stack = np.stack([np.clip(stained[0] // 2 + i, 0, 255) for i in range(40)]).astype(np.uint8)
    one, other = (
        {p.name for p in make_dataset(stack, seed=seed).held_out.pictures} for seed in (0, 1)
    )
    assert len(one) == len(other) == 8
    assert one != other
