from __future__ import annotations

import copy
import dataclasses
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_colorgan.core import execution
from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.execution import NetworkRunner, get_runner
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.prediction import finish
from napari_colorgan.errors import ModelError
from predicting import network_colors

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.core.prediction import Prediction

CPU = torch.device("cpu")


def lightness() -> torch.Tensor:
    return torch.rand(2, 1, 64, 96, generator=torch.Generator().manual_seed(0)) * 100


def test_it_predicts_as_the_generator_does(tiny_generator: Generator) -> None:
    hints = torch.zeros(2, 3, 64, 96)
    hints[:, :, 8:16, 8:16] = torch.tensor([0.3, -0.2, 1.0])[:, None, None]
    hints_cie = hints * torch.tensor([AB_SCALE, AB_SCALE, 1.0])[:, None, None]
    prediction = NetworkRunner(tiny_generator, CPU, "float32")(
        lightness(), hints_cie, temperature=0.5, uncertainty=True
    )
    ab, uncertainty, _ = finish(prediction, hints_cie)
    with torch.inference_mode():
        expected, entropy = network_colors(tiny_generator, lightness() / 50 - 1, hints, 0.5)
    torch.testing.assert_close(ab, expected * AB_SCALE, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(uncertainty, entropy, atol=1e-4, rtol=1e-4)


def test_uncertainty_only_where_wanted(tiny_generator: Generator) -> None:
    prediction = NetworkRunner(tiny_generator, CPU, "float32")(lightness())
    assert prediction.uncertainty is None
    assert prediction.std is prediction.embedding is None


def test_embedding_only_of_what_propagates_hints(tiny_generator: Generator) -> None:
    config = dataclasses.replace(tiny_generator.config, spread_channels=3)
    runner = NetworkRunner(build_generator(config).eval(), CPU, "float32")
    assert runner(lightness()).embedding is None
    found = runner(lightness(), embedding=True)
    assert found.std is not None
    assert found.embedding is not None
    assert found.std.shape == (2, 1, 8, 12)
    assert found.embedding.shape == (2, 3 + 1, 8, 12)


def test_bfloat16_is_near(tiny_generator: Generator) -> None:
    exact = NetworkRunner(tiny_generator, CPU, "float32")(lightness()).ab
    coarse = NetworkRunner(tiny_generator, CPU, "bfloat16")(lightness()).ab
    assert coarse.dtype == torch.float32
    assert (exact - coarse).abs().mean() < 1


def test_auto_is_float32_without_the_instructions(
    tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "has_bfloat16_instructions", lambda: False)
    runner = NetworkRunner(tiny_generator, CPU, "auto")
    exact = NetworkRunner(tiny_generator, CPU, "float32")(lightness()).ab
    assert torch.equal(runner(lightness()).ab, exact)


@pytest.mark.parametrize(("limit", "chosen"), [(5.0, torch.bfloat16), (-1.0, torch.float32)])
def test_auto_takes_bfloat16_where_it_keeps_the_colours_whatever_the_input(
    tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch, limit: float, chosen: torch.dtype
) -> None:
    monkeypatch.setattr(execution, "has_bfloat16_instructions", lambda: True)
    monkeypatch.setattr(execution, "MAX_DELTA_E", limit)
    for input_plane in (lightness(), torch.zeros(1, 1, 64, 64), torch.full((1, 1, 96, 64), 100.0)):
        runner = NetworkRunner(tiny_generator, CPU, "auto")
        runner(input_plane)
        assert runner.dtype == chosen


def test_the_precision_does_not_depend_on_the_clock(
    tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "has_bfloat16_instructions", lambda: True)
    monkeypatch.setattr("time.perf_counter", lambda: 1 / 0)
    NetworkRunner(tiny_generator, CPU, "auto").prepare()


def test_a_runner_is_made_once_for_a_generator_as_it_is(tiny_generator: Generator) -> None:
    generator = copy.deepcopy(tiny_generator)
    runner = get_runner(generator, CPU, "float32")
    assert get_runner(generator, CPU, "float32") is runner
    assert get_runner(generator, CPU, "bfloat16") is not runner


@pytest.mark.parametrize("part", ["parameters", "buffers"])
def test_a_generator_trained_further_gets_another_runner(
    tiny_generator: Generator, part: str
) -> None:
    generator = copy.deepcopy(tiny_generator)
    before = get_runner(generator, CPU, "float32")(lightness()).ab
    with torch.no_grad():
        for tensor in getattr(generator, part)():
            if tensor.is_floating_point():
                tensor.mul_(1.1)
    after = get_runner(generator, CPU, "float32")(lightness()).ab
    assert not torch.equal(before, after)


def test_runners_go_with_their_generator(tiny_generator: Generator) -> None:
    generator = copy.deepcopy(tiny_generator)
    runner = weakref.ref(get_runner(generator, CPU, "float32"))
    gc.collect()
    assert runner() is not None
    del generator
    gc.collect()
    assert runner() is None


def test_colours_that_are_not_finite_are_an_error_that_names_the_model(
    tiny_generator: Generator,
) -> None:
    broken = copy.deepcopy(tiny_generator)
    broken.name = "the model 'broken'"
    with torch.no_grad():
        for parameter in broken.parameters():
            parameter.mul_(1e30)
    with pytest.raises(ModelError, match="the model 'broken'"):
        NetworkRunner(broken, CPU, "float32")(lightness())


def test_what_overflows_in_half_precision_is_computed_in_single(
    tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = NetworkRunner(tiny_generator, CPU, "bfloat16")
    expected = NetworkRunner(tiny_generator, CPU, "float32")(lightness())
    plain = runner.predict

    def overflowing(planes: torch.Tensor, dtype: torch.dtype, **options: Any) -> Prediction:
        prediction = plain(planes, dtype, **options)
        if dtype == torch.bfloat16:
            return dataclasses.replace(prediction, ab=prediction.ab * torch.inf)
        return prediction

    monkeypatch.setattr(runner, "predict", overflowing)
    torch.testing.assert_close(runner(lightness()).ab, expected.ab)
    assert runner.dtype == torch.float32
