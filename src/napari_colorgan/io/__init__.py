"""The door between paths and arrays.

``files.py`` is what the rest of the package calls: :func:`read_stack` opens any image lazily,
:func:`stack_writer` takes an output plane by plane and puts it in place when it is complete.
``formats.py`` lists the formats, one :class:`~napari_colorgan.io.file_format.FileFormat` record
each; everything that depends on the format of a file asks that record. The other modules read and
write one family of formats each, or serve those that do.
"""

from napari_colorgan.io.files import find_files, read_stack, stack_writer
from napari_colorgan.io.formats import (
    INPUT_SUFFIXES,
    OUTPUT_SUFFIXES,
    SINGLE_PLANE_SUFFIXES,
    stem_of,
)
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.io.pyramid import area_average
from napari_colorgan.io.stack import Stack

__all__ = [
    "INPUT_SUFFIXES",
    "OUTPUT_SUFFIXES",
    "SINGLE_PLANE_SUFFIXES",
    "Stack",
    "area_average",
    "find_files",
    "read_stack",
    "stack_writer",
    "stem_of",
    "write_atomically",
]
