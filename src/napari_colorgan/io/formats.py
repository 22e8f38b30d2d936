"""Which file is of which format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_colorgan.errors import FileError
from napari_colorgan.io.problems import damaged, missing, unsupported

if TYPE_CHECKING:
    from pathlib import Path

Format: TypeAlias = Literal["tiff", "png", "jpeg", "webp", "zarr", "npy"]

_OUTPUT: dict[str, Format] = {
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".zarr": "zarr",
}
OUTPUT_SUFFIXES = tuple(_OUTPUT)
INPUT_SUFFIXES = (*OUTPUT_SUFFIXES, ".btf", ".npy", ".webp")

# The files' first bytes: names lie, as where a PNG was saved as "photo.jpg".
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x93NUMPY", "npy"),
)
_ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")


def input_format(path: Path) -> Format:
    """Return the format of what is at a path, by its content.

    Parameters
    ----------
    path : pathlib.Path
        A file or folder.

    Returns
    -------
    str
        "tiff", "png", "jpeg", "webp", "zarr" or "npy".

    Raises
    ------
    FileError
        If there is nothing, an empty file, or something of another format.
    """
    if path.is_dir():
        if is_zarr(path):
            return "zarr"
        raise unsupported(path, "a folder that is not OME-Zarr")
    if not path.exists():
        raise missing(path)
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise damaged(path, "it is empty")
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    # A RIFF file's length stands between the two.
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "webp"
    raise unsupported(path, "something else")


def output_format(path: Path) -> Format:
    """Return the format that an output path asks for by its suffix.

    Parameters
    ----------
    path : pathlib.Path
        Where the output shall be.

    Returns
    -------
    str
        "tiff", "png", "jpeg" or "zarr".

    Raises
    ------
    FileError
        If the suffix is none of :data:`OUTPUT_SUFFIXES`.
    """
    kind = _OUTPUT.get(path.suffix.lower())
    if kind is None:
        raise FileError(
            expected=f"an output name that ends in {', '.join(OUTPUT_SUFFIXES)}",
            got=f"'{path}'",
            action="Add the suffix of the format to write.",
        )
    return kind


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a zarr group or array."""
    return any((path / name).is_file() for name in _ZARR_FILES)


def stem_of(path: Path) -> str:
    """Return a path's name without its suffix, ".ome.tif" and ".ome.zarr" counting as one."""
    stem = path.stem if path.suffix.lower() in INPUT_SUFFIXES else path.name
    return stem[:-4] if stem.lower().endswith(".ome") else stem


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
    return "".join(letter if letter in "TCZYXS" else free.pop(0) for letter in reversed(letters))[
        ::-1
    ]
