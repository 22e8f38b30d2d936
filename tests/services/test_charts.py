"""Charts for pages, and a run's curves from its events alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from skimage.io import imread

from napari_colorgan.errors import FileError, TrainingError
from napari_colorgan.events import EpochDone
from napari_colorgan.services.charts import Curve, chart, figure_of, plot_run, save_figure
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.run_folder.event_log import EventLog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    run = RunDirectory(tmp_path / "run")
    run.create(TrainingConfig())
    log = EventLog(run.path)
    for epoch in (1, 2, 3):
        losses = (("G L1", 5.0 / epoch), ("D", 0.6))
        metrics = (("psnr", 22.0 + epoch), ("gray_psnr", 21.0))
        log.append(EpochDone(epoch, "adversarial", losses, metrics, is_best=True))
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


def test_a_chart_is_an_element_whose_texts_are_texts() -> None:
    curve = Curve("G <L1> $\\frac$", [(5, 2.0), (10, -1.0), (15, 4.0)], "red")
    text = chart("a & b", [curve, Curve("none", [], "blue")], "step")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    texts = {"".join(element.itertext()) for element in root.iter() if "text" in element.tag}
    assert {"a & b", "step", "G <L1> $\\frac$", "−1"} <= texts
    assert "none" not in texts
    assert text == chart("a & b", [curve], "step")


def test_no_points_no_chart() -> None:
    assert chart("t", []) == chart("t", [Curve("none", [], "blue")]) == ""
    assert "svg" in chart("flat", [Curve("x", [(1, 0.0)], "red")])


def test_a_single_value_to_compare_with_is_a_level(run_directory: Path) -> None:
    text = chart("t", [Curve("gray", [(3, 7.0)], "red", dashed=True)])
    assert "stroke-dasharray" in text


def test_drawing_leaves_the_programs_style_alone(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    with figure_of(2, 2) as figure:
        save_figure(figure, tmp_path / "empty.svg")
    assert dict(mpl.rcParams) == before
