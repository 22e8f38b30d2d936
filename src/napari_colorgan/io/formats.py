"""The formats of image files: one record each, and which file is of which.

This table is all that the rest of the package knows about formats. A new one is a reader (and a
writer, if it has one) in the module of its family and a record here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError
from napari_colorgan.io import npy, pictures, tiff_reader, tiff_writer, zarr_store
from napari_colorgan.io.file_format import FileFormat
from napari_colorgan.io.problems import damaged, missing, unsupported

if TYPE_CHECKING:
    from pathlib import Path

TIFF = FileFormat(
    "TIFF",
    (".tif", ".tiff"),
    rb"II\*\0|MM\0\*|II\+\0|MM\0\+",
    tiff_reader.read_tiff,
    tiff_writer.tiff_writer,
    input_suffixes=(".btf",),
    alpha=True,
)
PNG = FileFormat(
    "PNG",
    (".png",),
    rb"\x89PNG\r\n\x1a\n",
    pictures.read_png,
    pictures.png_writer,
    dtypes=("uint8", "uint16"),
    single_plane=True,
    read_size=pictures.png_size,
    alpha=True,
)
_JPEG = ("JpegImagePlugin", "JpegImageFile")
JPEG = FileFormat(
    "JPEG",
    (".jpg", ".jpeg"),
    rb"\xff\xd8\xff",
    pictures.pillow_reader(*_JPEG),
    pictures.jpeg_writer,
    dtypes=("uint8",),
    single_plane=True,
    lossy=True,
    read_size=pictures.pillow_size(*_JPEG),
)
JPEG2000 = FileFormat(
    "JPEG 2000",
    (".jp2",),
    rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    pictures.read_jpeg2000,
    pictures.jpeg2000_writer,
    dtypes=("uint8", "uint16"),
    single_plane=True,
    read_size=pictures.pillow_size("Jpeg2KImagePlugin", "Jpeg2KImageFile"),
)
_WEBP = ("WebPImagePlugin", "WebPImageFile")
WEBP = FileFormat(
    "WebP",
    (".webp",),
    rb"RIFF....WEBP",
    pictures.pillow_reader(*_WEBP),
    pictures.webp_writer,
    dtypes=("uint8",),
    single_plane=True,
    read_size=pictures.pillow_size(*_WEBP),
    alpha=True,
)
# Read through Pillow: name, suffixes, first bytes, and Pillow's module and class of the format.
_PILLOW = (
    ("AVIF", (".avif",), rb"....ftyp(avif|avis)", "AvifImagePlugin", "AvifImageFile"),
    ("BMP", (".bmp",), rb"BM", "BmpImagePlugin", "BmpImageFile"),
    ("GIF", (".gif",), rb"GIF8[79]a", "GifImagePlugin", "GifImageFile"),
    ("PNM", (".pgm", ".ppm", ".pbm", ".pnm"), rb"P[1-6]\s", "PpmImagePlugin", "PpmImageFile"),
    ("PCX", (".pcx",), rb"\x0a[\x00-\x05]\x01", "PcxImagePlugin", "PcxImageFile"),
    ("TGA", (".tga",), b"", "TgaImagePlugin", "TgaImageFile"),
)
PILLOW = tuple(
    FileFormat(
        name,
        suffixes,
        magic or rb"(?!)",
        pictures.pillow_reader(module, plugin),
        single_plane=True,
        read_size=pictures.pillow_size(module, plugin),
    )
    for name, suffixes, magic, module, plugin in _PILLOW
)
NPY = FileFormat("NumPy", (".npy",), rb"\x93NUMPY", npy.read_npy)
ZARR = FileFormat(
    "OME-Zarr",
    (".zarr",),
    rb"(?!)",  # a folder has no first bytes
    zarr_store.read_zarr,
    zarr_store.zarr_writer,
    folder_files=zarr_store.FOLDER_FILES,
)
OZX = FileFormat("zipped OME-Zarr", (".ozx",), rb"PK\x03\x04", zarr_store.read_zarr)
FORMATS = (TIFF, PNG, JPEG, JPEG2000, WEBP, *PILLOW, NPY, ZARR, OZX)

OUTPUT_SUFFIXES = tuple(s for f in FORMATS if f.write for s in f.suffixes)
INPUT_SUFFIXES = tuple(s for f in FORMATS for s in (*f.suffixes, *f.input_suffixes))
SINGLE_PLANE_SUFFIXES = tuple(s for f in FORMATS if f.single_plane for s in f.suffixes)

_MAGIC_LENGTH = 16


def input_format(path: Path) -> FileFormat:
    """Return the format of what is at a path, by its content.

    Parameters
    ----------
    path : pathlib.Path
        A file or folder.

    Raises
    ------
    FileError
        If there is nothing, an empty file, or something of another format.
    """
    if path.is_dir():
        for candidate in FORMATS:
            if any((path / name).is_file() for name in candidate.folder_files):
                return candidate
        raise unsupported(path, "a folder that is not OME-Zarr", _names())
    if not path.exists():
        raise missing(path)
    with path.open("rb") as file:
        start = file.read(_MAGIC_LENGTH)
    if not start:
        raise damaged(path, "it is empty")
    # By content, since names lie, as where a PNG was saved as "photo.jpg".
    for candidate in FORMATS:
        if re.match(candidate.magic, start, re.DOTALL):
            return candidate
    # TGA files begin in no way of their own.
    for candidate in PILLOW:
        if candidate.name == "TGA" and path.suffix.lower() in candidate.suffixes:
            return candidate
    raise unsupported(path, _stranger(start), _names())


def output_format(path: Path) -> FileFormat:
    """Return the format that an output path asks for by its suffix.

    Parameters
    ----------
    path : pathlib.Path
        Where the output shall be.

    Raises
    ------
    FileError
        If the suffix is none of :data:`OUTPUT_SUFFIXES`.
    """
    for candidate in FORMATS:
        if candidate.write is not None and path.suffix.lower() in candidate.suffixes:
            return candidate
    raise FileError(
        expected=f"an output name that ends in {', '.join(OUTPUT_SUFFIXES)}",
        got=f"'{path}'",
        action="Add the suffix of the format to write.",
    )


def output_suffix(source: Path, dtype: str) -> str:
    """Return the suffix under which a file's colours are written beside those of others.

    Parameters
    ----------
    source : pathlib.Path
        The file, judged by its suffix.
    dtype : str
        Of the colours.

    Returns
    -------
    str
        The file's own where its format is written without losses and holds such pixels; else
        ".png" for single planes and ".tif" for the rest.
    """
    suffix = source.suffix.lower()
    known = next((f for f in FORMATS if suffix in (*f.suffixes, *f.input_suffixes)), TIFF)
    if known.write and suffix in known.suffixes and not known.lossy and dtype in known.dtypes:
        return source.suffix
    return ".png" if known.single_plane and dtype in PNG.dtypes else ".tif"


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a zarr group or array.

    Parameters
    ----------
    path : Path
        A folder; anything else is no zarr store.
    """
    return any((path / name).is_file() for name in ZARR.folder_files)


