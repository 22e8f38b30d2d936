"""The values that are shown black and white, since what is seen is what is colorized."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_colorgan.widgets.shared.help import LINK_COLOR
from napari_colorgan.widgets.shared.layers import layer_levels

if TYPE_CHECKING:
    from napari.layers import Image

_FULL = "full"
# Colormaps have 256 rounded steps: 0.02 is five of them.
_GRAY_TOLERANCE = 0.02


class ShownRange(QLabel):
    """Says which range of values is colorized, and takes the whole range of the type on a click."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.LinksAccessibleByMouse | flags.LinksAccessibleByKeyboard)
        self._layer: Image | None = None
        self.linkActivated.connect(self._take_full_range)

    def show_layer(self, layer: Image | None) -> None:
        """Show the range of a layer.

        Parameters
        ----------
        layer : napari.layers.Image or None
            The chosen source; None clears the text.
        """
        self._layer = layer
        if layer is None or layer.rgb:
            self.setText("" if layer is None else "lightness of the colours")
            return
        low, high = layer.contrast_limits
        gamma = "" if layer.gamma == 1 else f", gamma {layer.gamma:.3g}"
        parts = [f"{low:.6g} to {high:.6g}{gamma}"]
        full = full_range(layer)
        if full is not None and tuple(layer.contrast_limits) != full:
            whole = f"take all values, {full[0]:.0f} to {full[1]:.0f}"
            parts.append(f'<a href="{_FULL}" style="color: {LINK_COLOR};">{whole}</a>')
        parts += ignored_looks(layer)
        self.setText("<br>".join(parts))

    def _take_full_range(self) -> None:
        layer = self._layer
        full = None if layer is None else full_range(layer)
        if layer is not None and full is not None:
            layer.contrast_limits_range = full
            layer.contrast_limits = full


def full_range(layer: Image) -> tuple[float, float] | None:
    """Return the least and greatest value of a layer's type, None for floats.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    """
    dtype = _dtype_of(layer)
    if dtype.kind not in "iu" or dtype.itemsize > 2:
        return None
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def ignored_looks(layer: Image) -> list[str]:
    """Return sentences on what of a layer's look is left out.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    """
    looks = []
    ramp = np.linspace(0, 1, 5)
    colors = np.asarray(layer.colormap.map(ramp))[:, :3]
    is_gray = np.ptp(colors, axis=1).max() < _GRAY_TOLERANCE
    straight = min(np.abs(colors[:, 0] - ramp).max(), np.abs(colors[:, 0] - ramp[::-1]).max())
    if not is_gray or straight > _GRAY_TOLERANCE:
        looks.append(f"Its colormap {layer.colormap.name} is left out.")
    if layer.opacity < 1:
        looks.append("Its opacity is left out.")
    return looks


def _dtype_of(layer: Image) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(layer_levels(layer)[0].dtype)
    return dtype
