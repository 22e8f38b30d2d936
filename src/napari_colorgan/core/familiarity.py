"""Whether a picture is unlike all that a model was trained on."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from napari_colorgan.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

COARSE = 16
"""Features on cells of so many pixels and more tell what a picture is of."""
# Of familiar pictures that were set aside, so many are let pass.
_PASSED = 0.97
# Of the squared weights: there are fewer pictures than weights.
_DECAY = 0.02
# More than any encoder has features; a card that states more is hostile.
_MOST_WEIGHTS = 20_000


@dataclass(frozen=True)
class Familiarity:
    """Tells pictures like a model's training pictures from others.

    A logistic regression on the encoder's pooled features: training pictures against pictures of
    other kinds. It generalises to kinds that it never saw, since what training pictures have in
    common is most of what it learns.

    Attributes
    ----------
    weights : tuple of float
        One for each pooled feature.
    bias : float
        So that a picture is unlike the training pictures where the sum is above 0.
    """

    weights: tuple[float, ...]
    bias: float

    def strangeness(self, pooled: Tensor) -> Tensor:
        """Return how unlike the training pictures some are; above 0 they are unlike.

        Parameters
        ----------
        pooled : Tensor, shape (B, len(weights))
            What `pool_features` returned.

        Raises
        ------
        ModelError
            If there are other features than weights.
        """
        if pooled.shape[1] != len(self.weights):
            raise ModelError(
                expected=f"{pooled.shape[1]} weights of familiarity on the model's card",
                got=f"{len(self.weights)}",
                action="Get the model again from where it came from.",
            )
        return pooled.double() @ torch.tensor(self.weights, dtype=torch.float64) + self.bias

    def to_text(self) -> str:
        """Return it as a card keeps it: base64 of float32, the bias first."""
        values = np.array([self.bias, *self.weights], "<f4")
        return base64.b64encode(values.tobytes()).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Familiarity:
        """Read what `to_text` returned.

        Parameters
        ----------
        text : str
            Base64 of float32 values, little-endian.

        Returns
        -------
        Familiarity
            With the weights in single precision.

        Raises
        ------
        ModelError
            If it can't be read.
        """
        try:
            values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").tolist()
        except (binascii.Error, ValueError):
            values = []
        if not 1 < len(values) <= _MOST_WEIGHTS or not np.isfinite(values).all():
            raise ModelError(
                expected="finite weights of familiarity on the model's card, in base64",
                got="something else",
                action="Get the model again from where it came from.",
            )
        return cls(tuple(values[1:]), values[0])


def pool_features(features: Sequence[Tensor], height: int) -> Tensor:
    """Return means and standard deviations of an encoder's coarse features, float32 on the CPU.

    Parameters
    ----------
    features : sequence of Tensor, each (B, C, h, w)
        The pyramid, finest first.
    height : int
        Of the input, in pixels.
    """
    pooled = []
    for level in features:
        if height // level.shape[-2] >= COARSE:
            cells = level.float().flatten(2)
            pooled += [cells.mean(dim=2), cells.std(dim=2, correction=0)]
    return torch.cat(pooled, dim=1).cpu()


def fit_familiarity(familiar: Tensor, other: Tensor) -> Familiarity:
    """Learn to tell pooled features of training pictures from those of pictures of other kinds.

    Parameters
    ----------
    familiar : Tensor, shape (N, D)
        Of training pictures; every fifth is set aside to choose where "unlike" begins.
    other : Tensor, shape (M, D)
        Of pictures of other kinds, the more various the better.

    Returns
    -------
    Familiarity
        The weights of a logistic regression with L2 penalty.
    """
    aside = torch.arange(len(familiar)) % 5 == 0
    known = familiar[~aside].double()
    mean, spread = known.mean(dim=0), known.std(dim=0) + 1e-6
    inputs = torch.cat([(known - mean) / spread, (other.double() - mean) / spread])
    labels = torch.cat([torch.zeros(len(known)), torch.ones(len(other))]).double()
    balance = torch.where(labels > 0, len(known) / max(len(other), 1), 1.0)
    weights = torch.zeros(inputs.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(inputs @ weights + bias, labels, balance)
        loss = loss + _DECAY * weights.square().sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    scaled = weights.detach() / spread
    passed = torch.quantile(familiar[aside].double() @ scaled, _PASSED)
    return Familiarity(tuple(scaled.tolist()), -float(passed))