def stem_of(path: Path) -> str:
    """Return a path's name without its suffix, ".ome.tif" and ".ome.zarr" counting as one.

    Parameters
    ----------
    path : Path
        Any path; nothing is read.
    """
    stem = path.stem if path.suffix.lower() in INPUT_SUFFIXES else path.name
    return stem[:-4] if stem.lower().endswith(".ome") else stem


# What people try to open, by its first bytes, and what to call it.
_STRANGERS = (
    (rb"....ftyp(heic|heix|mif1|msf1)", "an HEIC photograph"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL picture"),
    (rb"8BPS", "a Photoshop document"),
    (rb"\xd0\xcf\x11\xe0", "a FlashPix file or an Office document"),
    (rb"SIMPLE  =", "a FITS image"),
    (rb"ZISRAWFILE", "a CZI file of a Zeiss microscope"),
    (rb"\xda\xce\xbe\x0a", "an ND2 file of a Nikon microscope"),
    (rb"\x70\0\0\0", "a LIF file of a Leica microscope"),
    (rb"%PDF", "a PDF document"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", "a video"),
    (rb"\x89HDF", "an HDF5 file"),
    (rb"NRRD", "an NRRD image"),
)


def _stranger(start: bytes) -> str:
    """Return what a file is that begins so, with an article."""
    for magic, name in _STRANGERS:
        if re.match(magic, start, re.DOTALL):
            return name
    return "a file of an unknown kind"


def _names() -> str:
    return ", ".join(f.name for f in FORMATS)
