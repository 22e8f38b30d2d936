"""The hints and the live preview: likely colours of the selected place, and where to go next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_colorgan.errors import ColorganError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.services.live.guided_preview import PlaneDetails, SuggestedPlace
    from napari_colorgan.widgets.colorize.plan import RunPlan
    from napari_colorgan.widgets.colorize.preview import LivePreview
    from napari_colorgan.widgets.hints.controller import HintsController

# Places that are suggested at once; N goes through them.
_SUGGESTIONS = 9


class LiveHints(QObject):
    """Asks the preview's session what the section *Hints* wants to know.

    Parameters
    ----------
    hints : HintsController
        The section.
    preview : LivePreview
        Has the prediction of the plane on view.
    plan : callable
        Returns the plan of the panel as it is.
    parent : QObject
        The owner.
    """

    def __init__(
        self,
        hints: HintsController,
        preview: LivePreview,
        plan: Callable[[], RunPlan],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._hints = hints
        self._preview = preview
        self._plan = plan
        self._suggestions: list[SuggestedPlace] = []
        self._suggested_for: Any = None
        hints.place_changed.connect(self._follow_place)
        hints.next_requested.connect(self._go_next)
        preview.details_known.connect(self._show_details)
        hints.section.references.match_toggled.connect(self._match_toggled)
        preview.places_known.connect(self._take_suggestions)

    def _follow_place(self) -> None:
        self._preview.follow(self._hints.selected_place())

    def _show_details(self, place: tuple[float, float] | None, details: PlaneDetails) -> None:
        colors, section = details.colors, self._hints.section
        if colors is not None and self._hints.selected_place() == place:
            section.chooser.show_likely(colors.now, colors.likely)
        section.references.show_scores(details.scores)
        match = details.match if section.references.match.isChecked() else None
        self._hints.matches.show(match)

    def _match_toggled(self, is_on: bool) -> None:
        if not is_on:
            self._hints.matches.show(None)
        self._preview.show_match(is_on)

    def _go_next(self) -> None:
        """Go to the next suggestion; ask anew on a plane that the user chose, or at the end."""
        try:
            plan = self._plan()
        except ColorganError as error:
            self._hints.section.show_message(str(error))
            return
        if self._suggestions and self._suggested_for == (plan.layer, plan.first):
            self._show_next()
            return
        self._suggested_for = (plan.layer, plan.first)
        self._hints.section.show_message("Looking for the place where a hint helps most…")
        self._preview.ask_places(plan, _SUGGESTIONS)

    def _take_suggestions(self, suggestions: list[SuggestedPlace] | None) -> None:
        self._suggestions = list(suggestions or ())
        if self._suggestions:
            self._show_next()
        else:
            given_up = suggestions is None
            self._hints.section.show_message("" if given_up else "No place needs a hint.")

    def _show_next(self) -> None:
        suggestion = self._suggestions.pop(0)
        layer, _ = self._suggested_for
        self._suggested_for = (layer, suggestion.index)
        self._hints.section.show_message("")
        self._hints.show_plane(suggestion.index)
        self._hints.show_place(suggestion.place)
        self._hints.mark_place(suggestion.place, suggestion.likely)
