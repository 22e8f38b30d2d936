"""The door between paths and arrays.

``files.py`` is what the rest of the package calls: :func:`read_stack` opens any image lazily,
:func:`stack_writer` takes an output plane by plane and puts it in place when it is complete.
``formats.py`` lists the formats, one :class:`~napari_colorgan.io.file_format.FileFormat` record
each; everything that depends on the format of a file asks that record. The other modules read and
write one family of formats each, or serve those that do.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Imported at first use: the formats take half of the time in which a panel opens that reads no
# file.
_HOMES = {
    "INPUT_SUFFIXES": "formats",
    "OUTPUT_SUFFIXES": "formats",
    "SINGLE_PLANE_SUFFIXES": "formats",
    "Stack": "stack",
    "area_average": "pyramid",
    "find_files": "files",
    "read_stack": "files",
    "stack_writer": "files",
    "stem_of": "formats",
    "write_atomically": "outputs.atomic",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
