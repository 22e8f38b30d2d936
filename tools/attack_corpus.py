"""Undamaged files of every kind that the program reads, to be damaged."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch
from PIL import Image
from torch import nn

from napari_colorgan.axes import Axes
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.events import CheckpointSaved, EpochDone, Notice, StepDone
from napari_colorgan.io import stack_writer
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import save_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.services.run_request import FineTuneRequest
from napari_colorgan.services.tuning.comparison import Change, Comparison
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig, PhaseConfig
from napari_colorgan.training.plan import PhasePlan, Plan
from napari_colorgan.training.run_folder.checkpoint import Progress, save_checkpoint
from napari_colorgan.training.run_folder.directory import RunDirectory
from napari_colorgan.training.run_folder.event_log import EventLog

if TYPE_CHECKING:
    from pathlib import Path

_CARD = ModelCard("tiny", "1", "A tiny model", "tests", "Colours nothing well.")


def make_model(folder: Path, name: str = "tiny") -> Path:
    """Write the smallest model; return its file."""
    torch.manual_seed(0)
    config = GeneratorConfig("pix2pix", decoder_channels=(1,), output_stride=1, head="regression")
    path = folder / (name + MODEL_SUFFIX)
    save_model_file(path, build_generator(config).eval(), dataclasses.replace(_CARD, name=name))
    return path


def make_pictures(folder: Path) -> list[Path]:
    """Write a small picture in each format; return the files and stores."""
    rng = np.random.default_rng(0)
    gray = np.kron(rng.integers(0, 256, (5, 6), np.uint8), np.ones((8, 8), np.uint8))
    rgb = np.stack([gray, gray[::-1], gray[:, ::-1]], -1)
    for name in ("a.png", "a.jpg", "a.bmp", "a.gif", "a.pgm", "a.pcx", "a.tga", "a.webp"):
        Image.fromarray(gray).save(folder / name)
    for name in ("rgb.png", "rgb.jpg", "rgb.webp", "rgb.avif", "rgb.jp2"):
        Image.fromarray(rgb).save(folder / name)
    Image.fromarray(rgb).quantize(8).save(folder / "palette.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(folder / "deep.png")
    stack = np.stack([gray, gray // 2, gray // 3])
    np.save(folder / "a.npy", stack)
    tifffile.imwrite(folder / "plain.tif", gray)
    gray_stack = {"photometric": "minisblack", "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(folder / "deflate.tif", stack, compression="zlib", **gray_stack)
    tifffile.imwrite(folder / "lzw.tif", rgb, compression="lzw", photometric="rgb")
    tifffile.imwrite(folder / "tiles.tif", gray, tile=(16, 16), compression="zlib")
    tifffile.imwrite(folder / "a.ome.tif", stack, ome=True, **gray_stack)
    tifffile.imwrite(
        folder / "imagej.tif", stack.astype(np.uint16), imagej=True, metadata={"axes": "ZYX"}
    )
    axes = Axes("ZYX")
    with stack_writer(folder / "a.ome.zarr", stack.shape, "uint8", axes) as target:
        for number, plane in enumerate(stack):
            target.write((number,), plane)
    archive = shutil.make_archive(str(folder / "a"), "zip", folder / "a.ome.zarr")
    shutil.move(archive, folder / "a.ozx")
    return sorted(folder.iterdir())


def training_config(epochs: float = 4.0) -> TrainingConfig:
    """Return a config by which a run takes seconds and saves after each step."""
    return TrainingConfig(
        generator=GeneratorConfig(
            encoder="test_efficientnet", decoder_channels=(8, 8), output_stride=8
        ),
        data=DataConfig(size=64, validation_share=0.3),
        phases=(PhaseConfig("supervised", batch_size=2, l1=10.0, epochs=epochs),),
        freeze_statistics=False,
        checkpoint_minutes=1e-6,
    )


def make_run(folder: Path) -> Path:
    """Write a run directory as a killed fine-tuning leaves it; return it."""
    run = RunDirectory(folder / "run")
    FineTuneRequest(data=[folder / "a.png"], output=run.path, base="natural").save()
    run.create(training_config())
    run.save_plan(Plan((PhasePlan(40, 10, 3.0, ((20, 30),)),)))
    run.write_json("bin_frequencies.json", [0.25] * 4)
    for step in (1, 2):
        path = run.checkpoint_path(step)
        progress = Progress(step=step, total_steps=step, loss_sums={"G": 1.0}, loss_count=1)
        save_checkpoint(path, {"average": nn.Linear(4, 4)}, {}, progress)
    save_checkpoint(run.best, {"average": nn.Linear(4, 4)}, {}, Progress())
    log = EventLog(run.path)
    log.append(Notice("Begun."))
    log.append(StepDone(1, 40, "supervised", (("G", 1.0),), 2.0, 3.0))
    log.append(EpochDone(1, "supervised", (("G", 1.0),), (("psnr", 20.0),), True))
    log.append(CheckpointSaved(str(path), 2))
    (run.path / "process.json").write_text('{"pid": 1, "created": 0.0}')
    run.write_json("result.json", Comparison((Change("l1", 2.0, 1.0, -2.0, -0.5),), 4).to_dict())
    return run.path


def make_texts(folder: Path) -> list[Path]:
    """Write a file of hints and a recipe; return them."""
    (folder / "hints.csv").write_text(
        "z,y,x,radius,color,kind,carry\n0,3,4,2,#ff0000,color,this\n1,5.5,6,3,#00ff00,color,all\n"
    )
    (folder / "recipe.toml").write_text(training_config().to_toml())
    return [folder / "hints.csv", folder / "recipe.toml"]
