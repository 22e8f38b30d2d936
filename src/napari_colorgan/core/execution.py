"""Run a generator fast: on a device, in the precision that pays, in the best memory format."""
# Over 300 lines: running a network and folding it for that are read together.

# Over 300 lines: choosing a precision, folding and predicting are read together.

from __future__ import annotations

import copy
import os
from contextlib import nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional as F

from napari_colorgan.core.color import (
    ab_from_network,
    ab_to_network,
    lightness_from_network,
    lightness_to_network,
)
from napari_colorgan.core.device import memory_errors
from napari_colorgan.core.familiarity import pool_features
from napari_colorgan.core.metrics import delta_e_2000
from napari_colorgan.core.networks.folding import fold_batch_norms, have_same_output
from napari_colorgan.errors import ModelError
from napari_colorgan.events import check_cancelled

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.core.prediction import Prediction

MAX_DELTA_E = 0.5
"""How far a lower precision may move colours on average, in ΔE00."""

# The side of the plane on which precisions are compared.
_TEST_SIDE = 128

# The last runner of each generator; it is collected with the generator.
_runners: WeakKeyDictionary[Generator, tuple[object, NetworkRunner]] = WeakKeyDictionary()


def get_runner(generator: Generator, device: torch.device, precision: str) -> NetworkRunner:
    """Return a runner of a generator: the last one, if it would be the same.

    A live preview asks for one at every change; making it and trying precisions takes longer than
    a small plane.

    Parameters
    ----------
    generator, device, precision : Generator, torch.device, str
        As for `NetworkRunner`.
    """
    tensors = chain(generator.parameters(), generator.buffers())
    # PyTorch counts a tensor's changes in place, so a generator trained further is another.
    key = (device, precision, tuple((id(tensor), tensor._version) for tensor in tensors))
    known, runner = _runners.get(generator, (None, None))
    if runner is None or known != key:
        runner = NetworkRunner(generator, device, precision)
        _runners[generator] = (key, runner)
    return runner


def _is_finite(prediction: Prediction) -> bool:
    maps = (prediction.ab, prediction.detail, prediction.uncertainty, prediction.std)
    return all(bool(torch.isfinite(each).all()) for each in maps if each is not None)


def _use_one_thread() -> None:
    """Let a forked process compute; it lacks its parent's threads and would wait for them."""
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_use_one_thread)


