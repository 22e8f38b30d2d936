"""Model files of the last release load: the same weights, the same card, the same predictions."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_colorgan.core.prediction import finish
from napari_colorgan.library.model_file import load_model_file

FOLDER = Path(__file__).parents[1] / "fixtures" / "release_1" / "models"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))


@pytest.fixture(params=sorted(EXPECTED))
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return one of the files, as that release wrote it."""
    path = tmp_path / f"{request.param}.colorgan.safetensors"
    path.write_bytes(gzip.decompress((FOLDER / f"{path.name}.gz").read_bytes()))
    return path


def expected_of(path: Path) -> dict[str, Any]:
    return EXPECTED[path.name.split(".")[0]]


def test_every_file_is_tested() -> None:
    assert {path.name.split(".")[0] for path in FOLDER.glob("*.gz")} == set(EXPECTED)


def test_cards_are_the_same(released: Path) -> None:
    card = dataclasses.asdict(load_model_file(released).card)
    for name, value in expected_of(released)["card"].items():
        read = json.loads(json.dumps(card[name]))
        if name in ("metrics", "pictures"):  # rows may have gained fields
            read = [{key: row[key] for key in old} for row, old in zip(read, value, strict=True)]
        assert read == value, name


def test_weights_are_the_same(released: Path) -> None:
    expected, weights = expected_of(released), load_model_file(released).generator.state_dict()
    assert len(weights) == expected["keys"]
    total = sum(float(tensor.double().sum()) for tensor in weights.values())
    assert total == pytest.approx(expected["sum"], rel=1e-9)


def test_predictions_are_the_same(released: Path) -> None:
    generator = load_model_file(released).generator
    rows, columns = torch.meshgrid(*[torch.linspace(-1, 1, 128)] * 2, indexing="ij")
    lightness = (0.5 * torch.sin(3 * columns) * torch.cos(2 * rows) + 0.2 * rows)[None, None]
    hints = torch.zeros(1, 3, 128, 128)
    hints[0, :, 32:48, 40:56] = torch.tensor([0.4, -0.3, 1.0])[:, None, None]
    for name, guide in (("predicted", torch.zeros_like(hints)), ("hinted", hints)):
        with torch.inference_mode():
            prediction = generator.predict(lightness, guide, 0.7)
            ab = finish(prediction, guide, generator.hint_propagation).ab
        step = max(1, ab.shape[-1] // 16)
        sampled = ab[0, :, ::step, ::step].flatten()
        wanted = torch.tensor(expected_of(released)[name])
        # Six decimals are kept; processors differ in the last bits of float32.
        torch.testing.assert_close(sampled, wanted, rtol=1e-4, atol=2e-5)
