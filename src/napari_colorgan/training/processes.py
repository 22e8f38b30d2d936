"""The processes that train one model together, as `accelerate launch` starts them."""

# Over 300 lines: the processes and the statistics that they share use the same messages.

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import distributed, nn

from napari_colorgan.errors import ColorganError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from torch import Tensor

    from napari_colorgan.training.config import TrainingConfig

T = TypeVar("T")
TIMEOUT = timedelta(hours=3)
"""How long one process waits for another; the main one may be caching features meanwhile."""


@dataclass(frozen=True)
class Processes:
    """The group of processes that train together; by default this process alone.

    Every process takes its share of each batch, and gradients are averaged, so that all of them
    hold the same weights at any moment. The main process alone writes the run directory.

    Attributes
    ----------
    rank : int
        This process's number; 0 is the main one.
    world_size : int
        How many there are.
    local_world_size : int
        How many of them share this machine's memory.
    device : torch.device or None
        Where this one computes; None leaves the choice open.
    """

    rank: int = 0
    world_size: int = 1
    local_world_size: int = 1
    device: torch.device | None = None

    @classmethod
    def init(cls, device: str) -> Processes:
        """Join the process group that the launcher's environment describes, if any.

        Parameters
        ----------
        device : str
            As for `resolve_device`; with "cpu" they communicate through CPUs, otherwise through
            CUDA where there is any.

        Returns
        -------
        Processes
            One process alone where there is no launcher.

        Raises
        ------
        ConfigError
            If there are several processes and accelerate isn't installed.
        """
        if world_size() == 1:
            return cls()
        try:
            from accelerate import PartialState
        except ImportError as error:
            raise ConfigError(
                expected="accelerate, for training with several processes",
                got="no such package here",
                action='Install it with pip install "napari-colorgan[scale]".',
            ) from error
        on_cpu = device == "cpu" or not torch.cuda.is_available()
        state = PartialState(cpu=on_cpu, timeout=TIMEOUT)
        if threading.current_thread() is threading.main_thread():
            install_stop_handlers(is_main=state.process_index == 0)
        local = int(os.environ.get("LOCAL_WORLD_SIZE", state.num_processes))
        return cls(state.process_index, state.num_processes, local, state.device)

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes the run directory and reports to the user."""
        return self.rank == 0

    def check(self, config: TrainingConfig) -> None:
        """Raise ConfigError unless every batch can be shared evenly.

        Parameters
        ----------
        config : TrainingConfig
            Its batch sizes.

        Raises
        ------
        ConfigError
            If a phase's batch can't be shared.
        """
        for phase in config.phases:
            parts = self.world_size * phase.accumulate
            if phase.batch_size % parts:
                raise ConfigError(
                    expected=f"phases.{phase.kind}.batch_size to be a multiple of {parts} "
                    "(processes times accumulate)",
                    got=repr(phase.batch_size),
                    action="Change that setting, or the number of processes.",
                )

    def shard(self, positions: range) -> range:
        """Return this process's shard of a batch's positions.

        Parameters
        ----------
        positions : range
            Of the whole batch; a multiple of the processes.
        """
        size = len(positions) // self.world_size
        return positions[self.rank * size : (self.rank + 1) * size]

    def mean(self, tensor: Tensor) -> Tensor:
        """Return a tensor's mean over the processes.

        Parameters
        ----------
        tensor : Tensor
            Of one shape in every process.
        """
        if self.world_size == 1:
            return tensor
        total = tensor.detach().clone()
        distributed.all_reduce(total)
        return total / self.world_size

    def mean_values(self, values: dict[str, float]) -> dict[str, float]:
        """Return named numbers' means over the processes.

        Parameters
        ----------
        values : dict[str, float]
            With the same names in every process.
        """
        if self.world_size == 1:
            return values
        numbers = torch.tensor(list(values.values()), dtype=torch.float32, device=self.device)
        return dict(zip(values, self.mean(numbers).tolist(), strict=True))

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their means over the processes, in one message.

        Parameters
        ----------
        parameters : iterable of nn.Parameter
            The same in every process; those without a gradient are left out.
        """
        if self.world_size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        averaged = self.mean(torch.cat([g.flatten() for g in gradients]))
        sizes = [g.numel() for g in gradients]
        for gradient, values in zip(gradients, torch.split(averaged, sizes), strict=True):
            gradient.copy_(values.view_as(gradient))

    @torch.no_grad()
    def broadcast_parameters(self, modules: Iterable[nn.Module]) -> None:
        """Send the main process's weights and statistics to every process.

        Parameters
        ----------
        modules : iterable of nn.Module
            Of the same architecture in every process; changed in place.
        """
        if self.world_size > 1:
            for module in modules:
                for tensor in module.state_dict().values():
                    # In plain order: channels_last is not what every backend sends.
                    sent = tensor.contiguous()
                    distributed.broadcast(sent, src=0)
                    tensor.copy_(sent)

    def broadcast(self, make: Callable[[], T]) -> T:
        """Return the main process's value in every process; if it fails there, the others end.

        Parameters
        ----------
        make : callable
            Called in the main process alone; its value must be picklable.
        """
        if self.world_size == 1:
            return make()
        message: list[Any] = [None, False]  # the value, and whether the main process failed
        failure: ColorganError | None = None
        if self.is_main_process:
            try:
                message = [make(), False]
            except ColorganError as error:
                failure = error
                message = [None, True]
        distributed.broadcast_object_list(message, src=0, device=self.device)
        if failure is not None:
            raise failure
        value, has_failed = message
        if has_failed:
            # Without a text: the main process reports the error.
            raise SystemExit(1)
        result: T = value
        return result

    def barrier(self) -> None:
        """Wait until all processes have reached this call."""
        self.broadcast(lambda: None)

    def destroy(self) -> None:
        """Leave the process group."""
        if self.world_size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()


