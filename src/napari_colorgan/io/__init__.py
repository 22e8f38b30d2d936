"""The door between paths and arrays."""

from napari_colorgan.io.atomic import write_atomically
from napari_colorgan.io.formats import INPUT_SUFFIXES, OUTPUT_SUFFIXES, stem_of
from napari_colorgan.io.pyramid import area_average
from napari_colorgan.io.read import read_stack
from napari_colorgan.io.search import find_files
from napari_colorgan.io.stack import Stack
from napari_colorgan.io.write import stack_writer

__all__ = [
    "INPUT_SUFFIXES",
    "OUTPUT_SUFFIXES",
    "Stack",
    "area_average",
    "find_files",
    "read_stack",
    "stack_writer",
    "stem_of",
    "write_atomically",
]
