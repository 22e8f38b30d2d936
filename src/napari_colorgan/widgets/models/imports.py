"""Import model files, from the panel's button and from files that are opened in napari."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from napari.utils.notifications import show_error, show_info

from napari_colorgan.events import run
from napari_colorgan.services.import_models import (
    ImportPlan,
    ImportResult,
    RejectedFile,
    import_job,
    import_question,
    plan_imports,
)
from napari_colorgan.widgets.shared.docks import show_panel
from napari_colorgan.widgets.shared.messages import Question
from napari_colorgan.widgets.shared.model_picker import preferred_library

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_colorgan.widgets.models.tasks import ModelsContext

_MOST_LINES = 4
MODELS_PANEL = "colorgan-models"
"""The object name of the Models panel."""


class ModelImports:
    """Imports files into the library and reports the result.

    Parameters
    ----------
    context : ModelsContext
        What the parts of the Models panel share.
    """

    def __init__(self, context: ModelsContext) -> None:
        self._context = context
        self._offered: tuple[Path, ...] = ()

    def import_files(self, paths: Sequence[Path]) -> None:
        """Import files that the user has chosen; ask first about weights that are there already.

        Parameters
        ----------
        paths : sequence of Path
            Files, not yet checked.
        """
        plans, rejected = plan_imports(self._context.library(), paths)
        self._report((), rejected)
        new = [plan for plan in plans if plan.duplicate is None]
        duplicates = [plan for plan in plans if plan.duplicate is not None]
        if new:
            self._start(new, rejected)
        if duplicates:
            self._ask(duplicates, alone=not new and not rejected)

    def offer(self, paths: Sequence[Path]) -> None:
        """Ask whether files that were opened in the viewer shall be imported.

        Parameters
        ----------
        paths : sequence of Path
            Files, not yet checked.
        """
        # napari reads several dropped files one by one; they share one question.
        earlier = self._offered if self._context.ask.asking else ()
        self._offered = (*earlier, *(path for path in paths if path not in earlier))
        plans, rejected = plan_imports(self._context.library(), self._offered)
        self._report((), rejected)
        if plans:
            self._ask(plans, alone=not rejected)

    def _ask(self, plans: Sequence[ImportPlan], *, alone: bool = True) -> None:
        def declined() -> None:
            # A message about other files stays.
            if alone:
                self._context.message.show_text("Nothing was imported.")

        self._context.ask.ask(
            Question(
                import_question(plans),
                "Import",
                on_yes=lambda: self._start(plans, ()),
                on_no=declined,
            )
        )

    def _start(self, plans: Sequence[ImportPlan], rejected: Sequence[RejectedFile]) -> None:
        job = import_job(self._context.library(), plans)
        self._context.tasks.add(job, "Importing…", lambda result: self._done(result, rejected))

    def _done(self, result: ImportResult, rejected: Sequence[RejectedFile]) -> None:
        last = result.imported[-1][1].name if result.imported else None
        self._context.refresh(last)
        self._report(_imported(result), (*rejected, *result.refused))

    def _report(self, imported: Sequence[str], rejected: Sequence[RejectedFile]) -> None:
        lines = [
            *imported,
            *(f"{rejection.path.name}: {rejection.reason}" for rejection in rejected),
        ]
        # A folder full of broken files must not push the panel off the screen.
        more = [f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
        lines = lines[:_MOST_LINES] + more
        self._context.message.show_text("\n".join(lines), "error" if rejected else "notice")


def _imported(result: ImportResult) -> list[str]:
    lines = []
    for plan, entry in result.imported:
        is_free = entry.name == plan.wanted
        reason = "" if is_free else f", since the name '{plan.wanted}' is taken"
        lines.append(f"Imported as '{entry.name}'{reason}.")
    return lines


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

    Without a window they are imported at once, and napari shows notifications about it.

    Parameters
    ----------
    path : str or sequence of str
        The file or files.

    Returns
    -------
    list of tuple
        npe2's sign that there is no layer to add.
    """
    paths = [Path(item) for item in ([path] if isinstance(path, str) else path)]
    viewer = napari.current_viewer()
    if viewer is None:
        _import_at_once(paths)
    else:
        show_panel(viewer, MODELS_PANEL, "Models").imports.offer(paths)
    return _NO_LAYER


def _import_at_once(paths: Sequence[Path]) -> None:
    library = preferred_library()
    plans, rejected = plan_imports(library, paths)
    # Weights that are in the library already need no second copy.
    result = run(import_job(library, [plan for plan in plans if plan.duplicate is None]))
    for _, entry in result.imported:
        show_info(f"The model '{entry.name}' is in your library now.")
    for plan in plans:
        if plan.duplicate is not None:
            show_info(f"The model '{plan.duplicate.name}' is in your library already.")
    for rejection in (*rejected, *result.refused):
        show_error(f"{rejection.path.name}: {rejection.reason}")
