"""Which device computes, and how much memory it has to spare."""

from __future__ import annotations

import psutil
import torch

from napari_colorgan.errors import DeviceError

CHOICES = ("auto", "cuda", "mps", "cpu")


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
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def free_memory(device: torch.device) -> int:
    """Return the bytes that can still be allocated on a device.

    MPS shares the machine's memory, so it is counted as the CPU's.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _unknown(name: str) -> DeviceError:
    return DeviceError(
        expected=f"one of this machine's devices: auto, {', '.join(available_devices())}",
        got=f"'{name}'",
        action="Choose one of these; without a graphics card, 'auto' uses the CPU.",
    )
