"""One of several equal parts of a list of work, for programs that share it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """A part of a list of work.

    Attributes
    ----------
    number : int
        Which part, from 1.
    count : int
        How many parts there are.

    Raises
    ------
    InputError
        If there is no such part.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            text = f"{self.number}/{self.count}"
            raise _no_part(text)

    @classmethod
    def parse(cls, text: str) -> Part:
        """Return the part that a text such as "2/8" names.

        Parameters
        ----------
        text : str
            Its number, from 1, and how many there are.
        """
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, flags=re.ASCII)
        if match is None:
            raise _no_part(text)
        return cls(int(match[1]), int(match[2]))

    def of(self, items: Sequence[T]) -> list[T]:
        """Return the items of this part: neighbours, since they often share a chunk or a file.

        Parameters
        ----------
        items : sequence
            All the work, in the same order for every part.
        """
        start = (self.number - 1) * len(items) // self.count
        stop = self.number * len(items) // self.count
        return list(items[start:stop])


def _no_part(text: str) -> InputError:
    return InputError(
        expected="a part and the number of parts, such as 2/8",
        got=f"'{text}'",
        action="Give numbers from 1 on; the first is at most the second.",
    )
