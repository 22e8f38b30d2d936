"""What a generator is built from: the numbers that its model file states."""

from __future__ import annotations

import re
import reprlib
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

STRIDES = {"unet": 32, "look_unet": 32, "pix2pix": 128}
"""How far each architecture shrinks its input."""
ARCHITECTURES = tuple(STRIDES)
FINEST_DETAILED = 4
"""An output of a smaller stride needs no detail refinement."""
HEADS = ("regression", "distribution")
MEASURED = ("halo", "bytes_per_pixel")
"""What a card states beside the settings.

See :class:`napari_colorgan.core.networks.footprint.Footprint`.
"""
# Each doubles the resolution: no encoder has a stride beyond 2^8.
MOST_LEVELS = 8


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything needed to build a generator; stored in its model file.

    Attributes
    ----------
    architecture : {"unet", "look_unet", "pix2pix"}
        A U-Net over a timm encoder; one whose decoder is conditioned on a look of the whole
        picture; or the pix2pix baseline trained from scratch.
    encoder : str
        The timm model whose feature pyramid the U-Net reads; ignored by "pix2pix".
    decoder_channels : tuple of int
        Channels of the decoder's levels, from the coarsest to the one at `output_stride`.
        For "pix2pix" its single entry is the width of the outermost block (64 in the paper).
    context_channels : int
        Channels of the block at the coarsest level, where hints reach far; 0 leaves it out.
    output_stride : int
        Input pixels per output cell along a side, a power of two.
    head : {"regression", "distribution"}
        Two channels, or logits over the bins of the a*b* plane that lie in sRGB.
    bin_size : int
        The side of a bin, in units of a* and b*.
    skips : bool
        Whether encoder features reach the decoder directly (a U-Net) or not (encoder-decoder).
    dropout : float
        Probability of dropping decoder channels while training, and of "look_unet" what the look
        is told by; pix2pix's only noise is 0.5.
    spread_channels : int
        Channels of the embedding by which hints reach similar cells (`HintPropagation`), which
        is then the only way that hints act; 0 leaves it out, and the network itself sees the
        hints.
    spread_terms : bool
        Whether the covariance by which hints reach them has the terms of `CovarianceTerms`, which
        models of the first releases lack.
    detail : bool
        Whether colours are refined on a grid of 2 pixels by what follows lightness
        (`DetailRefinement`).
    detail_surroundings : bool
        Whether that refinement also reads what the cells around have, and how they differ.
    look_channels : int
        For "look_unet": length of the vector that tells what the picture is like as a whole.
    """

    architecture: str = "unet"
    encoder: str = "tf_efficientnet_lite0"
    decoder_channels: tuple[int, ...] = (128, 96, 64)
    context_channels: int = 0
    output_stride: int = 4
    head: str = "distribution"
    bin_size: int = 10
    skips: bool = True
    dropout: float = 0.0
    spread_channels: int = 0
    spread_terms: bool = False
    detail: bool = False
    detail_surroundings: bool = False
    look_channels: int = 0

    def __post_init__(self) -> None:
        """Refuse contradictions early, by the field's name."""
        channels = self.decoder_channels
        if isinstance(channels, list | tuple) and len(channels) <= MOST_LEVELS:
            object.__setattr__(self, "decoder_channels", tuple(channels))
        else:
            _refuse("decoder_channels", f"one to {MOST_LEVELS} integers", channels)
        self._check_types()
        _choice("architecture", self.architecture, ARCHITECTURES)
        _choice("head", self.head, HEADS)
        if self.output_stride not in (1, 2, 4, 8, 16):
            _refuse("output_stride", "1, 2, 4, 8 or 16", self.output_stride)
        if not self.decoder_channels or any(not 1 <= c <= 4096 for c in self.decoder_channels):
            _refuse("decoder_channels", "one or more integers of 1…4096", self.decoder_channels)
        if not 0 <= self.context_channels <= 4096:
            _refuse("context_channels", "0…4096", self.context_channels)
        if not 0 <= self.spread_channels <= 256:
            _refuse("spread_channels", "0…256", self.spread_channels)
        if not 2 <= self.bin_size <= 50:
            _refuse("bin_size", "2…50", self.bin_size)
        if not 0.0 <= self.dropout < 1.0:
            _refuse("dropout", "a probability below 1", self.dropout)
        if self.spread_terms and not self.spread_channels:
            _refuse("spread_terms", "false with spread_channels 0", self.spread_terms)
        if self.detail and self.output_stride < FINEST_DETAILED:
            accepted = f"false with an output_stride below {FINEST_DETAILED}"
            _refuse("detail", accepted, self.detail)
        if self.detail_surroundings and not self.detail:
            _refuse("detail_surroundings", "false without detail", self.detail_surroundings)
        self._check_look()
        if self.architecture == "pix2pix":
            self._check_pix2pix()

    def _check_look(self) -> None:
        if not 0 <= self.look_channels <= 4096:
            _refuse("look_channels", "0…4096", self.look_channels)
        has_look = self.architecture == "look_unet"
        if has_look != (self.look_channels > 0):
            accepted = 'above 0 with architecture "look_unet", else 0'
            _refuse("look_channels", accepted, self.look_channels)
        if has_look and not self.context_channels:
            _refuse("context_channels", 'above 0 with architecture "look_unet"', 0)

    def _check_pix2pix(self) -> None:
        if self.head != "regression":
            _refuse("head", '"regression" with architecture "pix2pix"', self.head)
        if self.output_stride != 1:
            _refuse("output_stride", '1 with architecture "pix2pix"', self.output_stride)
        if self.context_channels:
            _refuse("context_channels", '0 with architecture "pix2pix"', self.context_channels)
        if self.spread_channels:
            _refuse("spread_channels", '0 with architecture "pix2pix"', self.spread_channels)

    def _check_types(self) -> None:
        """Refuse values of other types: a model file, from anywhere, may hold any JSON."""
        # A bare name in timm's registry. timm itself would follow "hf-hub:…" to the network and
        # "local-dir:…" to a folder, and build what it finds there.
        if not isinstance(self.encoder, str) or not re.fullmatch(r"\w[\w.]{0,99}", self.encoder):
            _refuse("encoder", "the name of an architecture in timm's registry", self.encoder)
        # `type` and not `isinstance`: to Python, true is an integer.
        integers = ("context_channels", "output_stride", "bin_size", "spread_channels")
        for name in (*integers, "look_channels"):
            if type(getattr(self, name)) is not int:
                _refuse(name, "an integer", getattr(self, name))
        if any(type(channels) is not int for channels in self.decoder_channels):
            _refuse("decoder_channels", "integers", self.decoder_channels)
        if type(self.dropout) not in (int, float):
            _refuse("dropout", "a number", self.dropout)
        for name in ("skips", "detail", "detail_surroundings", "spread_terms"):
            if type(getattr(self, name)) is not bool:
                _refuse(name, "true or false", getattr(self, name))

    @property
    def stride(self) -> int:
        """What heights and widths of the network's inputs are multiples of."""
        return STRIDES[self.architecture]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {**asdict(self), "decoder_channels": list(self.decoder_channels)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GeneratorConfig:
        """Build a config from plain values.

        Parameters
        ----------
        values : Mapping[str, Any]
            What `to_dict` returned, or a recipe's table; a card's `halo` and `bytes_per_pixel` are
            passed over.

        Returns
        -------
        GeneratorConfig
            Checked.

        Raises
        ------
        ConfigError
            If a field is unknown or holds what it can't.
        """
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in values.items() if name not in MEASURED}
        for name in values:
            if name not in known:
                _refuse(f"generator.{name}", f"one of the fields {sorted(known)}", name)
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(
                expected="generator settings of the right types",
                got=str(error),
                action="Compare them with a recipe that ships with the package.",
            ) from error


