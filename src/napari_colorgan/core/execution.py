"""Run a generator fast: on a device, in the precision that pays, in the best memory format."""

from __future__ import annotations

import copy
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from napari_colorgan.core.color import AB_SCALE
from napari_colorgan.core.device import memory_errors
from napari_colorgan.core.folding import answers_alike, fold_batch_norms
from napari_colorgan.core.generator import pool_hints
from napari_colorgan.core.metrics import delta_e_2000

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.generator import Generator

MAX_DELTA_E = 0.5
"""How far a lower precision may move colours on average, in ΔE00."""

# Below this gain in speed a lower precision isn't worth any difference.
_MIN_GAIN = 1.1
# The side of the piece of a plane that decides about precision.
_TRIAL_SIZE = 256


# The runner made last for each generator; it goes with it.
_runners: WeakKeyDictionary[Generator, tuple[object, NetworkRunner]] = WeakKeyDictionary()


def get_runner(generator: Generator, device: torch.device, precision: str) -> NetworkRunner:
    """Return a runner of a generator: the last one, if it would be the same.

    A live preview asks for one at every change; making it and trying precisions takes longer
    than a small plane. The parameters are those of `NetworkRunner`.
    """
    tensors = chain(generator.parameters(), generator.buffers())
    # PyTorch counts a tensor's changes in place, so a generator trained further is another.
    key = (device, precision, tuple((id(each), each._version) for each in tensors))
    known, runner = _runners.get(generator, (None, None))
    if runner is None or known != key:
        runner = NetworkRunner(generator, device, precision)
        _runners[generator] = (key, runner)
    return runner


@dataclass(frozen=True, eq=False)
class NetworkAnswer:
    """What a network says of a batch, on its grid of cells.

    Attributes
    ----------
    ab : Tensor, shape (B, 2, h, w)
        a* and b* in CIE units.
    uncertainty : Tensor, shape (B, 1, h, w), or None
        0…1, if wanted and known.
    embedding_map : Tensor, shape (B, 1 + D, h, w), or None
        What hints are spread by, if wanted: the expected deviation and the cells' embeddings.
    detail : Tensor, shape (B, 2, H / 2, W / 2), or None
        What is to be added to `ab` on a finer grid, in CIE units, if the network tells it.
    """

    ab: Tensor
    uncertainty: Tensor | None
    embedding_map: Tensor | None = None
    detail: Tensor | None = None


