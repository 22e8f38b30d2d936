"""What an image file holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from napari_colorgan.axes import Axes
from napari_colorgan.io.metadata import FileMetadata
from napari_colorgan.io.units import PIXEL

if TYPE_CHECKING:
    from napari_colorgan.axes import StackLike
    from napari_colorgan.io.film.source import FilmSource
    from napari_colorgan.io.layout import Layout


@dataclass(frozen=True, eq=False)
class Stack:
    """An image as its file holds it, read no further than the file forces one to.

    Attributes
    ----------
    data : array
        The values: a numpy array, a memory map or a lazy array that reads on indexing.
    axes : Axes
        The axes of `data`.
    scale : tuple of float or None
        The size of a pixel along each axis but S; None where the file states nothing.
    units : tuple of str or None
        The units of `scale`: "micrometer", "second", "pixel" …
    name : str
        The file's stem: its name without folder and suffix.
    inverted : bool
        Whether the file says that its lowest value is shown white.
    notices : tuple of str
        What the user should know about this file, in full sentences.
    stored_range : (float, float) or None
        The values that the file says are shown black and white.
    is_photograph : bool
        Whether its values are meant to be shown as they are: it has a colour profile or EXIF.
    is_measured : bool
        Whether its values are measurements, to be shown from the least to the greatest.
    alpha : array or None
        How opaque the pixels of gray `data` are, of the same shape and dtype; RGBA has its alpha
        along S.
    metadata : FileMetadata
        What else the file says, to be kept in outputs.
    images : tuple of str
        The names of all images in the file, where there are several.
    film : FilmSource or None
        When the frames of a film are shown, and where its sound is.
    states_axes : bool
        Whether the file or the user names all of its axes; where it doesn't, letters are assumed.
    translate : tuple of float or None
        Where the first pixel lies along each axis but S, in `units`; None where it isn't stated.
    layout : Layout or None
        Its levels, chunks and shards, to be kept in outputs; None where any will do.
    """

    data: StackLike
    axes: Axes
    scale: tuple[float, ...] | None = None
    units: tuple[str, ...] | None = None
    name: str = ""
    inverted: bool = False
    notices: tuple[str, ...] = ()
    stored_range: tuple[float, float] | None = None
    is_photograph: bool = False
    is_measured: bool = False
    alpha: StackLike | None = None
    metadata: FileMetadata = field(default_factory=FileMetadata)
    images: tuple[str, ...] = ()
    film: FilmSource | None = None
    states_axes: bool = True
    translate: tuple[float, ...] | None = None
    layout: Layout | None = None

    def with_axes(self, letters: str) -> Stack:
        """Return the same stack with its axes named anew.

        Parameters
        ----------
        letters : str
            One letter for each axis of `data`, in either case.

        Returns
        -------
        Stack
            The pixel sizes stay with the positions they had.

        Raises
        ------
        AxesError
            If the letters don't fit the array.
        """
        axes = Axes(letters.strip().upper())
        axes.check(self.data.shape)
        new = dict(zip(self.axes.letters, axes.letters, strict=True))
        named = {old: letter for old, letter in new.items() if "S" not in (old, letter)}
        layout = self.layout
        if layout is not None:
            # Chunks of another plane than the file's are no measure.
            same = new["Y"] == "Y" and new["X"] == "X"
            layout = layout.renamed(named) if same else None
        translate = self.translate
        if translate is not None:
            places = dict(zip(self.axes.scalar.letters, translate, strict=True))
            old = {letter: old for old, letter in named.items()}
            translate = tuple(places.get(old.get(k, "S"), 0.0) for k in axes.scalar.letters)
        self = replace(self, layout=layout, translate=translate)
        if self.scale is None or self.units is None:
            return replace(self, axes=axes, states_axes=True)
        sizes = iter(zip(self.scale, self.units, strict=True))
        by_position = [
            (1.0, PIXEL) if letter == "S" else next(sizes) for letter in self.axes.letters
        ]
        kept = [
            size for letter, size in zip(axes.letters, by_position, strict=True) if letter != "S"
        ]
        return replace(
            self,
            axes=axes,
            states_axes=True,
            scale=tuple(size for size, _ in kept),
            units=tuple(unit for _, unit in kept),
        )


def calibrated(
    axes: Axes, sizes: dict[str, tuple[float, str]]
) -> tuple[tuple[float, ...] | None, tuple[str, ...] | None]:
    """Return scale and units along axes from the pixel sizes that a file states.

    Parameters
    ----------
    axes : Axes
        The axes of the stack.
    sizes : dict of str to (float, str)
        Size and unit by letter; what isn't a finite size above 0 is passed over.

    Returns
    -------
    scale, units : tuple or None
        One for each axis but S, 1 pixel where nothing is stated; None if nothing is at all.
    """
    letters = axes.scalar.letters
    valid = {k: v for k, v in sizes.items() if k in letters and 0 < v[0] < float("inf")}
    if not valid:
        return None, None
    pairs = [valid.get(letter, (1.0, PIXEL)) for letter in letters]
    return tuple(float(size) for size, _ in pairs), tuple(unit for _, unit in pairs)


def usual_letters(letters: str) -> str:
    """Rename the axes that OME formats don't know to T, C or Z.

    Parameters
    ----------
    letters : str
        Unique capital letters, at most three of them other than Y, X and S.

    Returns
    -------
    str
        The same number of letters; each unknown one, from the right, is the first of Z, T
        and C that is free.
    """
    free = [letter for letter in "ZTC" if letter not in letters]
    renamed = [letter if letter in "TCZYXS" else free.pop(0) for letter in reversed(letters)]
    return "".join(reversed(renamed))


def several_ranges(name: str) -> str:
    """Return what to tell the user of a file whose channels are to be shown differently.

    Parameters
    ----------
    name : str
        The file's.
    """
    return (
        f"'{name}': its channels state different ranges to be shown with, and are shown with one: "
        "a dim channel may be nearly black. Colorize the channels one by one for that."
    )