def extended(base: GeneratorConfig, recipe: GeneratorConfig) -> GeneratorConfig:
    """Return a base's config with the modules of a recipe that trained weights can be given.

    Parameters
    ----------
    base : GeneratorConfig
        Of a trained model.
    recipe : GeneratorConfig
        Its `spread_channels`, `spread_terms`, `detail` and `detail_surroundings` are added where
        the base has none and its architecture lets them; so is its `dropout`, if it has one.
    """
    # They start as the identity, so that the base's predictions without hints stay as they are.
    is_coarse = base.output_stride >= FINEST_DETAILED
    detail = base.detail or (recipe.detail and is_coarse)
    return replace(
        base,
        spread_channels=base.spread_channels or recipe.spread_channels,
        dropout=recipe.dropout or base.dropout,
        spread_terms=base.spread_terms or recipe.spread_terms,
        detail=detail,
        detail_surroundings=base.detail_surroundings or (recipe.detail_surroundings and detail),
    )


def _choice(name: str, value: object, accepted: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in accepted:
        _refuse(name, " or ".join(f'"{a}"' for a in accepted), value)


def _refuse(name: str, accepted: str, value: object) -> None:
    raise ConfigError(
        expected=f"{name} to be {accepted}",
        got=reprlib.repr(value),  # of a list of a million, the first few
        action="Change that setting.",
    )
