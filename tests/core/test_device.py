from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.device import (
    available_devices,
    free_memory,
    memory_errors,
    resolve_device,
)
from napari_colorgan.errors import DeviceError, MemoryLimitError

CPU = torch.device("cpu")


def test_auto_is_the_fastest_device() -> None:
    assert resolve_device("auto").type == available_devices()[0]


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == CPU
    assert available_devices()[-1] == "cpu"


@pytest.mark.parametrize("name", ["gpu", "", "cuda:99", "meta", "cpu cpu"])
def test_other_devices_are_refused_with_a_choice(name: str) -> None:
    with pytest.raises(DeviceError, match="auto"):
        resolve_device(name)


def test_free_memory_is_positive() -> None:
    assert free_memory(CPU) > 0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_every_way_to_run_out_of_memory_is_one_error(error: Exception) -> None:
    with pytest.raises(MemoryLimitError, match="cpu") as caught, memory_errors(CPU):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("out of memory")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, memory_errors(CPU):
        raise error
    assert caught.value is error


def test_pytorchs_real_error_is_recognised() -> None:
    with pytest.raises(MemoryLimitError), memory_errors(CPU):
        torch.empty(2**60, dtype=torch.uint8)
