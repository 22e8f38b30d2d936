"""The formats of image files: one record each, and which file is of which.

This table is all that the rest of the package knows about formats. A new one is a reader (and a
writer, if it has one) in the module of its family and a record here.
"""
# Over 300 lines: one table.

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError
from napari_colorgan.io import npy
from napari_colorgan.io.file_format import FileFormat
from napari_colorgan.io.film.frames import read_film
from napari_colorgan.io.film.writer import film_writer
from napari_colorgan.io.guard import require_regular
from napari_colorgan.io.microscopes import MAGIC, read_microscope
from napari_colorgan.io.ome_zarr.store import FOLDER_FILES, read_zarr
from napari_colorgan.io.ome_zarr.writer import zarr_writer
from napari_colorgan.io.pictures import boxes, jpeg, pillow, png
from napari_colorgan.io.problems import damaged, missing, unsupported
from napari_colorgan.io.tiff.reader import read_tiff
from napari_colorgan.io.tiff.writer import tiff_writer

if TYPE_CHECKING:
    from pathlib import Path

TIFF = FileFormat(
    "TIFF",
    (".tif", ".tiff"),
    rb"II\*\0|MM\0\*|II\+\0|MM\0\+",
    read_tiff,
    tiff_writer,
    input_suffixes=(".btf", ".tf8", ".lsm", ".stk", ".svs", ".ndpi", ".scn", ".ptif"),
    alpha=True,
)
PNG = FileFormat(
    "PNG",
    (".png",),
    rb"\x89PNG\r\n\x1a\n",
    png.read_png,
    png.png_writer,
    input_suffixes=(".apng",),
    dtypes=("uint8", "uint16"),
    single_plane=True,
    read_size=png.png_size,
    alpha=True,
)
JPEG = FileFormat(
    "JPEG",
    (".jpg", ".jpeg"),
    rb"\xff\xd8\xff",
    jpeg.read_jpeg,
    jpeg.jpeg_writer,
    dtypes=("uint8",),
    single_plane=True,
    input_suffixes=(".jpe", ".jfif", ".mpo"),
    lossy=True,
    read_size=jpeg.jpeg_size,
)
JPEG2000 = FileFormat(
    "JPEG 2000",
    (".jp2",),
    rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    boxes.read_jpeg2000,
    boxes.jpeg2000_writer,
    input_suffixes=(".j2k", ".j2c", ".jpf", ".jpx"),
    dtypes=("uint8", "uint16"),
    single_plane=True,
    read_size=pillow.pillow_size("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
)
_WEBP = ("PIL.WebPImagePlugin", "WebPImageFile")
WEBP = FileFormat(
    "WebP",
    (".webp",),
    rb"RIFF....WEBP",
    pillow.pillow_reader(*_WEBP),
    pillow.webp_writer,
    dtypes=("uint8",),
    single_plane=True,
    read_size=pillow.pillow_size(*_WEBP),
    alpha=True,
    becomes=".png",  # which more programs open
)
JPEGXL = FileFormat(
    "JPEG XL",
    (".jxl",),
    rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a",
    boxes.read_jpegxl,
    single_plane=True,
    read_size=boxes.jpegxl_size,
)
# Read through Pillow: name, suffixes, first bytes, Pillow's module and class of the format.
_PILLOW = (
    ("AVIF", (".avif",), rb"....ftyp(avif|avis)", "AvifImagePlugin", "AvifImageFile"),
    ("BMP", (".bmp", ".dib"), rb"BM", "BmpImagePlugin", "BmpImageFile"),
    ("GIF", (".gif",), rb"GIF8[79]a", "GifImagePlugin", "GifImageFile"),
    ("PNM", (".pgm", ".ppm", ".pbm", ".pnm"), rb"P[1-6]\s", "PpmImagePlugin", "PpmImageFile"),
    ("PCX", (".pcx",), rb"\x0a[\x00-\x05]\x01", "PcxImagePlugin", "PcxImageFile"),
    ("ICO", (".ico",), rb"\0\0\x01\0", "IcoImagePlugin", "IcoImageFile"),
    ("SGI", (".sgi", ".rgb", ".bw"), rb"\x01\xda", "SgiImagePlugin", "SgiImageFile"),
    ("QOI", (".qoi",), rb"qoif", "QoiImagePlugin", "QoiImageFile"),
    ("DDS", (".dds",), rb"DDS ", "DdsImagePlugin", "DdsImageFile"),
    ("Sun raster", (".ras", ".sun"), rb"\x59\xa6\x6a\x95", "SunImagePlugin", "SunImageFile"),
    ("PSD", (".psd",), rb"8BPS", "PsdImagePlugin", "PsdImageFile"),
    ("TGA", (".tga",), rb"(?!)", "TgaImagePlugin", "TgaImageFile"),
)
PILLOW = tuple(
    FileFormat(
        name,
        suffixes,
        magic,
        pillow.pillow_reader(f"PIL.{module}", plugin),
        single_plane=True,
        read_size=pillow.pillow_size(f"PIL.{module}", plugin),
    )
    for name, suffixes, magic, module, plugin in _PILLOW
)
_HEIF = ("pillow_heif", "HeifImageFile", "pillow-heif")
HEIF = FileFormat(
    "HEIF",
    (".heic", ".heif"),
    rb"....ftyp(heic|heix|heim|heis|hevc|mif1|msf1)",
    pillow.pillow_reader(*_HEIF),
    single_plane=True,
    read_size=pillow.pillow_size(*_HEIF),
)
# Containers by their first bytes; "becomes" is where a colour film goes beside others.
FILMS = (
    FileFormat(
        "MP4",
        (".mp4", ".m4v"),
        rb"....ftyp|....(moov|mdat|wide|free|skip)",
        read_film,
        film_writer,
        input_suffixes=(".mov", ".3gp"),
        dtypes=("uint8",),
        lossy=True,
        becomes=".mp4",
        is_film=True,
    ),
    FileFormat(
        "MKV",
        (".mkv",),
        rb"\x1aE\xdf\xa3",
        read_film,
        film_writer,
        input_suffixes=(".webm",),
        dtypes=("uint8", "uint16"),
        becomes=".mkv",
        is_film=True,
    ),
    FileFormat(
        "AVI", (), rb"RIFF....AVI ", read_film, None, (".avi",), becomes=".mp4", is_film=True
    ),
    FileFormat(
        "MPEG and other films",
        (),
        rb"\0\0\x01[\xb3\xba]|OggS|FLV\x01|\x30\x26\xb2\x75|YUV4MPEG2|\x06\x0e\x2b\x34",
        read_film,
        None,
        (".mpg", ".mpeg", ".ogv", ".flv", ".wmv", ".y4m", ".mxf", ".ts", ".m2ts", ".mts", ".dv"),
        becomes=".mp4",
        is_film=True,
    ),
)
NPY = FileFormat("NumPy", (".npy",), rb"\x93NUMPY", npy.read_npy)
ZARR = FileFormat(
    "OME-Zarr",
    (".zarr",),
    rb"(?!)",  # a folder has no first bytes
    read_zarr,
    zarr_writer,
    folder_files=FOLDER_FILES,
)
OZX = FileFormat("zipped OME-Zarr", (".ozx",), rb"PK\x03\x04", read_zarr)
MICROSCOPES = FileFormat("microscopes' formats", (), MAGIC, read_microscope)
FORMATS = (
    TIFF,
    PNG,
    JPEG,
    JPEG2000,
    WEBP,
    JPEGXL,
    *PILLOW,
    HEIF,
    *FILMS,
    NPY,
    ZARR,
    OZX,
    MICROSCOPES,
)

OUTPUT_SUFFIXES = tuple(s for f in FORMATS if f.write for s in f.suffixes)
INPUT_SUFFIXES = tuple(s for f in FORMATS for s in (*f.suffixes, *f.input_suffixes))
FILM_SUFFIXES = tuple(s for f in FILMS for s in (*f.suffixes, *f.input_suffixes))
SINGLE_PLANE_SUFFIXES = tuple(s for f in FORMATS if f.single_plane for s in f.suffixes)

_MAGIC_LENGTH = 212
_BY_NAME = ("TGA", "MPEG and other films")


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
    require_regular(path)
    with path.open("rb") as file:
        start = file.read(_MAGIC_LENGTH)
    if not start:
        raise damaged(path, "it is empty")
    # By content, since names lie, as where a PNG was saved as "photo.jpg".
    for candidate in FORMATS:
        if re.match(candidate.magic, start, re.DOTALL):
            return candidate
    # TGA files and some streams begin in no way of their own.
    for candidate in (*PILLOW, *FILMS):
        known = (*candidate.suffixes, *candidate.input_suffixes)
        if candidate.name in _BY_NAME and path.suffix.lower() in known:
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
    if known.becomes and (not known.single_plane or dtype in PNG.dtypes):
        return known.becomes
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
    return any(os.path.isfile(path / name) for name in ZARR.folder_files)


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
    (rb"SIMPLE  =", "a FITS image"),
    (rb"%PDF", "a PDF document"),
    (rb"<svg|<\?xml", "an XML or SVG file"),
    (rb"%!PS", "a PostScript file"),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!", "a packed file, whose content can be read once it is unpacked"),
)


def _stranger(start: bytes) -> str:
    """Return what a file is that begins so, with an article."""
    for magic, name in _STRANGERS:
        if re.match(magic, start, re.DOTALL):
            return name
    return "a file of an unknown kind"


def _names() -> str:
    return ", ".join(f.name for f in FORMATS if f is not MICROSCOPES)
