"""Bundled models: predictions stay as they were, and networks can be traced and exported.

`bundled_predictions.npz` was written when each model's weights last changed, in float32 on one
thread of an x86 processor with AVX-512. There the bytes are the same; elsewhere PyTorch adds up in
another order, and 1e-5 is allowed.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_colorgan.library.model_file import load_model_file
from predicting import network_colors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_colorgan.core.networks.generator import Generator

BUNDLED = sorted(Path(str(files("napari_colorgan"))).glob("library/bundled/*.safetensors"))
EXPECTED = np.load(Path(__file__).parent / "bundled_predictions.npz")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=BUNDLED, ids=lambda path: path.name.split(".")[0], scope="module")
def model(request: pytest.FixtureRequest) -> tuple[str, Generator]:
    return request.param.name.split(".")[0], load_model_file(request.param).generator


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Return lightness and hints that are the same everywhere: integers over powers of two."""
    rows, columns = torch.arange(64)[:, None], torch.arange(96)[None]
    lightness = ((rows * 7 + columns * 5 + rows * columns // 16) % 128 - 64) / 64.0
    hints = torch.zeros(1, 3, 64, 96)
    for top, left, a, b in ((5, 9, 0.25, -0.125), (30, 40, -0.25, 0.5), (50, 83, 0.125, 0.25)):
        marked = torch.tensor([a, b, 1.0])[:, None, None]
        hints[0, :, top : top + 7, left : left + 7] = marked
    return lightness[None, None], hints


@pytest.mark.parametrize("label", ["automatic", "hinted"])
def test_predictions_are_those_of_these_weights(model: tuple[str, Generator], label: str) -> None:
    name, generator = model
    lightness, hints = inputs()
    hints = hints if label == "hinted" else torch.zeros_like(hints)
    with torch.inference_mode():
        ab, uncertainty = network_colors(generator, lightness, hints)
    assert uncertainty is not None
    for part, values in (("ab", ab), ("uncertainty", uncertainty)):
        expected = EXPECTED[f"{name}/{label}/{part}"]
        if values.numpy().tobytes() != expected.tobytes():
            np.testing.assert_allclose(values.numpy(), expected, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of PyTorch, about its tracers
def test_a_traced_network_is_the_same_to_the_bit(model: tuple[str, Generator]) -> None:
    generator = model[1].requires_grad_(False)
    lightness, hints = inputs()
    with torch.inference_mode():
        expected = generator(lightness, hints)
        traced = torch.jit.trace(generator, (lightness, hints))
        assert torch.equal(traced(lightness, hints), expected)
        # At another size, too: the trace holds no sizes.
        wide = torch.cat([lightness, lightness], dim=3), torch.cat([hints, hints], dim=3)
        assert torch.equal(traced(*wide), generator(*wide))
    exported = torch.export.export(generator, (lightness, hints)).module()
    with torch.no_grad():
        assert torch.equal(exported(lightness, hints), expected)
