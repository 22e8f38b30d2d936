"""A hint: the colour that a user has set at a place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from napari_colorgan.errors import InputError

if TYPE_CHECKING:
    from napari_colorgan.guidance.area import Area

Kind: TypeAlias = Literal["color", "gray", "keep", "barrier"]
Carry: TypeAlias = Literal["this", "forward", "all"]

KINDS: tuple[str, ...] = get_args(Kind)
CARRIES: tuple[str, ...] = get_args(Carry)
DEFAULT_RADIUS = 3.0
MOST_CHROMA = 181.0
"""Beyond every colour: a* and b* are within -128…128."""


@dataclass(frozen=True)
class Hint:
    """A colour at a place.

    Attributes
    ----------
    position : tuple of float
        In pixels of the data, one number for each axis of the `Hints` that it belongs to; the
        centre of the first pixel is 0.
    ab : (float, float) or None
        a* and b* in CIE units; None for gray (0, 0), keep and barrier.
    radius : float
        Of the disk of pixels that it covers; below 1 it is one pixel.
    kind : {"color", "gray", "keep", "barrier"}
        A colour; no colour; a place that keeps the colour it has without hints; or a place that
        no hint reaches across.
    carry : {"this", "forward", "all"} or None
        On which planes it acts: its own; also the following ones, until one has hints of its own;
        or all. None is "all" along time and z.
    file : str or None
        The file of a folder that it belongs to; None for any.
    area : Area or None
        More pixels that it covers: of an area that disks alone can't cover exactly.

    Raises
    ------
    InputError
        If a value isn't one of these.

    Examples
    --------
    >>> from napari_colorgan import Hint
    >>> Hint((310, 420), (-6, 30), radius=6).kind
    'color'
    >>> Hint((10, 20), kind="gray").ab
    (0.0, 0.0)
    """

    position: tuple[float, ...]
    ab: tuple[float, float] | None = None
    radius: float = DEFAULT_RADIUS
    kind: Kind = "color"
    carry: Carry | None = None
    file: str | None = None
    area: Area | None = None

    def __post_init__(self) -> None:
        if self.kind != "color":
            object.__setattr__(self, "ab", (0.0, 0.0) if self.kind == "gray" else None)
        for expected, is_valid, got in (
            (f"a kind of hint: {', '.join(KINDS)}", self.kind in KINDS, self.kind),
            (
                f"how a hint is carried: {', '.join(CARRIES)}",
                self.carry is None or self.carry in CARRIES,
                self.carry,
            ),
            ("a finite position", all(map(math.isfinite, self.position)), self.position),
            ("a radius of 0 pixels or more", 0 <= self.radius < math.inf, self.radius),
            ("a* and b* within -128…128", self.kind != "color" or _is_color(self.ab), self.ab),
        ):
            if not is_valid:
                raise InputError(
                    expected=expected, got=str(got), action="Correct this hint, or remove it."
                )


def _is_color(ab: tuple[float, float] | None) -> bool:
    return ab is not None and len(ab) == 2 and math.hypot(*ab) <= MOST_CHROMA
