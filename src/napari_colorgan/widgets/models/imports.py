"""Import model files: asked where that is needed, told what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_colorgan.services.import_models import (
    ImportPlan,
    ImportResult,
    RejectedFile,
    import_job,
    import_question,
    plan_imports,
)
from napari_colorgan.widgets.shared.ask_bar import Question

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_colorgan.widgets.models.context import ModelsContext

_MOST_LINES = 4


class ModelImports:
    """Takes files into the library."""

    def __init__(self, desk: ModelsContext) -> None:
        self._desk = desk
        self._offered: tuple[Path, ...] = ()

    def take(self, paths: Sequence[Path]) -> None:
        """Import files that the user has chosen; ask only about weights that are there already."""
        plans, refused = plan_imports(self._desk.library(), paths)
        self._tell((), refused)
        fresh = [plan for plan in plans if plan.duplicate is None]
        twins = [plan for plan in plans if plan.duplicate is not None]
        if fresh:
            self._start(fresh, refused)
        if twins:
            self._ask(twins, alone=not fresh and not refused)

    def offer(self, paths: Sequence[Path]) -> None:
        """Ask whether files shall be imported that were opened in the viewer."""
        # napari hands over several dropped files one by one: one question for all.
        earlier = self._offered if self._desk.ask.asking else ()
        self._offered = (*earlier, *(path for path in paths if path not in earlier))
        plans, refused = plan_imports(self._desk.library(), self._offered)
        self._tell((), refused)
        if plans:
            self._ask(plans, alone=not refused)

    def _ask(self, plans: Sequence[ImportPlan], *, alone: bool = True) -> None:
        def declined() -> None:
            # What has been said of other files stays.
            if alone:
                self._desk.message.say("Nothing was imported.")

        self._desk.ask.ask(
            Question(
                import_question(plans),
                "Import",
                on_yes=lambda: self._start(plans, ()),
                on_no=declined,
            )
        )

    def _start(self, plans: Sequence[ImportPlan], refused: Sequence[RejectedFile]) -> None:
        job = import_job(self._desk.library(), plans)
        self._desk.tasks.add(job, "Importing…", lambda result: self._done(result, refused))

    def _done(self, result: ImportResult, refused: Sequence[RejectedFile]) -> None:
        last = result.imported[-1][1].name if result.imported else None
        self._desk.refresh(last)
        self._tell(_imported(result), (*refused, *result.refused))

    def _tell(self, imported: Sequence[str], refused: Sequence[RejectedFile]) -> None:
        lines = [*imported, *(f"{refusal.path.name}: {refusal.reason}" for refusal in refused)]
        # A folder full of broken files must not push the panel off the screen.
        more = [f"… and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
        lines = lines[:_MOST_LINES] + more
        self._desk.message.say("\n".join(lines), "error" if refused else "notice")


def _imported(result: ImportResult) -> list[str]:
    lines = []
    for plan, entry in result.imported:
        own_name = plan.source.card.name
        taken = "" if entry.name == own_name else f", since the name '{own_name}' is taken"
        lines.append(f"Imported as '{entry.name}'{taken}.")
    return lines
