"""The interface of all generators: from lightness and a hint map to a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn import functional as F

from napari_colorgan.core.networks.detail import STRIDE as DETAIL_STRIDE
from napari_colorgan.core.networks.footprint import measure_footprint
from napari_colorgan.core.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from torch import Tensor

    from napari_colorgan.core.networks.detail import DetailRefinement
    from napari_colorgan.core.networks.footprint import Footprint
    from napari_colorgan.core.networks.generator_config import GeneratorConfig
    from napari_colorgan.core.networks.heads import Head
    from napari_colorgan.core.networks.hint_propagation import HintPropagation

# Attributes that have another name in model files and checkpoints. A name that ends in a dot is
# the beginning of several keys; the first entry that matches counts.
_STORED_NAMES = {
    "hint_propagation.log_lightness_weight": "spreader.lightness",
    "hint_propagation.log_range": "spreader.reach",
    "hint_propagation.log_near_range": "spreader.near_reach",
    "hint_propagation.log_near_share": "spreader.near",
    "hint_propagation.log_common_share": "spreader.common",
    "hint_propagation.log_noise": "spreader.noise",
    "hint_propagation.std_exponent": "spreader.exponent",
    "hint_propagation.": "spreader.",
    "context.blocks.": "context.spread.",
}


class Generator(nn.Module):
    """The interface of every generator.

    `predict` is all that users of a trained generator need. Training calls its parts one by one,
    so that it can keep the encoder's features: `encode`, `decode`, `interpret`. The keys of the
    state dict are public and stay as they are in the first model files, whatever the attributes
    are called.

    Attributes
    ----------
    config : GeneratorConfig
        What it was built from.
    stride : int
        Heights and widths of inputs are multiples of this.
    output_stride : int
        Input pixels per cell of the network's output along a side.
    head : Head
        Turns the last features into colours.
    hint_propagation : HintPropagation or None
        Carries hints to similar cells; the network itself is then shown no hints.
    detail : DetailRefinement or None
        Refines the colours on a finer grid.
    """

    head: Head
    hint_propagation: HintPropagation | None
    detail: DetailRefinement | None

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.name = "the model"
        self.stride = config.stride
        self.output_stride = config.output_stride
        self._footprint: Footprint | None = None
        self.hint_propagation = None
        self.detail = None
        self.register_state_dict_post_hook(_to_stored_keys)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_from_stored_keys)  # type: ignore[no-untyped-call]

    @property
    def footprint(self) -> Footprint:
        """What tiles are planned by: as its model file states, else known or measured once."""
        if self._footprint is None:
            self._footprint = measure_footprint(self)
        return self._footprint

    @footprint.setter
    def footprint(self, footprint: Footprint) -> None:
        self._footprint = footprint

    @property
    def fine_stride(self) -> int:
        """Input pixels per cell of the finished colours along a side."""
        return self.output_stride if self.detail is None else DETAIL_STRIDE

    def encode(self, lightness: Tensor, hints: Tensor) -> list[Tensor]:
        """Return the feature pyramid, finest first.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1.
        hints : Tensor, shape (B, 3, H, W)
            a*/110, b*/110 and the weight 0…1 of each pixel's hint; zeros where there is none.
        """
        raise NotImplementedError

    def look(self, features: list[Tensor]) -> Tensor | None:
        """Return what planes are like as a whole, (B, look_channels); None where nothing tells.

        Parameters
        ----------
        features : list of Tensor
            From `encode`.
        """
        return None

    def decode(
        self,
        features: list[Tensor],
        lightness: Tensor,
        hints: Tensor,
        look: Tensor | None = None,
    ) -> Tensor:
        """Return the head's raw output.

        Parameters
        ----------
        features : list of Tensor
            What `encode` made of the same input.
        lightness, hints : Tensor
            As for `encode`.
        look : Tensor, shape (B, look_channels), or None
            That of the whole planes, where these are tiles of them; by default it is taken from
            `features`. A generator without looks ignores it.
        """
        raise NotImplementedError

    def forward(self, lightness: Tensor, hints: Tensor) -> Tensor:
        """Return the head's raw output, shape (B, C, H / output_stride, W / output_stride).

        Parameters
        ----------
        lightness, hints : Tensor
            As for `encode`.
        """
        return self.decode(self.encode(lightness, hints), lightness, hints)

    def interpret(
        self,
        features: list[Tensor],
        raw: Tensor,
        lightness: Tensor,
        temperature: float = 1.0,
        *,
        uncertainty: bool = True,
        embedding: bool = True,
        likely: int = 0,
    ) -> Prediction:
        """Read a prediction from the network's output.

        Parameters
        ----------
        features, raw : list of Tensor, and Tensor
            What `encode` and `decode` returned, in any precision.
        lightness : Tensor, shape (B, 1, H, W)
            The same lightness, in float32.
        temperature : float
            Below 1 a distribution head predicts more vivid colours; a regression head ignores it.
        uncertainty : bool
            Whether to compute `Prediction.uncertainty`.
        embedding : bool
            Whether to compute what hints are propagated by, if this generator propagates them.
        likely : int
            How many likely colours of each cell to compute.

        Returns
        -------
        Prediction
            In network units, with the detail but without the hints applied.
        """
        # A softmax over hundreds of bins loses digits in half precision.
        exact = raw.float()
        ab = self.head.colors(exact, temperature)
        detail = None
        if self.detail is not None:
            ab, detail = self.detail.mix(ab), self.detail(features, lightness)
        std = vectors = None
        if embedding and self.hint_propagation is not None:
            std = self.head.std(exact)
            vectors = self.hint_propagation.embed(features, lightness, ab, self.output_stride)
        return Prediction(
            ab=ab,
            stride=self.output_stride,
            lightness=F.avg_pool2d(lightness, self.fine_stride),
            detail=detail,
            uncertainty=self.head.uncertainty(exact) if uncertainty else None,
            std=std,
            embedding=vectors,
            likely=self.head.likely(exact, likely) if likely else None,
        )

    def predict(
        self,
        lightness: Tensor,
        hints: Tensor | None = None,
        temperature: float = 1.0,
        *,
        uncertainty: bool = True,
        embedding: bool = True,
        look: Tensor | None = None,
    ) -> Prediction:
        """Predict colours; `finish` then applies the hints to them.

        Parameters
        ----------
        lightness : Tensor, shape (B, 1, H, W)
            L*/50 - 1, sizes multiples of `stride`.
        hints : Tensor, shape (B, 3, H, W), or None
            a*/110, b*/110 and weight. A generator with `hint_propagation` is not shown them.
        temperature, uncertainty, embedding
            See `interpret`.
        look : Tensor, shape (B, look_channels), or None
            See `decode`.

        Returns
        -------
        Prediction
            In network units.
        """
        if hints is None or self.hint_propagation is not None:
            hints = lightness.new_zeros(lightness.shape[0], 3, *lightness.shape[-2:])
        features = self.encode(lightness, hints)
        raw = self.decode(features, lightness, hints, look)
        return self.interpret(
            features, raw, lightness, temperature, uncertainty=uncertainty, embedding=embedding
        )


def _to_stored_keys(
    module: nn.Module, state_dict: MutableMapping[str, Any], prefix: str, metadata: object
) -> None:
    _rename(state_dict, prefix, _STORED_NAMES)


def _from_stored_keys(
    module: nn.Module, state_dict: MutableMapping[str, Any], prefix: str, *rest: object
) -> None:
    _rename(state_dict, prefix, {stored: name for name, stored in _STORED_NAMES.items()})


def _rename(state_dict: MutableMapping[str, Any], prefix: str, names: dict[str, str]) -> None:
    """Rename the keys under `prefix`, in place; their order stays."""
    items = list(state_dict.items())
    state_dict.clear()
    for key, value in items:
        local = key.removeprefix(prefix) if key.startswith(prefix) else ""
        for old, new in names.items():
            if local == old or (old.endswith(".") and local.startswith(old)):
                key = prefix + new + local.removeprefix(old)
                break
        state_dict[key] = value
