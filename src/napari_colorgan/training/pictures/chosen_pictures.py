"""Some of many decoded pictures, numbered anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


class ChosenPictures(Mapping[int, "Tensor"]):
    """Some of a mapping's pictures, numbered anew.

    Parameters
    ----------
    pictures : mapping of int to Tensor
        Decoded pictures by their numbers, perhaps on disk.
    indices : sequence of int
        Which of them, in their new order; those that aren't there are left out.
    """

    def __init__(self, pictures: Mapping[int, Tensor], indices: Sequence[int]) -> None:
        self._pictures = pictures
        self._indices = {new: old for new, old in enumerate(indices) if old in pictures}

    def __len__(self) -> int:
        return len(self._indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __getitem__(self, number: int) -> Tensor:
        return self._pictures[self._indices[number]]
