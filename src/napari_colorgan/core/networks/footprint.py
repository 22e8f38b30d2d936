"""A network's footprint: how far it looks and how much memory it takes, for planning tiles."""

from __future__ import annotations

import copy
import math
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorgan.core.networks.generator_config import GeneratorConfig
    from napari_colorgan.core.prediction import Prediction


class Network(Protocol):
    """What is needed of a generator.

    That is a :class:`napari_colorgan.core.networks.generator.Generator`, which imports this.
    """

    config: GeneratorConfig
    stride: int

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        """Return the feature pyramid.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1.
        hints : Tensor, shape (B, 3, H, W)
            a*/110, b*/110 and the weight 0…1 of each pixel's hint; zeros where there is none.
        """

    def look(self, features: list[Tensor]) -> Tensor | None:
        """Return what planes are like as a whole.

        Parameters
        ----------
        features : list of Tensor
            From `encode`.
        """

    def predict(
        self,
        lightness: Tensor,
        *,
        uncertainty: bool = ...,
        embedding: bool = ...,
        look: Tensor | None = ...,
    ) -> Prediction:
        """Predict colours.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1.
        uncertainty, embedding : bool
            Whether to compute these, too.
        look : Tensor, shape (B, look_channels), or None
            That of the whole planes.

        Returns
        -------
        Prediction
            In network units.
        """


# In pixels and in bytes per pixel more than any network; read from files, so it is limited.
_LARGEST_VALUE = 2**20


@dataclass(frozen=True)
class Footprint:
    """What tiles are planned by.

    Attributes
    ----------
    halo : int
        Pixels of context around a tile beyond which the prediction hardly changes.
    bytes_per_pixel : int
        Peak activation memory per input pixel in float32.

    Raises
    ------
    ValueError
        If a value is no positive integer, as may be in a damaged model file.
    """

    halo: int
    bytes_per_pixel: int

    def __post_init__(self) -> None:
        for value in (self.halo, self.bytes_per_pixel):
            if type(value) is not int or not 1 <= value <= _LARGEST_VALUE:
                message = f"a footprint of {value!r}"
                raise ValueError(message)


KNOWN = {"tf_efficientnet_lite0": Footprint(320, 300), "pix2pix": Footprint(320, 800)}
"""By encoder or architecture; measured on trained models, tiled against whole.

The functions below give 338 to 363 pixels for the bundled models; see docs/performance.md for how
much each halo leaves.
"""

# Of the influence on one cell, by the sum of absolute gradients: the rest comes from farther away.
_INFLUENCE = 0.995
# The first plane on which influence is measured, and the largest one.
_SMALLEST, _LARGEST = 256, 1024
# On devices, convolutions take working memory beside what they return.
_MARGIN = 1.15


def measure_footprint(generator: Network) -> Footprint:
    """Measure a generator's footprint, on the CPU, in about a second for a small network.

    Parameters
    ----------
    generator : Generator
        With the weights that count; it is left as it is.

    Returns
    -------
    Footprint
        From the table of known encoders where it has this one, else measured.
    """
    config = generator.config
    known = KNOWN.get(config.encoder if config.architecture == "unet" else config.architecture)
    if known is not None:
        return known
    # Callers may be in inference mode, which knows no gradients.
    with torch.inference_mode(False), torch.enable_grad():
        plain: Any = copy.deepcopy(generator)
        plain.cpu().float().eval().requires_grad_(False)
        return Footprint(_measure_halo(plain), _measure_bytes(plain.to("meta")))


def _measure_halo(generator: Network) -> int:
    """Return the radius of the square that holds nearly all influence on the colours of a cell.

    This is the effective receptive field; the theoretical one is several times as wide.

    References
    ----------
    W. Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional Neural
    Networks", NeurIPS 2016.
    """
    stride, side = generator.stride, _SMALLEST
    while True:
        radius = _influence_radius(generator, side)
        # A plane that is hardly wider than the field would cut it off.
        if 3 * radius < side or side >= _LARGEST:
            return math.ceil(radius / stride) * stride
        side *= 2


def _influence_radius(generator: Network, side: int) -> int:
    lightness = _textured_plane(side).requires_grad_()
    # Tiles are given the look of their plane, so that what it depends on needs no halo.
    with torch.no_grad():
        look = generator.look(generator.encode(lightness, lightness.new_zeros(1, 3, side, side)))
    prediction = generator.predict(lightness, uncertainty=False, embedding=False, look=look)
    ab = prediction.ab
    if prediction.detail is not None:
        ab = ab + F.avg_pool2d(prediction.detail, prediction.stride // prediction.fine_stride)
    centre = ab.shape[-1] // 2  # of a cell, far from the plane's borders
    influence = torch.zeros(side, side)
    for axis in range(2):
        (gradient,) = torch.autograd.grad(ab[0, axis, centre, centre], lightness, retain_graph=True)
        influence += gradient[0, 0].abs()
    # Tiles are squares, so that distance is the larger of the one in rows and in columns.
    distance = (torch.arange(side) - side // 2).abs()
    radii = torch.maximum(distance[:, None], distance[None]).flatten()
    within = torch.zeros(side).scatter_add_(0, radii, influence.flatten()).cumsum(0)
    return int((within < _INFLUENCE * within[-1]).sum()) + 1


def _textured_plane(side: int) -> Tensor:
    """Return noise of all scales, L*/50 - 1, (1, 1, side, side)."""
    rng = torch.Generator().manual_seed(0)
    # Networks react to structure: on an empty plane many units would be off.
    plane = torch.zeros(1, 1, side, side)
    for cells in (4, 16, 64, side):
        noise = torch.randn(1, 1, cells, cells, generator=rng)
        plane += F.interpolate(noise, size=(side, side), mode="bilinear")
    return (plane / 2.0).clamp(-1.0, 1.0)


def _measure_bytes(generator: Network) -> int:
    """Return the peak of what a prediction holds, per pixel.

    The network is on the "meta" device, which knows shapes alone, so that nothing is computed.
    """
    side = _SMALLEST
    with torch.inference_mode(), _PeakMemory() as memory:
        generator.predict(torch.zeros(1, 1, side, side, device="meta"))
    peak: int = memory.peak
    return math.ceil(_MARGIN * peak / side**2 / 10) * 10


class _PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors that operations return, for as long as they are alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._alive = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:  # a view
            return
        self._known.add(key)
        self._alive += storage.nbytes()
        self.peak = max(self.peak, self._alive)
        weakref.finalize(storage, self._release, key, storage.nbytes())

    def _release(self, key: int, count: int) -> None:
        self._known.discard(key)
        self._alive -= count
