"""Estimates of a fine-tuning's steps, time and memory before it starts; free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.events import StepDone
from napari_colorgan.memory import free_system_memory
from napari_colorgan.services.dataset.counting import held_out_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_colorgan.events import Event
    from napari_colorgan.library.folders import ModelEntry
    from napari_colorgan.services.dataset.counting import PlaneCounts
    from napari_colorgan.services.tuning.recipe import RecipeValues

# Measured as the largest resident size of whole fine-tunings on the CPU (torch 2.14, float32,
# planes of 512 px). The bundled models' architecture took 1224, 1514 and 1993 MiB at patches of
# 128, 192 and 256 px in batches of 8, and 2047 MiB at 192 px in batches of 16. That is linear in
# the pixels of a batch: 2000 bytes each, beside 0.85 GiB for Python, torch and the libraries, and
# seven copies of the weights (the weights, their gradients, two moments, the average, the best
# and the base). The paper's U-Net at full resolution took 1843 MiB at 128 px, pix2pix 2271 MiB,
# which makes 4700 and 2300 bytes. An adversarial phase adds less than 2 %.
_PROCESS_BYTES = 0.85 * 2**30
_COPIES = 7
_BYTES_PER_PIXEL = {"unet/8": 2000, "unet/1": 4700, "pix2pix/1": 2300}
_MOST_BYTES_PER_PIXEL = 4700
# Files hold 2 bytes a weight, memory 4.
_BYTES_PER_FILE_BYTE = 2
_GIB = 2**30


@dataclass(frozen=True)
class RunEstimate:
    """A run's memory, steps and time.

    Attributes
    ----------
    memory : int
        Bytes at the peak; on a GPU about as many of the GPU's memory.
    free : int
        Bytes of the machine's memory that are free now.
    steps : int or None
        The steps of a budget in epochs; None for one in minutes.
    minutes : float or None
        The run's time; None if it can't be known before the run has started.
    """

    memory: int
    free: int
    steps: int | None
    minutes: float | None


def estimate_run(
    base: ModelEntry,
    values: RecipeValues,
    counts: PlaneCounts,
    *,
    size: int,
    hold_out: float,
    minutes: float | None,
    epochs: float | None,
    rate: float | None,
) -> RunEstimate:
    """Estimate a run's memory, steps and time.

    Parameters
    ----------
    base : ModelEntry
        The model that is trained.
    values : RecipeValues
        The recipe's batches.
    counts : PlaneCounts
        The planes.
    size : int
        The patches' side in pixels.
    hold_out : float
        The share of planes that is not trained on.
    minutes, epochs : float or None
        The budget, in one of them.
    rate : float or None
        Patches a second in an earlier run like it.

    Returns
    -------
    RunEstimate
        Steps, time and memory.
    """
    steps = None
    if epochs is not None:
        training = max(1, counts.planes - held_out_count(counts.planes, hold_out))
        steps = max(1, math.ceil(epochs * training / values.batch_size))
        minutes = None if rate is None else steps * values.batch_size / rate / 60.0
    pixels = size * size * values.batch_size
    decoded = min(3 * counts.pixels, int(values.data.memory_gib * _GIB))  # RGB of 8 bits
    weights = _COPIES * _BYTES_PER_FILE_BYTE * base.size
    memory = _PROCESS_BYTES + weights + pixels * bytes_per_pixel(base.card.architecture) + decoded
    return RunEstimate(int(memory), free_system_memory(), steps, minutes)


def bytes_per_pixel(architecture: Mapping[str, object]) -> int:
    """Return the bytes that training takes per pixel of a batch, the most if it is unknown.

    Parameters
    ----------
    architecture : Mapping[str, object]
        As a card states it.
    """
    kind = f"{architecture.get('architecture')}/{architecture.get('output_stride')}"
    return _BYTES_PER_PIXEL.get(kind, _MOST_BYTES_PER_PIXEL)


def rate_of(events: Iterable[Event]) -> float | None:
    """Return a run's last speed in patches a second, or None if it has none.

    Parameters
    ----------
    events : iterable of Event
        Of a run, in their order.
    """
    rates = [event.images_per_second for event in events if isinstance(event, StepDone)]
    return rates[-1] if rates and rates[-1] > 0 else None
