"""Colour for grayscale images.

The verbs are loaded when they are first used: importing this package loads neither torch nor
napari.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_colorgan.version import installed_version

if TYPE_CHECKING:
    from napari_colorgan.guidance.hint import Hint
    from napari_colorgan.guidance.hint_list import Hints
    from napari_colorgan.services.arrays.colorize import colorize
    from napari_colorgan.services.evaluate import evaluate
    from napari_colorgan.services.fine_tune import fine_tune
    from napari_colorgan.services.live.suggest_hint import suggest_hint
    from napari_colorgan.services.models import load_model

    __version__: str

__all__ = [
    "Hint",
    "Hints",
    "__version__",
    "colorize",
    "evaluate",
    "fine_tune",
    "load_model",
    "suggest_hint",
]

_HOMES = {
    "Hint": "napari_colorgan.guidance.hint",
    "Hints": "napari_colorgan.guidance.hint_list",
    "colorize": "napari_colorgan.services.arrays.colorize",
    "evaluate": "napari_colorgan.services.evaluate",
    "fine_tune": "napari_colorgan.services.fine_tune",
    "load_model": "napari_colorgan.services.models",
    "suggest_hint": "napari_colorgan.services.live.suggest_hint",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = installed_version()
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
