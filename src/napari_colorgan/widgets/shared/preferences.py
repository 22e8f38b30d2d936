"""What napari's Preferences say about this plugin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari.settings import get_plugin_settings

if TYPE_CHECKING:
    from napari_colorgan.inference.settings import Precision

_GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Preferences:
    """Defaults for every job and every start of napari.

    Attributes
    ----------
    device : str
        "auto", "cpu", "cuda" or "mps".
    precision : str
        "auto", "float32", "bfloat16" or "float16".
    memory_limit : int or None
        Bytes; None is the engine's own choice.
    models_folder, shared_models_folder : pathlib.Path or None
        Where models are looked for; None is the user's data folder, and no shared one.
    """

    device: str = "auto"
    precision: Precision = "auto"
    memory_limit: int | None = None
    models_folder: Path | None = None
    shared_models_folder: Path | None = None


def load_preferences() -> Preferences:
    """Return the preferences, or the defaults where the plugin isn't registered."""
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
    )


def _folder(text: str) -> Path | None:
    return Path(text.strip()).expanduser() if text.strip() else None
