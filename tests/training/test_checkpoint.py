"""Checkpoints as files: nobody keeps them open, and the old ones go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import nn

from napari_colorgan.training.run_folder.checkpoint import (
    Progress,
    load_checkpoint,
    read_progress,
    save_checkpoint,
)
from napari_colorgan.training.run_folder.directory import KEPT_CHECKPOINTS, RunDirectory

if TYPE_CHECKING:
    import pytest


def stepped() -> tuple[nn.Module, torch.optim.AdamW]:
    """Return a network and its optimizer after a step."""
    torch.manual_seed(0)
    network = nn.Linear(16, 64)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 16)).sum().backward()
    optimizer.step()
    return network, optimizer


def test_what_was_loaded_does_not_depend_on_the_file(tmp_path: Path) -> None:
    """Tensors that lie in the mapped file would keep Windows from removing it."""
    path = tmp_path / "step.safetensors"
    network, optimizer = stepped()
    save_checkpoint(path, {"network": network}, {"optimizer": optimizer}, Progress())
    expected = optimizer.state_dict()["state"]
    again = nn.Linear(16, 64)
    fresh = torch.optim.AdamW(again.parameters())
    load_checkpoint(path, {"network": again}, {"optimizer": fresh})
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    torch.testing.assert_close(fresh.state_dict()["state"], expected)


def test_mean_losses_begin_anew_once_taken() -> None:
    progress = Progress()
    progress.advance({"G": 2.0}, 1.0)
    progress.advance({"G": 4.0, "D": 1.0}, 1.0)
    assert progress.take_mean_losses() == (("G", 3.0), ("D", 0.5))
    assert progress.take_mean_losses() == ()
    assert progress.step == 2


def test_progress_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    """Its losses' count was kept beside their sums, under an empty name."""
    path = tmp_path / "step.safetensors"
    values = {"phase": 1, "step": 3, "sums": {"G": 6.0, "": 3.0}, "best_score": 20.0}
    save_file({"weight": torch.zeros(1)}, path, {"format": "1", "progress": json.dumps(values)})
    progress = read_progress(path)
    assert (progress.phase, progress.step, progress.best_score) == (1, 3, 20.0)
    assert progress.take_mean_losses() == (("G", 2.0),)


def test_old_checkpoints_go_unless_they_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path)
    run.checkpoints.mkdir()
    network, optimizer = stepped()
    for step in range(KEPT_CHECKPOINTS + 2):
        path = run.checkpoint_path(step)
        save_checkpoint(path, {"network": network}, {"optimizer": optimizer}, Progress())
    held, unlink = run.checkpoint_path(0), Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == held:
            raise PermissionError("used by another process")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    run.forget_old_checkpoints()
    assert run.usable_checkpoints()[-1] == held
    monkeypatch.undo()
    run.forget_old_checkpoints()
    assert len(run.usable_checkpoints()) == KEPT_CHECKPOINTS
