"""Several gray stacks as one: the mean of what each of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.axes import StackLike
    from napari_colorgan.inference.display import DisplayRange


class MixedStack:
    """An array of gray values 0…1 that is read by planes.

    Parameters
    ----------
    parts : sequence of (array, DisplayRange)
        Stacks of one shape, and how each is shown.
    channel_axis : int, optional
        The place of an axis along which planes are mixed, too; it has the size 1 then.

    Attributes
    ----------
    shape, dtype, ndim
        As of an array; float32.
    """

    def __init__(
        self, parts: Sequence[tuple[StackLike, DisplayRange]], channel_axis: int | None = None
    ) -> None:
        self._parts = list(parts)
        self._axis = channel_axis
        shape = list(parts[0][0].shape)
        self._channels = 1 if channel_axis is None else shape[channel_axis]
        if channel_axis is not None:
            shape[channel_axis] = 1
        self.shape = tuple(int(size) for size in shape)
        self.ndim = len(shape)
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, selection: Any) -> np.ndarray:
        keys = list(selection) if isinstance(selection, tuple) else [selection]
        keys += [slice(None)] * (self.ndim - len(keys))
        shown = []
        for stack, display in self._parts:
            for part in self._channel_keys(keys):
                values = np.asarray(stack[tuple(part)])
                shown.append(display.shown(np.atleast_2d(values)).reshape(values.shape))
        return np.asarray(np.mean(shown, axis=0, dtype=np.float32))

    def _channel_keys(self, keys: list[Any]) -> list[list[Any]]:
        """Return the selection for each channel; one of the kind that was asked for."""
        if self._axis is None:
            return [keys]
        before, key, after = keys[: self._axis], keys[self._axis], keys[self._axis + 1 :]
        is_single = isinstance(key, int | np.integer)
        return [
            [*before, c if is_single else slice(c, c + 1), *after] for c in range(self._channels)
        ]