class NetworkRunner:
    """A copy of a generator, ready on a device; the original is left as it is.

    Parameters
    ----------
    generator : Generator
        The network.
    device : torch.device
        Where it runs.
    precision : {"auto", "float32", "bfloat16", "float16"}
        See `PredictionSettings`.
    """

    def __init__(self, generator: Generator, device: torch.device, precision: str) -> None:
        self.device = device
        with memory_errors(device):
            self.generator = _folded(generator).to(device).to(memory_format=torch.channels_last)
        self._precision = precision
        self._dtype: torch.dtype | None = None

    @property
    def prepared(self) -> bool:
        """Whether the precision is chosen."""
        return self._dtype is not None

    @property
    def bytes_per_pixel(self) -> int:
        """What the network takes per pixel that it sees, in the precision chosen."""
        stated = self.generator.bytes_per_pixel
        # Answers stay in float32, and on a fine grid they are most of it.
        halved = self._dtype not in (None, torch.float32) and self.generator.output_stride >= 8
        return stated * 6 // 10 if halved else stated

    def prepare(self, lightness: Tensor) -> None:
        """Choose the precision on a piece of the input; calling the runner does it too.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            As for calling it; the first 256 × 256 pixels count.
        """
        with torch.inference_mode(), memory_errors(self.device):
            piece = lightness[:1, :, :_TRIAL_SIZE, :_TRIAL_SIZE]
            self._dtype = self._decide((piece / 50 - 1).to(self.device))

    def __call__(
        self,
        lightness: Tensor,
        hints: Tensor | None = None,
        *,
        temperature: float = 1.0,
        uncertainty: bool = False,
        embedding_map: bool = False,
    ) -> NetworkAnswer:
        """Predict colours.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L* 0…100, sizes on the stride grid, on any device.
        hints : Tensor, shape (B, 3, H, W), or None
            a*/110, b*/110 and weight.
        temperature : float
            See `Generator.colors`.
        uncertainty, embedding_map : bool
            Whether they are wanted; the second only of a generator with a spreader.

        Returns
        -------
        NetworkAnswer

        Raises
        ------
        MemoryLimitError
            If the device's memory doesn't suffice.
        """
        with torch.inference_mode(), memory_errors(self.device):
            fed = (lightness / 50 - 1).to(self.device)
            if hints is None:
                hints = fed.new_zeros(len(fed), 3, *fed.shape[-2:])
            hints = hints.to(self.device)
            dtype = self._dtype
            if dtype is None:
                self.prepare(lightness)
                dtype = self._dtype or torch.float32
            return self._predict(
                fed, hints, temperature, dtype, uncertainty=uncertainty, embedding_map=embedding_map
            )

    def _predict(
        self,
        fed: Tensor,
        hints: Tensor,
        temperature: float,
        dtype: torch.dtype,
        *,
        uncertainty: bool = False,
        embedding_map: bool = False,
    ) -> NetworkAnswer:
        generator, stride = self.generator, self.generator.output_stride
        lower = dtype != torch.float32
        # Only the network: the softmax over colours stays in float32.
        with torch.autocast(self.device.type, dtype=dtype) if lower else nullcontext():
            if embedding_map or generator.detail is not None:
                features = generator.encode(fed, hints)
                raw = generator.decode(features, fed, hints).float()
            else:
                raw = generator(fed, hints).float()
        unsure = generator.head.uncertainty(raw) if uncertainty else None
        if unsure is not None:
            unsure *= 1 - pool_hints(hints, stride)[1]
        alike = None
        if embedding_map and generator.spreader is not None:
            embedding = generator.spreader.embed(features, fed, stride)
            alike = torch.cat([generator.head.deviation(raw), embedding], dim=1)
        detail = None
        if generator.detail is not None:
            detail = generator.detail(features, fed) * AB_SCALE
        colors = generator.colors(raw, hints, temperature) * AB_SCALE
        return NetworkAnswer(colors, unsure, alike, detail)

    def _decide(self, fed: Tensor) -> torch.dtype:
        if self._precision != "auto":
            chosen = getattr(torch, self._precision)
            assert isinstance(chosen, torch.dtype)
            return chosen
        if self.device.type == "cuda":
            return torch.float16
        if self.device.type == "cpu" and has_bfloat16_instructions():
            return self._measure(fed)
        return torch.float32

    def _measure(self, fed: Tensor) -> torch.dtype:
        """Return bfloat16 if it is faster on a piece of the input and keeps the colours."""
        hints = fed.new_zeros(len(fed), 3, *fed.shape[-2:])
        seconds, colors = {}, {}
        for dtype in (torch.float32, torch.bfloat16):
            laps = []
            for _ in range(3):
                start = time.perf_counter()
                colors[dtype] = self._predict(fed, hints, 1.0, dtype).ab
                laps.append(time.perf_counter() - start)
            seconds[dtype] = min(laps)
        if seconds[torch.float32] < _MIN_GAIN * seconds[torch.bfloat16]:
            return torch.float32
        gray = torch.nn.functional.interpolate((fed + 1) * 50, colors[torch.float32].shape[-2:])
        exact, coarse = (torch.cat([gray, colors[dtype]], dim=1) for dtype in seconds)
        near = float(delta_e_2000(exact, coarse).mean()) < MAX_DELTA_E
        return torch.bfloat16 if near else torch.float32


def _folded(generator: Generator) -> Generator:
    """Return a copy that gives the same answers, faster where that is possible."""
    plain = copy.deepcopy(generator).eval().requires_grad_(False)
    folded = copy.deepcopy(plain)
    if fold_batch_norms(folded) and answers_alike(plain, folded):
        return folded.requires_grad_(False)
    return plain


def has_bfloat16_instructions() -> bool:
    """Return whether the CPU multiplies bfloat16 natively."""
    # PyTorch tells only through a private name, which may be absent.
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())
