"""Model files that are dropped on the viewer are offered to the library; they are no layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from napari.utils.notifications import show_error, show_info

from napari_colorgan.events import run
from napari_colorgan.services.import_models import import_job, plan_imports
from napari_colorgan.widgets.shared.model_picker import preferred_library

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NO_LAYER: list[tuple[Any]] = [(None,)]


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[tuple[Any]]]:
    """Return the reader of model files, as npe2 asks for it.

    Parameters
    ----------
    path : str or sequence of str
        The file or files.

    Returns
    -------
    callable
        `read_models`.
    """
    return read_models


def read_models(path: str | Sequence[str]) -> list[tuple[Any]]:
    """Open the Models panel, which asks whether the files shall be imported.

    Without a window they are imported at once, and that is told.

    Parameters
    ----------
    path : str or sequence of str
        The file or files.

    Returns
    -------
    list of tuple
        What tells napari that there is no layer to add.
    """
    paths = [Path(each) for each in ([path] if isinstance(path, str) else path)]
    viewer = napari.current_viewer()
    if viewer is None:
        _import_at_once(paths)
    else:
        dock, panel = viewer.window.add_plugin_dock_widget("napari-colorgan", "Models")
        dock.show()
        dock.raise_()
        panel.imports.offer(paths)
    return _NO_LAYER


def _import_at_once(paths: Sequence[Path]) -> None:
    library = preferred_library()
    plans, refused = plan_imports(library, paths)
    # What is there already is in no need of a second copy.
    result = run(import_job(library, [plan for plan in plans if plan.duplicate is None]))
    for _, entry in result.imported:
        show_info(f"The model '{entry.name}' is in your library now.")
    for plan in plans:
        if plan.duplicate is not None:
            show_info(f"The model '{plan.duplicate.name}' is in your library already.")
    for refusal in (*refused, *result.refused):
        show_error(f"{refusal.path.name}: {refusal.reason}")
