"""The plugin's page in napari's Preferences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.settings import get_plugin_settings

from napari_colorgan.home import expand

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.inference.settings import Precision

_GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Preferences:
    """Defaults for all jobs, kept by napari.

    Attributes
    ----------
    device : str
        "auto", "cpu", "cuda" or "mps".
    precision : str
        "auto", "float32", "bfloat16" or "float16".
    memory_limit : int or None
        Bytes; None leaves the limit to the engine.
    models_folder, shared_models_folder : pathlib.Path or None
        The folders of models; None stands for the user's data folder, and for no shared folder.
    mark_predicted : bool
        Whether the canvas says that colours are predicted while it shows some.
    """

    device: str = "auto"
    precision: Precision = "auto"
    memory_limit: int | None = None
    models_folder: Path | None = None
    shared_models_folder: Path | None = None
    mark_predicted: bool = True


def load_preferences() -> Preferences:
    """Return the preferences, or the defaults if the plugin is not registered with napari."""
    try:
        engine = get_plugin_settings("napari-colorgan").engine
    except KeyError:
        return Preferences()
    return Preferences(
        device=engine.device,
        precision=engine.precision,
        memory_limit=int(engine.memory_limit * _GIGABYTE) or None,
        models_folder=_folder(engine.models_folder),
        shared_models_folder=_folder(engine.shared_models_folder),
        mark_predicted=engine.mark_predicted,
    )


def _folder(text: str) -> Path | None:
    return expand(text.strip()) if text.strip() else None
