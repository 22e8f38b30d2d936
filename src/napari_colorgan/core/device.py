"""Which device computes, how much memory it has to spare, and what it says when it runs out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from napari_colorgan.errors import DeviceError, MemoryLimitError
from napari_colorgan.memory import free_system_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

# What allocators, cuBLAS and cuDNN say in a plain RuntimeError.
_OUT_OF_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "_status_alloc_failed",
    "invalid buffer size",
)


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device of a name.

    Parameters
    ----------
    name : str
        "auto" takes CUDA, else MPS, else the CPU; or a device as PyTorch names it, such as
        "cpu", "cuda" or "cuda:1".

    Raises
    ------
    DeviceError
        If the name is none of PyTorch's or the machine has no such device.
    """
    if name == "auto":
        return torch.device(available_devices()[0])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise _unknown(name) from error
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in available_devices() or (device.index or 0) >= count:
        raise _unknown(name)
    return device


def available_devices() -> tuple[str, ...]:
    """Return the kinds of devices that this machine has, the fastest first."""
    accelerators = []
    if torch.cuda.is_available():
        accelerators.append("cuda")
    if torch.backends.mps.is_available():
        accelerators.append("mps")
    return (*accelerators, "cpu")


def free_memory(device: torch.device) -> int:
    """Return the bytes that can still be allocated on a device.

    MPS shares the machine's memory, so it is counted as the CPU's, and limits of the process and
    of its cgroups count.

    Parameters
    ----------
    device : torch.device
        Any that this machine has.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_system_memory()


@contextmanager
def memory_errors(device: torch.device) -> Iterator[None]:
    """Turn every way in which memory can run out into a MemoryLimitError.

    Parameters
    ----------
    device : torch.device
        Where the work is done.

    Yields
    ------
    None
        Control to the block that computes.

    Raises
    ------
    MemoryLimitError
        In place of PyTorch's and Python's own errors. What PyTorch holds in reserve on the
        device has been given back by then.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        # PyTorch keeps freed blocks for itself; the next try, with smaller tiles, needs them whole.
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise MemoryLimitError(
            expected=f"enough free memory on {device}",
            got=str(error).strip().splitlines()[0] if str(error).strip() else "too little",
            action="Close other programs, or lower the memory limit or the scale.",
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of PyTorch or Python says that memory has run out.

    Parameters
    ----------
    error : BaseException
        Any error.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # Only the text tells: many libraries raise a plain RuntimeError.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in text for phrase in _OUT_OF_MEMORY)


def _unknown(name: str) -> DeviceError:
    return DeviceError(
        expected=f"one of this machine's devices: auto, {', '.join(available_devices())}",
        got=f"'{name}'",
        action="Choose one of these; without a graphics card, 'auto' uses the CPU.",
    )
