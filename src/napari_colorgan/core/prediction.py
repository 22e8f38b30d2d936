"""What a network predicts for planes, and how the prediction becomes colours.

Training, validation, evaluation and inference share `Prediction` and `finish`. On every grid of
colours (the network's cells, the cells of the detail refinement, pixels), the colours are replaced
by the hints' in proportion to the hints' weight there; see `keep_hints`.
"""
# Over 300 lines: a prediction and the one way in which it becomes colours are read together.

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional as F

from napari_colorgan.core.color import ab_from_network
from napari_colorgan.core.resampling import enlarge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_colorgan.core.networks.hint_propagation import HintPropagation
    from napari_colorgan.core.transfer import CarriedColors


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a generator predicts for a batch of planes, before hints are applied.

    Shapes are given for planes of H × W pixels, on two grids: the network's, h = H / `stride`,
    and a finer one, h' = H / `fine_stride`; w and w' alike. The two are the same without detail.
    Units are the network's: a*/110 and b*/110, L*/50 - 1. All tensors are float32.

    Attributes
    ----------
    ab : Tensor, shape (B, 2, h, w)
        The colours, without detail.
    stride : int
        Pixels per cell of the network's grid along a side.
    lightness : Tensor, shape (B, 1, h', w')
        The mean lightness of each cell.
    detail : Tensor, shape (B, 2, h', w'), or None
        What is added to `ab` on the finer grid; None without a detail refinement.
    uncertainty : Tensor, shape (B, 1, h, w), or None
        0 (one colour is certain) … 1 (all colours are equally likely); None if the head doesn't
        know it or it wasn't requested.
    std : Tensor, shape (B, 1, h, w), or None
        The expected error of `ab`, in units of 110; None unless hints can be propagated.
    embedding : Tensor, shape (B, D, h, w), or None
        Describes each cell, so that cells which share a colour have similar vectors; with `std`.
    likely : Tensor, shape (B, 3 K, h, w), or None
        K likely colours of each cell, each as a*, b* and its share 0…1, likeliest first; None
        unless requested.
    """

    ab: Tensor
    stride: int
    lightness: Tensor
    detail: Tensor | None = None
    uncertainty: Tensor | None = None
    std: Tensor | None = None
    embedding: Tensor | None = None
    likely: Tensor | None = None

    @property
    def fine_stride(self) -> int:
        """Pixels per cell of the finer grid along a side."""
        return self.stride * self.ab.shape[-1] // self.lightness.shape[-1]

    def to(self, device: torch.device) -> Prediction:
        """Return the same prediction on a device.

        Parameters
        ----------
        device : torch.device
            Where its tensors shall be.
        """
        return self._changed(lambda tensor: tensor.to(device))

    def single(self, number: int) -> Prediction:
        """Return the prediction of one plane of the batch, as a batch of its own.

        Parameters
        ----------
        number : int
            Which plane, from 0 on.
        """
        return self._changed(lambda tensor: tensor[number : number + 1])

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Prediction:
        tensors: dict[str, Any] = {
            field.name: change(value)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), torch.Tensor)
        }
        return replace(self, **tensors)

    def to_cie(self, lightness: Tensor) -> Prediction:
        """Return the same prediction in CIE units; `std` stays as it is.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L* 0…100 of the planes. It is pooled again, since the way to the network's units and
            back costs the last digits.
        """
        return replace(
            self,
            ab=ab_from_network(self.ab),
            detail=None if self.detail is None else ab_from_network(self.detail),
            likely=None if self.likely is None else _likely_to_cie(self.likely),
            lightness=F.avg_pool2d(lightness, self.fine_stride),
        )


class PredictionMap:
    """A prediction of whole planes, gathered tile by tile on the CPU.

    Parameters
    ----------
    shape : (int, int)
        The planes' height and width in pixels, multiples of the network's stride.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._whole: Prediction | None = None

    @property
    def prediction(self) -> Prediction:
        """What has been put in, as one prediction; zeros where nothing was."""
        assert self._whole is not None
        return self._whole

    def put(
        self, prediction: Prediction, crop: tuple[slice, slice], write: tuple[slice, slice]
    ) -> None:
        """Take over the inner part of a tile.

        Parameters
        ----------
        prediction : Prediction
            Of what the tile reads, on any device.
        crop : (slice, slice)
            Rows and columns of the tile to take, in pixels, on the stride grid.
        write : (slice, slice)
            Where they lie in the planes.
        """
        tensors = {
            field.name: value
            for field in fields(prediction)
            if isinstance(value := getattr(prediction, field.name), torch.Tensor)
        }
        cell = dict.fromkeys(tensors, prediction.stride)
        cell["lightness"] = cell["detail"] = prediction.fine_stride
        # The first tile says which tensors there are, and how many channels they have.
        if self._whole is None:
            height, width = self._shape
            empty: dict[str, Any] = {
                name: torch.zeros(*t.shape[:2], height // cell[name], width // cell[name])
                for name, t in tensors.items()
            }
            self._whole = replace(prediction, **empty)
        for name, tensor in tensors.items():
            inner, outer = _on_grid(crop, cell[name]), _on_grid(write, cell[name])
            getattr(self._whole, name)[:, :, *outer] = tensor.cpu()[:, :, *inner]


class Colors(NamedTuple):
    """Colours of planes, hints included, in the units of the prediction and hints given.

    Attributes
    ----------
    ab : Tensor, shape (B, 2, H / stride, W / stride)
        a* and b*.
    uncertainty : Tensor, shape (B, 1, h, w), or None
        0…1 on the network's grid, lowered where hints and references determine the colour.
    stride : int
        Pixels per cell of `ab` along a side.
    """

    ab: Tensor
    uncertainty: Tensor | None
    stride: int


def finish(
    prediction: Prediction,
    hints: Tensor | None = None,
    propagation: HintPropagation | None = None,
    *,
    strength: float = 1.0,
    carried: Sequence[CarriedColors] = (),
    side: Tensor | None = None,
    keep: bool = True,
) -> Colors:
    """Turn a prediction into colours: strength, hints, detail, in this order.

    Parameters
    ----------
    prediction : Prediction
        In the network's units, or in CIE units.
    hints : Tensor, shape (B, 3, H, W), or None
        a*, b* in the prediction's units, and the weight 0…1 of each pixel's hint.
    propagation : HintPropagation or None
        Carries hints to similar cells; without it a hint acts where it lies. It needs the
        prediction's `std` and `embedding`.
    strength : float
        What the predicted a*b* are multiplied by; hints keep their colours.
    carried : sequence of CarriedColors
        Colours from other planes and pictures, for a batch of one; later ones lie on top.
    side : Tensor, shape (h * w, K), or None
        On which side of the barriers the cells lie, see `Cells`.
    keep : bool
        Whether hints replace the colours of the cells in which they lie; without it they only
        are observations, and who renders makes them exact.

    Returns
    -------
    Colors
        On the finest grid there is.
    """
    ab, detail, uncertainty = prediction.ab, prediction.detail, prediction.uncertainty
    if strength != 1.0:
        ab, detail = ab * strength, None if detail is None else detail * strength
    for colors in carried:
        mean = _mean_detail(detail, prediction)
        ab = colors.applied(ab + mean) - mean
        uncertainty = None if uncertainty is None else uncertainty * (1 - colors.known)
    if hints is not None:
        if propagation is None:
            residual_std = 1.0 - pool_hints(hints.float(), prediction.stride)[1]
            ab = keep_hints(ab, hints, prediction.stride)
        else:
            corrected = replace(prediction, ab=ab, detail=detail)
            ab, residual_std = _propagate(corrected, hints, propagation, side, keep)
        uncertainty = None if uncertainty is None else uncertainty * residual_std
    if detail is None:
        return Colors(ab, uncertainty, prediction.stride)
    ab = enlarge(ab, detail.shape[-2:]) + detail
    # Enlarging has blurred the hints, and detail has been added to them.
    if hints is not None and keep:
        ab = keep_hints(ab, hints, prediction.fine_stride)
    return Colors(ab, uncertainty, prediction.fine_stride)


def _propagate(
    prediction: Prediction,
    hints: Tensor,
    propagation: HintPropagation,
    side: Tensor | None,
    keep: bool,
) -> tuple[Tensor, Tensor]:
    """Return corrected colours without detail, and the share of the std that remains."""
    ab, detail, stride = prediction.ab, prediction.detail, prediction.stride
    assert prediction.std is not None
    assert prediction.embedding is not None
    mean_detail = _mean_detail(detail, prediction)
    # A hint is compared with the final colour of its cell, detail included.
    planes = zip(
        ab + mean_detail,
        prediction.std,
        prediction.embedding,
        *pool_hints(hints.float(), stride),
        strict=True,
    )
    corrected, residual_std = zip(
        *(propagation(*plane, stride, side=side, keep=keep) for plane in planes),
        strict=True,
    )
    return torch.stack(corrected) - mean_detail, torch.stack(residual_std)


def _mean_detail(detail: Tensor | None, prediction: Prediction) -> Tensor:
    """Return the mean of the detail in each cell of the network's grid."""
    if detail is None:
        return torch.zeros_like(prediction.ab)
    return F.avg_pool2d(detail, prediction.stride // prediction.fine_stride)


def pool_hints(hints: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Bring a hint map to a coarser grid.

    Parameters
    ----------
    hints : Tensor, shape (B, 3, H, W)
        a*, b* in any unit, and weight.
    stride : int
        Pixels per cell along a side.

    Returns
    -------
    ab : Tensor, shape (B, 2, H / stride, W / stride)
        The weighted mean of each cell's hints, 0 where there is none.
    weight : Tensor, shape (B, 1, H / stride, W / stride)
        The mean weight, doubled and capped at 1, so that a mark which covers half of a cell
        decides it.
    """
    weighted = F.avg_pool2d(hints[:, :2] * hints[:, 2:], stride)
    weight = F.avg_pool2d(hints[:, 2:], stride)
    return weighted / weight.clamp_min(1e-6), (2.0 * weight).clamp_max(1.0)


def keep_hints(ab: Tensor, hints: Tensor, stride: int = 1) -> Tensor:
    """Replace colours by those of the hints that lie there.

    Parameters
    ----------
    ab : Tensor, shape (B, 2, H / stride, W / stride)
        Colours, in the units of the hints.
    hints : Tensor, shape (B, 3, H, W)
        a*, b* and weight.
    stride : int
        Pixels per cell of `ab` along a side; at 1 a pixel's weight counts as it is.

    Returns
    -------
    Tensor
        Of the shape of `ab`.
    """
    exact = hints.float()
    hint_ab, weight = (exact[:, :2], exact[:, 2:]) if stride == 1 else pool_hints(exact, stride)
    return torch.lerp(ab, hint_ab, weight)


def _likely_to_cie(likely: Tensor) -> Tensor:
    batch, channels, *size = likely.shape
    colors = likely.reshape(batch, channels // 3, 3, *size).clone()
    colors[:, :, :2] = ab_from_network(colors[:, :, :2])
    return colors.reshape(likely.shape)


def _on_grid(window: tuple[slice, slice], stride: int) -> tuple[slice, slice]:
    rows, columns = (slice(s.start // stride, s.stop // stride) for s in window)
    return rows, columns
