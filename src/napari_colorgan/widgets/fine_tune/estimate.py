"""What there is to train on and what it will take, told while the form is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_colorgan.errors import ColorganError, PairError
from napari_colorgan.events import FileStarted, Started
from napari_colorgan.services.dataset.counting import (
    PlaneCounts,
    count_job,
    held_out_count,
    tally_sources,
)
from napari_colorgan.services.runs import find_runs
from napari_colorgan.services.tuning.estimate import Outlook, estimate_run, rate_of
from napari_colorgan.services.tuning.recipe import RecipeValues, recipe_values
from napari_colorgan.widgets.fine_tune.requests import sources_of
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.widgets.fine_tune.form import TrainingForm

_RECENT_RUNS = 5
_NO_COLOURS = "no colour planes in the files"


class FileCount(QObject):
    """Counts the planes in files and folders in the background; signals `changed`."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.counts: PlaneCounts | None = PlaneCounts()
        self.progress = ""
        self._paths: list[Path] = []
        self._runner = JobRunner(self)

    def count(self, paths: list[Path]) -> None:
        """Count these, if they aren't the ones that have been counted."""
        if paths == self._paths:
            return
        self._paths = list(paths)
        self.counts, self.progress = (None, "") if paths else (PlaneCounts(), "")
        if not paths:
            self._runner.cancel()
            return
        counted = self._paths

        def done(counts: PlaneCounts) -> None:
            # Another list may have come meanwhile.
            if counted is self._paths:
                self.counts = counts
                self.changed.emit()

        handlers = JobHandlers(
            self._happened,
            done,
            lambda error: done(PlaneCounts(unreadable=(str(error),))),
            lambda: None,
        )
        self._runner.start(count_job(counted), "counting training images", handlers)

    def shut_down(self) -> None:
        """Stop counting for good."""
        self._runner.shut_down()

    def _happened(self, event: Event) -> None:
        if isinstance(event, Started):
            self.progress = f"counting {event.total:,} files…"
        elif isinstance(event, FileStarted):
            self.progress = f"counting files: {event.number:,} of {event.total:,}…"
        self.changed.emit()


class TrainingEstimate(QObject):
    """Two texts about a form: what it trains on, and what that takes; signals `changed`."""

    changed = Signal()

    def __init__(self, form: TrainingForm, recipe: str | Path) -> None:
        super().__init__(form)
        self._form = form
        self._recipe = recipe
        self.files = FileCount(self)
        self.files.changed.connect(self.changed)

    @property
    def values(self) -> RecipeValues | None:
        """What the recipe means for the chosen base, None where there is none.

        Raises
        ------
        ConfigError
            If the recipe can't be read.
        """
        entry = self._form.base.entry
        return (
            None
            if entry is None
            else recipe_values(self._recipe, self._form.scale.value, entry.card)
        )

    def texts(self) -> tuple[str, str]:
        """Return what is trained on and what it takes; begins to count files that are new."""
        form = self._form
        self.files.count(form.data.paths)
        try:
            values = self.values
            layers = tally_sources(sources_of(form))
        except PairError:
            return "", ""  # It is said where the gray layer is chosen.
        except ColorganError as error:
            return str(error), ""
        if values is None:
            return "", ""
        form.settings.show_recipe(values)
        files = self.files.counts
        whole = layers + (files or PlaneCounts())
        return self._data_text(layers, files, values), self._cost_text(whole, values)

    def _data_text(
        self, layers: PlaneCounts, files: PlaneCounts | None, values: RecipeValues
    ) -> str:
        form = self._form
        unit = "plane" if form.region.value is None else "region"
        parts = [many(layers.planes, f"{unit} of layers")] if layers.planes else []
        if files is None:
            return "; ".join([*parts, self.files.progress or "looking for files…"])
        if form.data.paths:
            parts.append(many(files.planes, "plane in files") if files.planes else _NO_COLOURS)
        if not parts:
            return ""
        both = layers + files
        lines = [" and ".join(parts) + _seen(both, values, form.settings.size.value)]
        if both.planes:
            share = form.hold_out.value() / 100.0
            lines.append(_held_out(both.planes, share, unit if not files.planes else "plane"))
        if both.unreadable:
            count = many(len(both.unreadable), "file")
            lines.append(f"{count} can't be read, such as: {both.unreadable[0]}")
        return "\n".join(lines)

    def _cost_text(self, counts: PlaneCounts, values: RecipeValues) -> str:
        form, entry = self._form, self._form.base.entry
        if entry is None or not counts.planes:
            return ""
        epochs = form.chosen_epochs
        outlook = estimate_run(
            entry,
            values,
            counts,
            size=form.settings.size.value,
            hold_out=form.hold_out.value() / 100.0,
            minutes=form.chosen_minutes if epochs is None else None,
            epochs=epochs,
            rate=None if epochs is None else self._earlier_rate(),
        )
        return " ".join((_time(outlook), _memory(outlook), "napari stays free meanwhile."))

    def _earlier_rate(self) -> float | None:
        """Return how fast a run like this one went on this machine, if there was one."""
        form, entry = self._form, self._form.base.entry
        wanted = (form.scale.value, form.adversarial.isChecked(), str(self._recipe))
        for run in find_runs()[:_RECENT_RUNS]:
            try:
                request = run.request
            except ColorganError:
                continue
            alike = (request.scale, request.adversarial, str(request.recipe)) == wanted
            if alike and entry is not None and request.base == entry.path.absolute():
                rate = rate_of(run.poll())
                if rate is not None:
                    return rate
        return None


def many(count: int, noun: str) -> str:
    """Return a number with its noun, whose first word takes the plural."""
    first, *rest = noun.split(" ", 1)
    return " ".join([f"{count:,}", first if count == 1 else f"{first}s", *rest])


def _seen(counts: PlaneCounts, values: RecipeValues, size: int) -> str:
    if not counts.planes:
        return ""
    if values.data.scale == "fit":
        return f", each shown whole at {size} px"
    return f", {many(counts.patches(size), 'patch').replace('patchs', 'patches')} of {size} px"


def _held_out(planes: int, share: float, unit: str) -> str:
    count = held_out_count(planes, share)
    if not count:
        return f"The end of this {unit} is held out: not trained on, but measured on."
    return f"{count} of {planes:,} {unit}s held out: not trained on, but measured on."


def _time(outlook: Outlook) -> str:
    if outlook.steps is None:
        return f"Ends in about {outlook.minutes:g} minutes."
    steps = many(outlook.steps, "step")
    if outlook.minutes is None:
        return f"Takes {steps}; how long that is, the first ones tell."
    return f"Takes {steps}, about {max(outlook.minutes, 1):.0f} min at the last run's pace."


def _memory(outlook: Outlook) -> str:
    needed, free = (f"{count / 1e9:.1f} GB" for count in (outlook.memory, outlook.free))
    if outlook.memory > outlook.free:
        return (
            f"Needs about {needed} of memory, and {free} is free: close other programs or "
            "choose smaller patches under More."
        )
    return f"Needs about {needed} of memory; {free} is free."
