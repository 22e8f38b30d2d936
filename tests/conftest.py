"""What every test may count on: a home of its own, few threads, and a tiny model."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import example_counts

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.library.store import ModelLibrary

# Before torch loads. For tensors of a few pixels one thread is the fastest, and several workers
# with several threads each, which wait in busy loops, take many times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell's background jobs ignore Ctrl-C, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine's other work than about the code, and
# what CI finds has to be found again.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples where only quick tests run, before the tests are read."""
    if config.option.markexpr == "not slow":
        example_counts.is_quick = True
        patient = settings.get_profile("patient")
        quick = example_counts.examples(patient.max_examples)
        settings.register_profile("quick", patient, max_examples=quick)
        settings.load_profile("quick")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep models and remembered options in a folder of the test's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NAPARI_COLORGAN_HOME", str(folder))
    monkeypatch.delenv("NAPARI_COLORGAN_SHARED_MODELS", raising=False)
    return folder


@pytest.fixture(scope="session")
def tiny_generator() -> Generator:
    """Return a U-Net with a distribution head of 0.1 million random weights; don't change it."""
    import torch

    from napari_colorgan.core.networks.build import build_generator
    from napari_colorgan.core.networks.generator_config import GeneratorConfig

    torch.manual_seed(0)
    config = GeneratorConfig(encoder="test_efficientnet", decoder_channels=(8, 8), output_stride=8)
    return build_generator(config).eval()


@pytest.fixture(scope="session")
def tiny_model_file(tiny_generator: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a model "tiny" that shrinks planes to 64 pixels; don't change it."""
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import save_model_file

    path = tmp_path_factory.mktemp("models") / "tiny.colorgan.safetensors"
    card = ModelCard(
        name="tiny",
        version="1",
        title="A tiny model",
        domain="tests",
        description="Random weights.",
        working_size=64,
        created="2026-01-31",
    )
    save_model_file(path, tiny_generator, card)
    return path


@pytest.fixture(scope="session")
def spreading_model(tiny_generator: Generator) -> Model:
    """Return a model with hint propagation, of random weights."""
    from dataclasses import replace

    import torch

    from napari_colorgan.core.networks.build import build_generator
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model

    torch.manual_seed(0)
    config = replace(tiny_generator.config, spread_channels=4)
    card = ModelCard(
        name="tiny",
        version="1",
        title="A tiny model",
        domain="tests",
        description="Random weights.",
        working_size=64,
        created="2026-01-31",
    )
    return Model(card, build_generator(config).eval())


@pytest.fixture
def tiny_library(tiny_model_file: Path) -> ModelLibrary:
    """Return the test's own library, with the model "tiny" in the user's folder."""
    from napari_colorgan.library.store import ModelLibrary

    library = ModelLibrary()
    library.import_file(tiny_model_file)
    return library
