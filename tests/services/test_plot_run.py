"""A run's curves, from its events alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from skimage.io import imread

from napari_colorgan.errors import FileError, TrainingError
from napari_colorgan.events import EpochDone
from napari_colorgan.services.plot_run import plot_run
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.run_directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    run = RunDirectory(tmp_path / "run")
    run.create(TrainingConfig())
    for epoch in (1, 2, 3):
        losses = (("G L1", 5.0 / epoch), ("D", 0.6))
        metrics = (("psnr", 22.0 + epoch), ("gray_psnr", 21.0))
        run.append(EpochDone(epoch, "adversarial", losses, metrics, is_best=True))
    return run.path


def test_curves_are_drawn_in_colour(run_directory: Path, tmp_path: Path) -> None:
    picture = imread(plot_run(run_directory, tmp_path / "curves.png"))
    assert picture.shape[0] > 400
    saturated = picture[..., :3].max(axis=-1).astype(int) - picture[..., :3].min(axis=-1) > 100
    assert saturated.sum() > 200


def test_svg_names_the_losses(run_directory: Path, tmp_path: Path) -> None:
    text = plot_run(run_directory, tmp_path / "curves.svg").read_text()
    assert text.startswith("<?xml")
    assert "G L1" in text


def test_run_without_validation_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="validation"):
        plot_run(tmp_path, tmp_path / "curves.png")


def test_unknown_format_is_refused(run_directory: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\.svg"):
        plot_run(run_directory, tmp_path / "curves.gif")
