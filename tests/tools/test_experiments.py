"""The experiments: every row is a config the engine takes, and the page keeps its prose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from experiments_page import write_page
from experiments_rows import ROWS
from experiments_trials import TRIALS
from napari_colorgan.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from experiments_rows import Row

NUMBERS = {"l1": 8.0, "psnr": 23.0, "ssim": 0.9, "delta_e": 11.0, "colorfulness_share": 0.5}


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row_is_a_config(row: Row) -> None:
    config = TrainingConfig.from_dict(row.changes)
    assert config.data.size == 128


def test_rows_differ() -> None:
    rows = (*ROWS, *TRIALS)
    configs = [TrainingConfig.from_dict(row.changes) for row in rows]
    assert len({config.to_toml() for config in configs}) == len(rows)
    assert len({row.name for row in rows}) == len(rows)


def test_page_replaces_its_figures_and_keeps_its_prose(tmp_path: Path) -> None:
    page = tmp_path / "experiments.md"
    metrics = {"model": NUMBERS, "gray": NUMBERS}
    runs = [{"losses": {"D": 0.5, "G L1": 6.0}, "metrics": metrics, "steps": [600, 200]}]
    write_page(page, {"final": runs}, 10.0, "")
    page.write_text(page.read_text() + "\nWhat this says: much.\n")
    better = {**NUMBERS, "psnr": 25.0}
    second = {**runs[0], "losses": {"D": 0.7}, "metrics": {"model": better, "gray": NUMBERS}}
    probe = {"linear probe": 0.25, "fine-tuned": 0.5}
    write_page(page, {"final": [*runs, second], "pretext-random": [probe]}, 10.0, "images/a.jpg")
    text = page.read_text()
    assert "might have been" not in text
    for part in ("| 24.00 |", "| 0.600 |", "| 600 + 200 |", "| 25.0 | 50.0 |", "(images/a.jpg)"):
        assert part in text
    assert text.count("`final`, ") == 1
    assert text.count("| `final` |") == 1
    assert text.endswith("What this says: much.\n")


def test_trials_are_told_by_their_gain(tmp_path: Path) -> None:
    page = tmp_path / "experiments.md"
    metrics = {"model": {**NUMBERS, "psnr": 24.5}, "gray": NUMBERS}
    runs = [{"losses": {}, "metrics": metrics, "steps": [90, 100]}]
    write_page(page, {TRIALS[0].name: runs}, 10.0, "")
    text = page.read_text()
    assert "| 1 | 90 + 100 | +1.50 |" in text
    assert "4 minutes" in text
