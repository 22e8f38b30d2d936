"""The amount of training data and the cost of a run, shown while the form is filled in."""

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
from napari_colorgan.services.tuning.estimate import RunEstimate, estimate_run, rate_of
from napari_colorgan.services.tuning.recipe import RecipeValues, recipe_values
from napari_colorgan.widgets.fine_tune.requests import layer_sources
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event
    from napari_colorgan.widgets.fine_tune.form import TrainingForm

_RECENT_RUNS = 5
_NO_COLOURS = "no colour planes in the files"


class FileCount(QObject):
    """Counts the planes in files and folders in the background; signals `changed`.

    Parameters
    ----------
    parent : QObject
        The Qt parent.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.counts: PlaneCounts | None = PlaneCounts()
        self.progress = ""
        self._paths: list[Path] = []
        self._runner = JobRunner(self)

    def count(self, paths: list[Path]) -> None:
        """Count the planes of these paths, unless they have been counted.

        Parameters
        ----------
        paths : list of Path
            Files and folders of images; an empty list counts nothing.
        """
        if paths == self._paths:
            return
        self._paths = list(paths)
        self.counts, self.progress = (None, "") if paths else (PlaneCounts(), "")
        if not paths:
            self._runner.cancel()
            return
        counted = self._paths

        def done(counts: PlaneCounts) -> None:
            # The list may have changed meanwhile.
            if counted is self._paths:
                self.counts = counts
                self.changed.emit()

        handlers = JobHandlers(
            self._count_progressed,
            done,
            lambda error: done(PlaneCounts(unreadable=(str(error),))),
            lambda: None,
        )
        self._runner.start(count_job(counted), "counting training images", handlers)

    def shut_down(self) -> None:
        """Stop; no handler is called afterwards."""
        self._runner.shut_down()

    def _count_progressed(self, event: Event) -> None:
        if isinstance(event, Started):
            self.progress = f"counting {event.total:,} files…"
        elif isinstance(event, FileStarted):
            self.progress = f"counting files: {event.number:,} of {event.total:,}…"
        self.changed.emit()


class TrainingEstimate(QObject):
    """Describes the data and the cost of the run that a form describes; signals `changed`.

    Parameters
    ----------
    form : TrainingForm
        The form whose choices count.
    recipe : str or Path
        The name of the recipe, or a TOML file.
    """

    changed = Signal()

    def __init__(self, form: TrainingForm, recipe: str | Path) -> None:
        super().__init__(form)
        self._form = form
        self.recipe = recipe
        self.files = FileCount(self)
        self.files.changed.connect(self.changed)

    @property
    def values(self) -> RecipeValues | None:
        """The recipe's values for the chosen base model, None if there is no model.

        Raises
        ------
        ConfigError
            If the recipe can't be read.
        """
        entry = self._form.base.entry
        return (
            None
            if entry is None
            else recipe_values(self.recipe, self._form.value("scale"), entry.card)
        )

    def texts(self) -> tuple[str, str]:
        """Return a text about the data and one about the cost; new files are counted."""
        form = self._form
        self.files.count(form.data.paths)
        try:
            values = self.values
            layers = tally_sources(layer_sources(form))
        except PairError:
            return "", ""  # Reported below the choice of the gray layer.
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
        parts = [count_text(layers.planes, f"{unit} of layers")] if layers.planes else []
        if files is None:
            return "; ".join([*parts, self.files.progress or "searching for files…"])
        if form.data.paths:
            parts.append(
                count_text(files.planes, "plane in files") if files.planes else _NO_COLOURS
            )
        if not parts:
            return self._empty_region_text()
        both = layers + files
        lines = [" and ".join(parts) + _patches_text(both, values, form.settings.size.value)]
        if both.planes:
            share = form.value("hold_out")
            lines.append(_held_out(both.planes, share, unit if not files.planes else "plane"))
        if both.unreadable:
            count = count_text(len(both.unreadable), "file")
            lines.append(f"{count} cannot be read, for example: {both.unreadable[0]}")
        return "\n".join(lines)

    def _empty_region_text(self) -> str:
        region = self._form.region.value
        if region is None or len(region.data):
            return ""
        return f"“{region.name}” contains no shapes: draw some, or choose another region."

    def _cost_text(self, counts: PlaneCounts, values: RecipeValues) -> str:
        form, entry = self._form, self._form.base.entry
        if entry is None or not counts.planes:
            return ""
        epochs = form.chosen_epochs
        cost = estimate_run(
            entry,
            values,
            counts,
            size=form.settings.size.value,
            hold_out=form.value("hold_out"),
            minutes=form.chosen_minutes if epochs is None else None,
            epochs=epochs,
            rate=None if epochs is None else self._earlier_rate(),
        )
        return " ".join((_time(cost), _memory(cost), "napari remains usable meanwhile."))

    def _earlier_rate(self) -> float | None:
        """Return the speed of the last run with these settings on this machine, if any."""
        form, entry = self._form, self._form.base.entry
        settings = (form.value("scale"), form.value("adversarial"), str(self.recipe))
        for run in find_runs()[:_RECENT_RUNS]:
            try:
                request = run.request
            except ColorganError:
                continue
            same = (request.scale, request.adversarial, str(request.recipe)) == settings
            if same and entry is not None and request.base == entry.path.absolute():
                rate = rate_of(run.poll())
                if rate is not None:
                    return rate
        return None


def count_text(count: int, noun: str) -> str:
    """Return a number with its noun; the first word of the noun gets the plural.

    Parameters
    ----------
    count : int
        How many there are.
    noun : str
        In the singular.
    """
    first, *rest = noun.split(" ", 1)
    return " ".join([f"{count:,}", first if count == 1 else f"{first}s", *rest])


def _patches_text(counts: PlaneCounts, values: RecipeValues, size: int) -> str:
    if not counts.planes:
        return ""
    if values.data.scale == "fit":
        return f", each shrunk to {size} px"
    return (
        f", {count_text(counts.patches(size), 'patch').replace('patchs', 'patches')} of {size} px"
    )


def _held_out(planes: int, share: float, unit: str) -> str:
    count = held_out_count(planes, share)
    if not count:
        return f"The end of this {unit} is kept for testing, not trained on."
    return f"{count} of {planes:,} {unit}s kept for testing, not trained on."


def _time(estimate: RunEstimate) -> str:
    if estimate.steps is None:
        unit = "minute" if estimate.minutes == 1 else "minutes"
        return f"Ends in about {estimate.minutes:g} {unit}."
    steps = count_text(estimate.steps, "step")
    if estimate.minutes is None:
        return f"Takes {steps}; the first ones will show how long that is."
    return f"Takes {steps}, about {max(estimate.minutes, 1):.0f} min at the speed of the last run."


def _memory(estimate: RunEstimate) -> str:
    needed, free = (f"{count / 1e9:.1f} GB" for count in (estimate.memory, estimate.free))
    if estimate.memory > estimate.free:
        return (
            f"Needs about {needed} of memory, but only {free} is free. Close other programs or "
            "choose smaller patches under Advanced."
        )
    return f"Needs about {needed} of memory; {free} is free."
