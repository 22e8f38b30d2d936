"""A picture on a model's card: what the model does, and where it fails, to be seen."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan.errors import ModelError
from napari_colorgan.library import markdown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LARGEST = 200_000
"""Bytes of a picture's JPEG; a card is read whole wherever models are listed."""

_JPEG = b"\xff\xd8\xff"
HEADING = "## Pictures"
_LINE = re.compile(r"!\[([^\]\n]*)\]\(data:image/jpeg;base64,([A-Za-z0-9+/=]*)\)")
_SECTION = re.compile(rf"\n{HEADING}\n(\s*{_LINE.pattern}\s*)+\Z")


@dataclass(frozen=True)
class CardPicture:
    """One picture.

    Attributes
    ----------
    caption : str
        What is seen, and under which terms it may be shown.
    jpeg : str
        The JPEG file in base64.

    Raises
    ------
    ModelError
        If that is no JPEG of at most 200 kB.
    """

    caption: str
    jpeg: str

    def __post_init__(self) -> None:
        caption = markdown.one_line(self.caption).translate(str.maketrans("[]", "()"))
        object.__setattr__(self, "caption", caption)
        try:
            pixels = base64.b64decode(self.jpeg, validate=True)
        except (binascii.Error, ValueError, TypeError):
            pixels = b""
        if not pixels.startswith(_JPEG) or len(pixels) > LARGEST:
            raise ModelError(
                expected=f"a JPEG of at most {LARGEST // 1000} kB as a picture on a model's card",
                got=f"{len(pixels)} bytes" if pixels.startswith(_JPEG) else "something else",
                action="Use a smaller JPEG.",
            )

    @classmethod
    def read(cls, path: Path, caption: str) -> CardPicture:
        """Take a JPEG file up."""
        return cls(caption, base64.b64encode(path.read_bytes()).decode("ascii"))

    def to_markdown(self) -> str:
        """Return it as an image that carries its own pixels."""
        return f"![{self.caption}](data:image/jpeg;base64,{self.jpeg})"


def with_pictures(page: str, pictures: Sequence[CardPicture], *, shown: bool) -> str:
    """Return a page with a section of pictures, or of their captions, at its end."""
    if not pictures:
        return page
    lines = [each.to_markdown() if shown else f"- {each.caption}" for each in pictures]
    return "\n\n".join([page.rstrip("\n"), HEADING, *lines]) + "\n"


def without_pictures(page: str) -> tuple[str, tuple[CardPicture, ...]]:
    """Undo `with_pictures`."""
    # At the end alone: a run's configuration, say, may hold the heading, too.
    found = _SECTION.search(page)
    if found is None:
        return page, ()
    pictures = (CardPicture(caption, jpeg) for caption, jpeg in _LINE.findall(found[0]))
    return page[: found.start()], tuple(pictures)
