"""Checkpoints: the whole state of a run in one .safetensors file, never a pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from napari_colorgan.errors import TrainingError
from napari_colorgan.io.outputs.atomic import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

FORMAT = "2, with checksum"
"""What checkpoints say they are; no changed byte makes it that of an earlier release."""

_UNCHECKED = "1"
CHECKSUM_KEY = "sha256"
"""The metadata's key of the checksum."""


# What a damaged file makes the library and the parsers raise.
_UNREADABLE = (
    SafetensorError,
    OSError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)


@dataclass
class Progress:
    """The state of a run apart from its tensors.

    Attributes
    ----------
    phase : int
        The current phase's place in the plan.
    step : int
        Steps done in it.
    total_steps : int
        Steps done in the run.
    loss_sums : dict
        Sums of the losses since the last validation.
    loss_count : int
        The number of steps in these sums.
    best_score : float or None
        The best validation score so far.
    waited : int
        Validations in this phase since the best one.
    seconds, phase_seconds : float
        Time spent so far, in all and in the current phase.
    loss_scale : float
        What float16's losses are multiplied by; 1 in other precisions.
    """

    phase: int = 0
    step: int = 0
    total_steps: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)
    loss_count: int = 0
    best_score: float | None = None
    waited: int = 0
    seconds: float = 0.0
    loss_scale: float = 1.0
    phase_seconds: float = 0.0

    def advance(self, losses: Mapping[str, float], seconds: float) -> None:
        """Count a step, with its losses and its time.

        Parameters
        ----------
        losses : Mapping[str, float]
            The step's losses by name.
        seconds : float
            The step's time.
        """
        for name, value in losses.items():
            self.loss_sums[name] = self.loss_sums.get(name, 0.0) + value
        self.loss_count += 1
        self.step += 1
        self.total_steps += 1
        self.seconds += seconds
        self.phase_seconds += seconds

    def take_mean_losses(self) -> tuple[tuple[str, float], ...]:
        """Return the losses' means since the last call, and begin new sums."""
        means = tuple((name, total / self.loss_count) for name, total in self.loss_sums.items())
        self.loss_sums, self.loss_count = {}, 0
        return means

    def next_phase(self) -> None:
        """Begin the next phase."""
        self.phase += 1
        self.step, self.phase_seconds = 0, 0.0


def save_checkpoint(
    path: Path,
    modules: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    progress: Progress,
) -> None:
    """Write the state atomically: a kill at any moment leaves the old file or the new one.

    Parameters
    ----------
    path : Path
        The file.
    modules : dict[str, nn.Module]
        By the name under which their tensors are kept.
    optimizers : dict[str, torch.optim.Optimizer]
        By name; their groups are not kept, since the phase builds them anew.
    progress : Progress
        Kept in the file's metadata.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors.update({f"{name}/{k}": v for k, v in module.state_dict().items()})
    for name, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors.update({f"{name}/{index}/{k}": v for k, v in state.items()})
    # safetensors refuses views and other memory formats.
    contiguous = {k: v.detach().contiguous() for k, v in tensors.items()}
    metadata = {"format": FORMAT, "progress": json.dumps(asdict(progress))}
    metadata[CHECKSUM_KEY] = _checksum(contiguous, metadata["progress"])
    with write_atomically(path) as temporary:
        temporary.write_bytes(save(contiguous, metadata))


def load_checkpoint(
    path: Path,
    modules: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
) -> None:
    """Load a checkpoint's state into modules and optimizers.

    Parameters
    ----------
    path : Path
        The file.
    modules, optimizers : dict[str, nn.Module], dict[str, torch.optim.Optimizer]
        By name; changed in place.

    Raises
    ------
    TrainingError
        If the file is unreadable or belongs to another architecture.
    """
    tensors = _read_tensors(path)
    try:
        for name, module in modules.items():
            module.load_state_dict(_under(tensors, name))
        for name, optimizer in optimizers.items():
            state: dict[int, dict[str, Any]] = {}
            for key, tensor in _under(tensors, name).items():
                index, _, field_name = key.partition("/")
                state.setdefault(int(index), {})[field_name] = tensor
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
    except (RuntimeError, KeyError, ValueError) as error:
        raise _unusable(path, str(error)) from error


def read_progress(path: Path) -> Progress:
    """Return a checkpoint's progress without its tensors.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    TrainingError
        If the file is unreadable or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") not in (FORMAT, _UNCHECKED):
            raise _unusable(path, f"format {metadata.get('format')!r}")
        progress = Progress(**_with_loss_count(json.loads(metadata["progress"])))
        _check_types(progress)
    except _UNREADABLE as error:
        raise _unusable(path, str(error)) from error
    return progress


def verify_checkpoint(path: Path) -> None:
    """Raise unless a checkpoint is as it was written.

    Parameters
    ----------
    path : Path
        The checkpoint's file.

    Raises
    ------
    TrainingError
        If it is unreadable, or its checksum differs. Earlier releases wrote none.
    """
    read_progress(path)
    _read_tensors(path)


def _with_loss_count(values: dict[str, Any]) -> dict[str, Any]:
    """Return a progress whose loss count has a field; earlier files have a loss named ""."""
    if "sums" not in values:
        return values
    sums = values.pop("sums")
    return {**values, "loss_count": int(sums.pop("", 0)), "loss_sums": sums}


def load_weights(path: Path, name: str, module: nn.Module) -> None:
    """Load one module's weights from a checkpoint.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Under which the module was saved.
    module : nn.Module
        Changed in place.

    Raises
    ------
    TrainingError
        If the file is unreadable or belongs to another architecture.
    """
    load_checkpoint(path, {name: module}, {})


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Copies: an optimizer keeps what it is given, and with it the file mapped, which
            # Windows then refuses to remove.
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}
        is_checked = metadata.get("format") != _UNCHECKED
        if is_checked and metadata[CHECKSUM_KEY] != _checksum(tensors, metadata["progress"]):
            raise _unusable(path, "other bytes than were written")
    except _UNREADABLE as error:
        raise _unusable(path, str(error)) from error
    return tensors


def _checksum(tensors: Mapping[str, Tensor], progress: str) -> str:
    """Return the SHA-256 of all that a checkpoint holds."""
    digest = hashlib.sha256(progress.encode())
    for key in sorted(tensors):
        tensor = tensors[key].cpu()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check_types(progress: Progress) -> None:
    """Raise TypeError unless a progress holds the numbers that it has by default."""
    for each in fields(Progress):
        value, default = getattr(progress, each.name), getattr(Progress(), each.name)
        numbers = value.values() if isinstance(value, dict) else (value,)
        if isinstance(default, dict) != isinstance(value, dict) or not all(
            isinstance(number, int | float) or (number is None and default is None)
            for number in numbers
        ):
            text = f"{each.name} is {value!r}"
            raise TypeError(text)
        if isinstance(default, int) and (not isinstance(value, int) or value < 0):
            text = f"{each.name} is {value!r}"
            raise ValueError(text)


def _under(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}/"
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _unusable(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        expected=f"a checkpoint of this run in {path.name}",
        got=reason,
        action="Remove that file to continue from the one before it, or start a new run.",
    )
