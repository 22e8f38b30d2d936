"""`make quality`, whole, on a tiny model and pictures of noise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_colorgan.errors import InputError
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.metric_registry import METRICS

if TYPE_CHECKING:
    from types import ModuleType

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    import quality

    monkeypatch.setattr(quality, "CACHE", tmp_path / "cache")
    return quality


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("test/bsds500", "natural/val/intel", "natural/train"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(3):
            image = rng.integers(0, 256, (40, 56, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "data" / folder / f"{number}.png")
    (tmp_path / "data" / "samples" / "fsa_bw").mkdir(parents=True)
    Image.fromarray(image).convert("L").save(tmp_path / "data" / "samples" / "fsa_bw" / "1.jpg")
    return tmp_path / "data"


@pytest.fixture
def model(tiny_model_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny_model_file, tmp_path / "tiny.colorgan.safetensors"))


@pytest.mark.slow
def test_writes_the_page_the_pictures_and_the_card(
    quality: ModuleType, data: Path, model: Path, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    page = docs / "quality.md"
    page.write_text("# Quality\n\nBefore.\n\n", encoding="utf-8")
    before = load_model_file(model).card
    arguments = ["--data", data, "--model", model, "--docs", docs, "--limit", 2, "--card"]
    numbers = tmp_path / "numbers.json"
    quality.main([*map(str, arguments), "--sets", "bsds500", "intel", "--json", str(numbers)])

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Quality\n\nBefore.\n\n<!--")
    for part in ("bsds500: 2 images", "L* lookup table", "## Vividness", "## Hints", "| 20 "):
        assert part in text
    glance = text.partition("### At a glance")[2].partition("###")[0]
    for name in ("matched_psnr_gain", "cast_a", "cast_b"):
        assert METRICS[name].label in glance
    assert str(tmp_path) not in text
    faults = text.partition("## Faults that are seen at once")[2].partition("<!--")[0]
    assert [row.split()[1] for row in faults.strip().splitlines()[-4:]] == [
        "-------",
        "bsds500",
        "intel",
        "fsa_bw",
    ]
    (found,) = json.loads(numbers.read_text(encoding="utf-8")).values()
    assert [each["name"] for each in found["faults"]] == ["bsds500", "intel", "fsa_bw"]
    assert found["faults"][0]["images"] == 2
    images = {path.name for path in (docs / "images").iterdir()}
    # Pictures without a licence are measured, but not shown.
    assert images == {
        "quality-bsds500.jpg",
        "quality-bsds500-worst.jpg",
        "quality-frontier.svg",
        "quality-real.jpg",
    }
    card = load_model_file(model).card
    assert card.sha256 == before.sha256
    (psnr,) = [m for m in card.metrics if m.name == "PSNR (dB)" and m.dataset.startswith("bsds")]
    assert {"colorfulness_share", "cast_a", "cast_b"} <= {m.id for m in card.metrics}
    assert None not in (psnr.gray, psnr.mean_color, psnr.lookup_table)

    page.write_text(text + "\nAfter.\n", encoding="utf-8")
    quality.main([*map(str, arguments[:-1]), "--sets", "bsds500"])
    again = page.read_text(encoding="utf-8")
    assert again.count("## Vividness") == 1
    assert again.startswith("# Quality\n\nBefore.\n\n<!--")
    assert again.endswith("-->\n\nAfter.\n")


def test_metrics_of_another_model_dont_get_onto_a_card(quality: ModuleType, model: Path) -> None:
    from napari_colorgan.services.evaluation.results import Evaluation

    found = Evaluation("tiny", "1", "0" * 64, "", {}, ())
    with pytest.raises(InputError, match="the model that was measured"):
        quality.write_card(model, found)


def test_sheets_keep_to_their_size(quality: ModuleType, tmp_path: Path) -> None:
    import quality_pictures

    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (256, 512, 3), dtype=np.uint8)
    tall = np.swapaxes(wide, 0, 1)
    rows = [(picture[..., 0], picture, picture) for picture in [wide] * 23 + [tall]]
    quality_pictures.write_sheet(rows, tmp_path / "sheet.jpg")
    assert (tmp_path / "sheet.jpg").stat().st_size <= 500_000
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (3 * (3 * 128 + 8) + 8, 7 * (64 + 8) + (128 + 8) + 8)


def test_faults_alone_leave_the_rest_of_the_page(
    quality: ModuleType, data: Path, model: Path, tmp_path: Path
) -> None:
    page = tmp_path / "quality.md"
    page.write_text("# Quality\n\nBefore.\n", encoding="utf-8")
    arguments = ["--data", data, "--model", model, "--docs", tmp_path, "--limit", 1, "--faults"]
    quality.main([*map(str, arguments), "--sets", "intel"])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Quality\n\nBefore.\n\n<!--")
    assert "## The model" not in text
    assert text.count("## Faults that are seen at once") == 1
    assert not (tmp_path / "images").exists()
