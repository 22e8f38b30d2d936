"""Which of a file's images is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError
from napari_colorgan.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# How many images, and how much of a name, a message lists.
_LISTED, _NAME_LENGTH = 5, 40


def choose_image(
    path: Path, names: Sequence[str] | int, image: str | None
) -> tuple[int, tuple[str, ...]]:
    """Return the number of the image to read, and what is to be said about it.

    Parameters
    ----------
    path : pathlib.Path
        The file, for messages.
    names : sequence of str, or int
        The names of its images, "" for one that has none; or only how many there are, which may
        be what a damaged header says.
    image : str or None
        A number, from 0, or a name; None for the first.

    Returns
    -------
    number : int
        Its place among the names.
    notices : tuple of str
        A sentence where there are others and nobody has chosen.

    Raises
    ------
    FileError
        If there is no such image.
    """
    count = names if isinstance(names, int) else len(names)
    if isinstance(names, int):
        names = [""] * min(names, _LISTED + 2)
    if image is None:
        if count < 2:
            return 0, ()
        return 0, (
            f"'{path.name}' holds {count} images; only the first is used. Choose another "
            f"with --image (image= in Python): {_listed(names, 1)}.",
        )
    # A name counts before a number: images may be called by numbers of another order.
    if image in names:
        return names.index(image), ()
    if image.isdecimal() and int(image) < count:
        return int(image), ()
    raise FileError(
        expected=f"one of the {count} images in '{path}'"
        if count > 1
        else f"no choice of an image, since '{path}' holds one",
        got=repr(image),
        action=f"Choose one by its number or name: {_listed(names, 0)}.",
    )


def _listed(names: Sequence[str], first: int) -> str:
    listed = []
    for number, name in list(enumerate(names))[first : first + _LISTED]:
        is_telling = name not in ("", str(number))
        listed.append(f"{number} ('{one_line(name, _NAME_LENGTH)}')" if is_telling else f"{number}")
    return ", ".join(listed) + (" …" if len(names) - first > _LISTED else "")