class NetworkRunner:
    """A copy of a generator, ready on a device; the original is left as it is.

    This is the door between CIE units, in which planes are handled, and the network's.

    Parameters
    ----------
    generator : Generator
        The network.
    device : torch.device
        Where it runs.
    precision : {"auto", "float32", "bfloat16", "float16"}
        See `PredictionSettings`.

    Attributes
    ----------
    device : torch.device
        Where it runs.
    dtype : torch.dtype or None
        The precision; None until it is chosen.
    """

    def __init__(self, generator: Generator, device: torch.device, precision: str) -> None:
        self.device = device
        self._full_bytes = generator.footprint.bytes_per_pixel
        with memory_errors(device):
            self.generator = _folded(generator).to(device).to(memory_format=torch.channels_last)
        for module in self.generator.modules():
            if not any(module.children()):
                module.register_forward_pre_hook(_stop_if_cancelled)
        self._precision = precision
        self.dtype: torch.dtype | None = None

    @property
    def prepared(self) -> bool:
        """Whether the precision is chosen."""
        return self.dtype is not None

    @property
    def bytes_per_pixel(self) -> int:
        """What the network takes per pixel of its input, in the precision chosen."""
        # The output stays in float32, and on a fine grid it is most of it.
        is_lower = self.dtype not in (None, torch.float32) and self.generator.output_stride >= 8
        return self._full_bytes * 6 // 10 if is_lower else self._full_bytes

    def prepare(self) -> None:
        """Choose the precision; calling the runner does it too."""
        with torch.inference_mode(), memory_errors(self.device):
            self.dtype = self._choose_dtype()

    def __call__(
        self,
        lightness: Tensor,
        hints: Tensor | None = None,
        *,
        temperature: float = 1.0,
        uncertainty: bool = False,
        embedding: bool = False,
        likely: int = 0,
        look: Tensor | None = None,
    ) -> Prediction:
        """Predict colours.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L* 0…100, sizes on the stride grid, on any device.
        hints : Tensor, shape (B, 3, H, W), or None
            a*, b* in CIE units and weight; a generator with `hint_propagation` isn't shown them.
        temperature, uncertainty, embedding, likely
            See `Generator.interpret`.
        look : Tensor or None
            What `look` returned for the planes that these are tiles of; by default these are
            whole planes.

        Returns
        -------
        Prediction
            In CIE units.

        Raises
        ------
        MemoryLimitError
            If the device's memory doesn't suffice.
        ModelError
            If the colours are not finite.
        """
        with torch.inference_mode(), memory_errors(self.device):
            network_input = lightness_to_network(lightness).to(self.device)
            if hints is not None:
                hints = torch.cat([ab_to_network(hints[:, :2]), hints[:, 2:]], dim=1)
                hints = hints.to(self.device)
            if self.dtype is None:
                self.prepare()
            compute = partial(
                self.predict,
                network_input,
                hints=hints,
                temperature=temperature,
                uncertainty=uncertainty,
                embedding=embedding,
                likely=likely,
                look=look,
            )
            prediction = compute(self.dtype or torch.float32)
            if self.dtype != torch.float32 and not _is_finite(prediction):
                # Half precision overflows where single precision does not.
                self.dtype = torch.float32
                prediction = compute(self.dtype)
            if not _is_finite(prediction):
                raise self._not_finite()
            return prediction.to_cie(lightness)

    def _not_finite(self) -> ModelError:
        return ModelError(
            expected=f"finite colours from {self.generator.name}",
            got="NaN or infinity",
            action="Its file is damaged or was badly trained: get it again, or use another model.",
        )

    def describe(self, lightness: Tensor) -> Tensor:
        """Return pooled features of whole planes, to compare them by.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L* 0…100, sizes on the stride grid.

        Returns
        -------
        Tensor, shape (B, C)
            The means of the encoder's two coarsest levels, each of length 1/√2.
        """
        network_input = lightness_to_network(lightness).to(self.device)
        hints = network_input.new_zeros(len(lightness), 3, *lightness.shape[-2:])
        features = self.generator.encode(network_input, hints)
        pooled = [F.normalize(level.float().mean(dim=(2, 3)), dim=1) for level in features[-2:]]
        joined: Tensor = torch.cat(pooled, dim=1) / len(pooled) ** 0.5
        return joined

    def look(self, lightness: Tensor) -> Tensor | None:
        """Return what whole planes are like, (B, look_channels); None where nothing tells.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            As for calling the runner.
        """
        with torch.inference_mode(), memory_errors(self.device):
            network_input = lightness_to_network(lightness).to(self.device)
            hints = network_input.new_zeros(len(lightness), 3, *lightness.shape[-2:])
            with self._autocast(self.dtype or torch.float32):
                return self.generator.look(self.generator.encode(network_input, hints))

    def pooled_features(self, lightness: Tensor) -> Tensor | None:
        """Return what tells of which kind pictures are; None for networks without an encoder.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            As for calling the runner.

        Returns
        -------
        Tensor, shape (B, D), or None
            See `napari_colorgan.core.familiarity.pool_features`.
        """
        if self.generator.config.architecture == "pix2pix":
            return None
        with torch.inference_mode(), memory_errors(self.device):
            network_input = lightness_to_network(lightness).to(self.device)
            hints = network_input.new_zeros(len(lightness), 3, *lightness.shape[-2:])
            features = self.generator.encode(network_input, hints)
            return pool_features(features, lightness.shape[-2])

    def _autocast(self, dtype: torch.dtype) -> AbstractContextManager[object]:
        is_lower = dtype != torch.float32
        return torch.autocast(self.device.type, dtype=dtype) if is_lower else nullcontext()

    def predict(
        self,
        lightness: Tensor,
        dtype: torch.dtype,
        hints: Tensor | None = None,
        temperature: float = 1.0,
        *,
        uncertainty: bool = False,
        embedding: bool = False,
        likely: int = 0,
        look: Tensor | None = None,
    ) -> Prediction:
        """Predict in a given precision, without leaving the network's units.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1, on the runner's device.
        dtype : torch.dtype
            The precision of the network's layers.
        hints, temperature, uncertainty, embedding, likely, look
            See `Generator.predict`.

        Returns
        -------
        Prediction
            In network units, float32.
        """
        generator = self.generator
        # With hint propagation the network predicts without hints; `finish` applies them.
        if hints is None or generator.hint_propagation is not None:
            hints = lightness.new_zeros(len(lightness), 3, *lightness.shape[-2:])
        # Only the network: the softmax over colours stays in float32.
        with self._autocast(dtype):
            features = generator.encode(lightness, hints)
            raw = generator.decode(features, lightness, hints, look)
        return generator.interpret(
            features,
            raw,
            lightness,
            temperature,
            uncertainty=uncertainty,
            embedding=embedding,
            likely=likely,
        )

    def _choose_dtype(self) -> torch.dtype:
        if self._precision != "auto":
            chosen = getattr(torch, self._precision)
            assert isinstance(chosen, torch.dtype)
            return chosen
        # GPUs have units for half precision, which add up in float32.
        if self.device.type == "cuda":
            return torch.float16
        if self.device.type == "cpu" and has_bfloat16_instructions() and self._keeps_colors():
            return torch.bfloat16
        return torch.float32

    def _keeps_colors(self) -> bool:
        """Return whether bfloat16 leaves this network's colours as they are.

        Neither the input nor a clock decides: every run on a machine gives the same bytes, and
        so do programs that share a stack. Where CPUs have the instructions, bfloat16 is faster.
        """
        lightness = _test_lightness(self.generator.stride).to(self.device)
        exact, coarse = (
            ab_from_network(self.predict(lightness, dtype).ab)
            for dtype in (torch.float32, torch.bfloat16)
        )
        gray = F.interpolate(lightness_from_network(lightness), exact.shape[-2:])
        difference = delta_e_2000(*(torch.cat([gray, ab], dim=1) for ab in (exact, coarse)))
        return float(difference.mean()) < MAX_DELTA_E


def _test_lightness(stride: int) -> Tensor:
    """Return shades and edges, shape (1, 1, n, n) in the network's units."""
    side = stride * -(-_TEST_SIDE // stride)
    rows, columns = torch.arange(side)[:, None], torch.arange(side)[None]
    waves = (rows / 9).sin() * (columns / 5).cos()
    steps = ((rows // 24 + columns // 24) % 3 - 1) / 2
    return (waves / 2 + steps).clamp(-1, 1)[None, None]


def _stop_if_cancelled(_module: nn.Module, _inputs: object) -> None:
    check_cancelled()


def has_bfloat16_instructions() -> bool:
    """Return whether the CPU multiplies bfloat16 natively."""
    # PyTorch tells only through a private name, which may be absent.
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())


def _folded(generator: Generator) -> Generator:
    """Return a copy with the same output, faster where that is possible."""
    plain = copy.deepcopy(generator).eval().requires_grad_(False)
    folded = copy.deepcopy(plain)
    # Checked, since `fold_batch_norms` only assumes in which order layers run.
    if fold_batch_norms(folded) and have_same_output(plain, folded):
        return folded.requires_grad_(False)
    return plain
