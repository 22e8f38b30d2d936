"""Decoded pictures on disk: read once, read anew when files change, never half."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imsave

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import Notice, PlaneDone, run
from napari_colorgan.services.dataset.decoding import decode_once
from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.pictures.data import PictureStore, find_pictures
from napari_colorgan.training.pictures.decoded_pictures import DecodedPictures

CONFIG = DataConfig(size=64, keep_decoded=True)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        picture = rng.integers(0, 256, (70 + number, 150, 3), dtype=np.uint8)
        imsave(folder / f"{number}.png", picture, check_contrast=False)
    gray = np.full((70, 90, 3), 100, np.uint8)
    imsave(folder / "gray.png", gray, check_contrast=False)
    return folder


def test_pixels_are_those_of_the_files(files: Path, tmp_path: Path) -> None:
    pictures = find_pictures([files])
    decoded = DecodedPictures(tmp_path / "decoded")
    events = list(decoded.build(pictures, CONFIG))
    assert sum(isinstance(event, PlaneDone) for event in events) == 5
    plain = PictureStore(pictures, max_side=CONFIG.max_side, memory_gib=0)
    assert len(decoded) == 5
    for number in range(5):
        assert torch.equal(decoded[number], plain.read(number))


def test_second_time_nothing_is_read_until_a_file_changes(files: Path, tmp_path: Path) -> None:
    pictures = find_pictures([files])
    list(DecodedPictures(tmp_path / "decoded").build(pictures, CONFIG))
    again = DecodedPictures(tmp_path / "decoded")
    events = list(again.build(pictures, CONFIG))
    assert [type(event) for event in events] == [Notice]
    imsave(files / "1.png", np.full((80, 90, 3), (200, 0, 0), np.uint8), check_contrast=False)
    os.utime(files / "1.png", (1, 1))
    changed = DecodedPictures(tmp_path / "decoded")
    assert any(isinstance(event, PlaneDone) for event in list(changed.build(pictures, CONFIG)))
    assert changed[1][0].float().mean() == 200


def test_gray_pictures_are_left_out_and_numbers_follow(files: Path, tmp_path: Path) -> None:
    pictures = find_pictures([files])
    job = decode_once(pictures, CONFIG, tmp_path / "decoded")
    notices = []
    while True:
        try:
            event = next(job)
        except StopIteration as stop:
            store, unreadable = stop.value
            break
        notices += [event.text] if isinstance(event, Notice) else []
    assert len(store) == 4
    assert unreadable == 0
    assert "1 of 5 planes are nearly gray and left out." in notices
    names = [picture.name for picture in store.pictures]
    plain = PictureStore(find_pictures(names), max_side=CONFIG.max_side, memory_gib=0)
    for number in range(4):
        assert torch.equal(store.read(number), plain.read(number))


def test_an_unreadable_picture_is_left_out_and_named(files: Path, tmp_path: Path) -> None:
    (files / "2.png").write_bytes(b"no picture")
    notices: list[str] = []

    def note(event: object) -> None:
        notices.extend([event.text] if isinstance(event, Notice) else [])

    for _ in range(2):  # the second time from the file
        job = decode_once(find_pictures([files]), CONFIG, tmp_path / "decoded")
        store, unreadable = run(job, note)
        assert unreadable == 1
        names = [Path(picture.name).name for picture in store.pictures]
        assert names == ["0.png", "1.png", "3.png"]
        assert store.read(2).shape[0] == 3
    assert sum("1 of 5 pictures can't be read" in text for text in notices) == 2
    assert any("2.png" in text for text in notices)


def test_where_nothing_can_be_read_the_reason_is_given(files: Path, tmp_path: Path) -> None:
    for path in files.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(TrainingError, match=r"0\.png"):
        run(decode_once(find_pictures([files]), CONFIG, tmp_path / "decoded"))
