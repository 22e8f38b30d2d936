"""Training from a base: the new model is made of its weights, and it stays as it was."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

from napari_colorgan.errors import TrainingError
from napari_colorgan.events import run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.train import TrainRequest, train_model_job

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.training.config import TrainingConfig


def test_base_stays_as_it_was(
    tiny_config: TrainingConfig, tiny_model_file: Path, picture_folder: Path, tmp_path: Path
) -> None:
    base = load_model_file(tiny_model_file)
    terms = {"license": "CC BY-NC 4.0", "limitations": "Virtual staining."}
    base = dataclasses.replace(base, card=dataclasses.replace(base.card, strength=1.3, **terms))
    before = {name: tensor.clone() for name, tensor in base.generator.state_dict().items()}
    phase = dataclasses.replace(tiny_config.phases[1], lr=1e-2, epochs=0.5, encoder_lr=0.0)
    config = dataclasses.replace(tiny_config, phases=(phase,), freeze_statistics=False)
    request = TrainRequest(
        [picture_folder], tmp_path / "run", config=config, base=base, device="cpu"
    )
    made = load_model_file(run(train_model_job(request)))
    trained = made.generator.state_dict()
    assert made.card.parent == "tiny"
    assert made.card.strength == 1.0  # its own weights learnt how strong colours are
    assert made.card.parent_sha256 == base.card.sha256 != made.card.sha256
    # What the base was made of still binds.
    assert (made.card.license, made.card.limitations) == ("CC BY-NC 4.0", "Virtual staining.")
    # It is resumed with the base that it was begun with.
    (tmp_path / "run" / "model.safetensors").unlink()
    other = load_model_file(tiny_model_file)
    other = dataclasses.replace(other, card=dataclasses.replace(other.card, sha256="0" * 64))
    for wrong, got in ((None, "got none"), (other, "other weights")):
        resumed = dataclasses.replace(request, config=None, base=wrong, resume=True)
        with pytest.raises(TrainingError, match=got):
            run(train_model_job(resumed))
    run(train_model_job(dataclasses.replace(request, config=None, resume=True)))

    after = base.generator.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert all(parameter.requires_grad for parameter in base.generator.parameters())
    assert not base.generator.training
    assert [name for name in before if not torch.equal(before[name], trained[name])] != []
