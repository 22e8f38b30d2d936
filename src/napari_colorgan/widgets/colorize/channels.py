"""Several channels of one image: which of them are colorized."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_colorgan.widgets.shared.controls import Combo
from napari_colorgan.widgets.shared.layers import (
    is_colorizable,
    is_result,
    layer_axes,
    layer_levels,
)

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

ChannelChoice: TypeAlias = Literal["one", "each", "mix"]
CHANNEL_LABELS = frozenset({"c", "ch", "channel", "channels", "stain", "stains"})


class ChannelSelector(Combo):
    """One channel, each by itself, or all mixed to one gray image."""

    def __init__(self) -> None:
        super().__init__(
            [
                ("one", "The one on view"),
                ("each", "Each by itself"),
                ("mix", "Mixed to one gray image"),
            ]
        )

    @property
    def choice(self) -> ChannelChoice:
        """What is chosen."""
        choice: ChannelChoice = self.value
        return choice


def channel_axis(layer: Image) -> str | None:
    """Return the letter of a layer's channel axis, None if no label says that there is one.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    """
    axes = layer_axes(layer)
    shape = layer_levels(layer)[0].shape
    for letter, label in zip(axes.scalar.letters, layer.axis_labels, strict=True):
        is_channel = str(label).strip().lower() in CHANNEL_LABELS
        if letter in axes.outer and is_channel and axes.size(shape, letter) > 1:
            return letter
    return None


def split_channels(viewer: Viewer, layer: Image) -> list[Image]:
    """Return the layers that napari made of one file's channels, a layer alone if it was none.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    layer : napari.layers.Image
        One of them.
    """
    path = layer.source.path
    if path is None or layer.rgb or layer.blending != "additive":
        return [layer]
    return [
        other
        for other in viewer.layers
        if is_colorizable(other)
        and not is_result(other)
        and other.source.path == path
        and not other.rgb
        and other.blending == "additive"
        and layer_levels(other)[0].shape == layer_levels(layer)[0].shape
    ]
