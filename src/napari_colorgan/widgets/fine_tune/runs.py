"""The list of runs: active, finished and interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.errors import ColorganError
from napari_colorgan.widgets.shared.closing import Answer, ClosingQuestion
from napari_colorgan.widgets.shared.controls import Fold, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.services.runs import TuningRun

_ROLE = Qt.ItemDataRole.UserRole
_LIST_HEIGHT = 90


class RunsFold(Fold):
    """A list of runs with their states; its buttons only emit signals."""

    watch_requested = Signal(object)
    report_requested = Signal(object)
    delete_requested = Signal(object)

    def __init__(self) -> None:
        self.list = QListWidget()
        self.watch = QPushButton("Show")
        self.report = QPushButton("Report")
        self.delete = QPushButton("Delete")
        self._none = QLabel("None yet.")
        super().__init__("Runs", "Active, finished and interrupted runs.", self._page())
        self.list.itemSelectionChanged.connect(self._update)
        self.list.itemDoubleClicked.connect(lambda _: self._emit(self.watch_requested))
        self.watch.clicked.connect(lambda: self._emit(self.watch_requested))
        self.report.clicked.connect(lambda: self._emit(self.report_requested))
        self.delete.clicked.connect(lambda: self._emit(self.delete_requested))
        self.set_runs([])

    def _page(self) -> QWidget:
        page = QWidget()
        self.list.setFixedHeight(_LIST_HEIGHT)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        describe(self.list, "Runs", "Runs, the newest first.")
        describe(
            self.watch,
            "Show",
            "Show the run's curves and result. An interrupted run can be resumed there.",
        )
        describe(self.report, "Report", "Open the run's report in the browser.")
        describe(self.delete, "Delete", "Delete the run's folder; models in the library are kept.")
        row = QHBoxLayout()
        for button in (self.watch, self.report, self.delete):
            row.addWidget(button, 1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._none)
        layout.addWidget(self.list)
        layout.addLayout(row)
        return page

    def set_runs(self, runs: Sequence[TuningRun]) -> None:
        """List these runs; the selection is kept.

        Parameters
        ----------
        runs : sequence of TuningRun
            The newest first.
        """
        chosen = {item.data(_ROLE).path for item in self.list.selectedItems()}
        self.list.clear()
        for run in runs:
            item = QListWidgetItem(f"{run_title(run)}: {run.state}")
            item.setData(_ROLE, run)
            item.setToolTip(str(run.path))
            self.list.addItem(item)
            if run.path in chosen:
                self.list.setCurrentItem(item)
        for widget in (self.list, self.watch, self.report, self.delete):
            widget.setVisible(bool(runs))
        self._none.setVisible(not runs)
        self._update()

    def _update(self) -> None:
        chosen = bool(self.list.selectedItems())
        for button in (self.watch, self.report, self.delete):
            button.setEnabled(chosen)

    def _emit(self, signal: Signal) -> None:
        items = self.list.selectedItems()
        if items:
            signal.emit(items[0].data(_ROLE))


def closing_question(runs: Sequence[TuningRun]) -> ClosingQuestion | None:
    """Return what to ask before the panel is closed over active runs, None without any.

    Parameters
    ----------
    runs : sequence of TuningRun
        The active ones.
    """
    if not runs:
        return None

    def stop() -> None:
        for run in runs:
            run.stop()

    return ClosingQuestion(
        "A model is being trained",
        f"Training in progress: {', '.join(map(run_title, runs))}.",
        "Plugins > ColorGAN > Fine-tune lists it under Runs, where it can be opened again.",
        (
            Answer(
                "keep_running",
                "&Keep running",
                "Close. The training continues in a process of its own.",
            ),
            Answer(
                "stop",
                "&Stop and keep",
                "Close. The training ends, and its best state so far is kept.",
                stop,
            ),
        ),
    )


def run_title(run: TuningRun) -> str:
    """Return a run's title: the name of its model and the minute in which it started.

    Parameters
    ----------
    run : TuningRun
        Any run; one without a readable request goes by its folder's name.
    """
    try:
        return f"{run.request.name} ({run.path.name[:15]})"
    except ColorganError:
        return run.path.name
