"""`evaluate` on the command line: sets, files that are written, and complaints before the work."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from napari_colorgan.cli.evaluate import evaluate, image_sets, print_evaluation
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import FileError, InputError
from napari_colorgan.events import run
from napari_colorgan.inference.stack import ColorPlane
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import load_model_file, save_model_file
from napari_colorgan.services.evaluate import evaluate_job
from napari_colorgan.services.evaluation.settings import EvaluationSettings, ImageSet

app = typer.Typer()
app.command()(evaluate)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = build_generator(
        GeneratorConfig(
            architecture="pix2pix", decoder_channels=(2,), output_stride=1, head="regression"
        )
    ).eval()
    path = tmp_path_factory.mktemp("models") / "tiny.colorgan.safetensors"
    save_model_file(path, generator, ModelCard("tiny", "1", "A study", "photographs", ""))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "some pictures"
    folder.mkdir()
    for number in range(3):
        image = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


def call(*arguments: Any) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_prints_tables_and_writes_both_reports(model: Path, pictures: Path, tmp_path: Path) -> None:
    numbers, page = tmp_path / "numbers.json", tmp_path / "page.html"
    arguments = ["--size", 64, "--hints", 1, "--train", pictures, "--json", numbers]
    output = call(model, "--data", pictures, *arguments, "--report", page)
    assert "some pictures: 3 images" in output
    assert "PSNR" in output
    (found,) = json.loads(numbers.read_text(encoding="utf-8"))["sets"]
    assert found["images"] == 3
    assert set(found["methods"]) == {"truth", "model", "gray", "mean_color", "lookup_table"}
    assert "hint_delta_e" in found["methods"]["model"]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_settings_of_the_prediction_by_both_names(model: Path, pictures: Path) -> None:
    today = call(model, "--data", pictures, "--size", 64, "--temperature", 0.1, "--device", "cpu")
    former = call(model, "--data", pictures, "--size", 64, "--vividness", 1)
    assert "temperature 0.1, " in today
    assert former.replace("vividness = 1 is deprecated; use temperature = 0.1.\n", "") == today


def test_data_may_be_followed_by_several_paths(model: Path, pictures: Path) -> None:
    output = call(model, "--size", 64, "--data", pictures, pictures / "0.png", pictures / "1.png")
    assert "some pictures: 3 images" in output
    assert "pictures: 2 images" in output


def test_loose_pictures_are_one_set_and_folders_and_stacks_their_own() -> None:
    paths = [Path("a/b"), Path("one.png"), Path("film.tif"), Path("two.JPG")]
    sets = image_sets(paths, is_sequence=True)
    assert [(each.name, len(each.images)) for each in sets] == [
        ("b", 1),
        ("film.tif", 1),
        ("pictures", 2),
    ]
    assert all(each.is_sequence for each in sets)


def test_complains_before_the_work(model: Path, pictures: Path, tmp_path: Path) -> None:
    for arguments, error in (
        ([], InputError),
        (["--data", pictures, "--size", "8"], InputError),
        (["--data", pictures, "--json", tmp_path / "missing" / "numbers.json"], FileError),
    ):
        result = CliRunner().invoke(app, [str(model), *map(str, arguments)])
        assert isinstance(result.exception, error)


def test_tables_say_which_direction_is_better_and_take_names_as_text(model: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    job = evaluate_job(
        load_model_file(model),
        [ImageSet("[red]odd[/red]", (image,))],
        EvaluationSettings(size="full", classifier=False),
        colorizer=lambda gray, hints: ColorPlane(image, np.linspace(0, 1, 40 * 48).reshape(40, 48)),
    )
    stream = io.StringIO()
    print_evaluation(run(job), Console(file=stream, width=200))
    text = stream.getvalue()
    assert "[red]odd[/red]: 1 image" in text
    assert "lowest uncertainty first" in text
    assert "PSNR (dB) ↑" in text