def install_stop_handlers(*, is_main: bool) -> None:
    """Make the main process alone handle Ctrl-C and SIGTERM, and only the first of them.

    Ctrl-C reaches every process, and the launcher passes it, or a scheduler's SIGTERM, on to
    every process again. The main process writes a checkpoint and ends; the others wait for it.

    Parameters
    ----------
    is_main : bool
        Whether this is the main process.
    """
    stop = signal.getsignal(signal.SIGINT) if is_main else None
    is_stopping = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal is_stopping
        if callable(stop) and not is_stopping:
            is_stopping = True
            stop(signal.SIGINT, frame)

    for request in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request, handle)


def is_main_process() -> bool:
    """Return whether this process is the one that reports to the user."""
    return int(os.environ.get("RANK", "0")) == 0


def world_size() -> int:
    """Return how many processes the launcher says there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def share_statistics(module: nn.Module, device: torch.device) -> None:
    """Make the BatchNorms within a module share their statistics over all processes.

    On CUDA these are PyTorch's own (SyncBatchNorm), which know no other device; elsewhere
    `SharedBatchNorm`. Parameters and their names stay the same.

    Parameters
    ----------
    module : nn.Module
        Changed in place; not itself a BatchNorm.
    device : torch.device
        Where it runs.
    """
    if device.type == "cuda":
        # timm's conversion knows its own BatchNorms, which end in an activation, too.
        from timm.layers import convert_sync_batchnorm

        convert_sync_batchnorm(module)
        return
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, SharedBatchNorm(child))
        else:
            share_statistics(child, device)


class SharedBatchNorm(nn.BatchNorm2d):
    """A BatchNorm whose training statistics are those of all processes' batches together.

    Parameters
    ----------
    norm : nn.BatchNorm1d or nn.BatchNorm2d
        Whose parameters and statistics it takes over; one of timm's, which drops out and
        activates too, has that done after it.
    """

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine)
        self.weight, self.bias = norm.weight, norm.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(self, name, getattr(norm, name))
        self.train(norm.training)
        then = [getattr(norm, name, None) for name in ("drop", "act")]
        self.then = nn.Sequential(*(m for m in then if isinstance(m, nn.Module)))

    def forward(self, input: Tensor) -> Tensor:
        """Normalise a batch by the statistics of all processes' batches, which are equally large.

        Parameters
        ----------
        input : Tensor, shape (B, C, …)
            This process's share of the batch.

        Returns
        -------
        Tensor, of the same shape
            Followed by the activation that timm puts behind the normalisation.
        """
        if not self.training:
            normalised: Tensor = self.then(super().forward(input))
            return normalised
        # Sums of half-precision values over a batch lose digits.
        values = input.float()
        count = values[:, 0].numel() * distributed.get_world_size()
        others = [axis for axis in range(values.ndim) if axis != 1]
        each = (-1, *(1 for _ in values.shape[2:]))  # to be laid over (B, C, …)
        # (C,), over the batches of all processes.
        mean = _sum_over_processes(values.sum(dim=others)) / count
        centred = values - mean.view(each)
        variance = _sum_over_processes(centred.square().sum(dim=others)) / count
        # PyTorch keeps the unbiased variance, too, and normalises by the biased one.
        self._update_running(mean.detach(), variance.detach() * count / max(count - 1, 1))
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = self.weight * scale
        scaled = centred * scale.view(each)
        if self.affine:
            scaled = scaled + self.bias.view(each)
        shared: Tensor = self.then(scaled.to(input.dtype))
        return shared

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # any, with the channels second

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


class _Sum(torch.autograd.Function):
    """A sum over processes, and of gradients, too: each process's loss depends on all inputs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _sum_over_processes(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)
    return total
