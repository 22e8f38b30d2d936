"""The model that a run starts from, kept in its directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_colorgan.library.model_file import Model
    from napari_colorgan.services.tuning.request import FineTuneRequest

BASE_FILE = "base.safetensors"


def load_base(request: FineTuneRequest) -> Model:
    """Return the model to start from.

    A model that lies in a file is copied into the run directory first: a run can be resumed
    after its base was changed or deleted, and ends as if it had not been.

    Parameters
    ----------
    request : FineTuneRequest
        Its `base` and `output`.

    Raises
    ------
    ColorganError
        If there is no such model, or it can't be read or copied.
    """
    from napari_colorgan.library.file_format import copy_model_file
    from napari_colorgan.library.model_file import load_model_file
    from napari_colorgan.library.store import ModelLibrary

    if not isinstance(request.base, str | Path):
        return request.base
    kept = request.output / BASE_FILE
    if not kept.exists():
        entry = ModelLibrary().find(request.base)
        copy_model_file(entry.path, kept, entry.name, overwrite=True)
    return load_model_file(kept)
