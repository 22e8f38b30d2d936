"""Where one more hint would help most, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.guidance.hint_list import Hints
from napari_colorgan.services.arrays.inputs import open_input
from napari_colorgan.services.live.plane_session import StackSession

if TYPE_CHECKING:
    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.library.model_file import Model


def suggest_hint(
    gray: Any,
    hints: Hints | str | Path | None = None,
    model: str | Path | Model = "natural",
    *,
    axes: str | None = None,
    index: PlaneIndex | None = None,
) -> tuple[tuple[float, float], float]:
    """Return where one more hint would help most.

    Parameters
    ----------
    gray : array
        A grayscale image, or a stack.
    hints : Hints, str or pathlib.Path, optional
        What is known already, or the CSV file that holds it.
    model : str, pathlib.Path or Model, default: "natural"
        As for `colorize`.
    axes : str, optional
        As for `colorize`.
    index : tuple of int, optional
        The plane of a stack; by default the first.

    Returns
    -------
    position : (float, float)
        Row and column, in pixels.
    gain : float
        By how much the root mean square error of a* and b* is expected to fall, in CIE units.

    Raises
    ------
    InputError, AxesError, ModelError
        As `colorize` does.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_colorgan import suggest_hint
    >>> gray = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    >>> (row, column), gain = suggest_hint(gray)
    >>> 0 <= row < 48, 0 <= column < 64, gain > 0
    (True, True, True)
    """
    levels, known, _ = open_input(gray, axes)
    stack = levels[0]
    read = Hints.from_csv(hints) if isinstance(hints, str | Path) else hints
    session = StackSession(stack, known, model)
    plane = session.plane((0,) * len(known.outer) if index is None else index)
    (suggestion,) = plane.suggest(read, 1)
    return suggestion.position, suggestion.gain
