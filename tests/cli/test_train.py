"""`napari-colorgan train` on a tiny run: from a config to a model, stopped and resumed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer
from skimage.io import imsave
from typer.testing import CliRunner

from napari_colorgan.cli.process import interruptible
from napari_colorgan.cli.train import plot, train
from napari_colorgan.cli.training_view import epoch_line
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ConfigError
from napari_colorgan.events import EpochDone, Event, Started
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig

if TYPE_CHECKING:
    from pathlib import Path

CARD = """
title = "Blocks"
domain = "tests"
training_data = [["Blocks", "CC0"]]
"""


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(train)
    app.command()(plot)
    return app


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        coarse = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        picture = np.kron(coarse, np.ones((14, 14, 1), np.uint8))
        imsave(folder / f"{number}.png", picture, check_contrast=False)
    return folder


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    config = TrainingConfig(
        generator=GeneratorConfig(decoder_channels=(8, 8), output_stride=8),
        data=DataConfig(size=64, validation_share=0.3),
        phases=(PhaseConfig("supervised", batch_size=2, l1=10.0),),
        freeze_statistics=False,
    )
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    return path


def test_config_becomes_a_model_with_the_stated_card(
    app: typer.Typer, pictures: Path, config_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    arguments = ["train", str(config_file), "--data", str(pictures), "--epochs", "2"]
    arguments += ["--output", str(tmp_path / "run"), "--name", "blocks"]
    arguments += ["--card", str(tmp_path / "card.toml")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "PSNR" in result.output
    card = load_model_file(tmp_path / "run" / "model.safetensors").card
    assert (card.name, card.title, card.domain) == ("blocks", "Blocks", "tests")
    assert card.training_data == (("Blocks", "CC0"),)
    drawn = CliRunner().invoke(app, ["plot", str(tmp_path / "run")], catch_exceptions=False)
    assert drawn.exit_code == 0
    assert (tmp_path / "run" / "curves.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("extra", "expected"),
    [([], "--data"), (["--epochs", "1", "--minutes", "1"], "--minutes")],
)
def test_contradictions_are_said(
    app: typer.Typer, pictures: Path, config_file: Path, extra: list[str], expected: str
) -> None:
    data = ["--data", str(pictures)] if extra else []
    with pytest.raises(ConfigError, match=expected):
        CliRunner().invoke(app, ["train", str(config_file), *data, *extra], catch_exceptions=False)


def test_interrupt_waits_for_the_next_event() -> None:
    seen: list[Event] = []
    with interruptible(seen.append) as relay:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            relay(Started(1, "step"))
    assert seen == [Started(1, "step")]


def test_second_interrupt_acts_at_once() -> None:
    with interruptible(lambda _: None):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_validation_is_one_line_with_gray_beside() -> None:
    event = EpochDone(3, "adversarial", (("D", 0.5),), (("psnr", 23.0), ("gray_psnr", 21.5)), True)
    line = epoch_line(event)
    assert "D 0.50000" in line
    assert "PSNR 23.00 (gray 21.50)" in line
    assert line.endswith("best so far")
