"""Plugins > ColorGAN > Colorize a folder: the command line's service, with a button."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.events import FileDone, FileFailed, FileStarted, Notice, PlaneDone, Started
from napari_colorgan.home import expand
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.services.files.colorize import FilesRequest, colorize_files
from napari_colorgan.settings import declared
from napari_colorgan.texts import printable
from napari_colorgan.widgets.shared.controls import add_row, describe, new_form
from napari_colorgan.widgets.shared.help import PanelFoot
from napari_colorgan.widgets.shared.messages import Message
from napari_colorgan.widgets.shared.model_picker import ModelPicker, PreferredLibrary
from napari_colorgan.widgets.shared.options import Options
from napari_colorgan.widgets.shared.panel_area import PanelArea
from napari_colorgan.widgets.shared.preferences import load_preferences
from napari_colorgan.widgets.shared.setting_rows import SettingRow
from napari_colorgan.widgets.shared.worker import JobHandlers, JobRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.events import Event, Job
    from napari_colorgan.services.files.colorize import FilesResult
    from napari_colorgan.widgets.shared.model_picker import Library

_LIST_HEIGHT = 110
_BUTTON_HEIGHT = 32
_ROWS = ("strength", "dtype")


class FolderField(QWidget):
    """A folder's path, typed or chosen in the system's dialog."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path = QLineEdit()
        self.choose = QPushButton("…")
        self.choose.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.path)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.path, 1)
        layout.addWidget(self.choose)
        self.path.textChanged.connect(self.changed)
        self.choose.clicked.connect(self._choose)

    @property
    def folder(self) -> Path | None:
        """The folder, None while the field is empty."""
        text = self.path.text().strip()
        return expand(text) if text else None

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a folder", self.path.text())
        if folder:
            self.path.setText(folder)


class FolderWidget(QWidget):
    """The panel: two folders, a model, a button, and the list of files that failed.

    Parameters
    ----------
    job_factory : callable, optional
        Returns the job of a request; by default the service's.
    library : Library, optional
        The models to choose from; by default those of the folders in napari's Preferences.
    """

    def __init__(
        self,
        *,
        job_factory: Callable[[FilesRequest], Job[FilesResult]] = colorize_files,
        library: Library | None = None,
    ) -> None:
        super().__init__()
        self._job_factory = job_factory
        self.source, self.output = FolderField(), FolderField()
        self.model = ModelPicker(library or PreferredLibrary())
        settings = declared(PredictionSettings)
        self.rows = {name: SettingRow(settings[name]) for name in _ROWS}
        self.overwrite = QCheckBox("Replace files that are there")
        self.progress = QProgressBar()
        self.status = Message()
        self.failed = QListWidget()
        self.button = QPushButton("Run")
        self.runner = JobRunner(self)
        self._done = 0
        self._build()
        self.button.clicked.connect(self._pressed)
        self.model.currentIndexChanged.connect(self._model_changed)
        for field in (self.source, self.output):
            field.changed.connect(self._update)
        self.model.choose(Options.model)
        self._model_changed()
        self._update()

    def _build(self) -> None:
        form = QWidget()
        rows = new_form()
        add_row(
            rows, "Folder", self.source, "Folder", "The folder with the images; its folders too."
        )
        add_row(
            rows,
            "Results",
            self.output,
            "Results",
            "The folder for the colour images. It is made if it isn't there; the structure of "
            "folders and the names of files are kept.",
        )
        add_row(rows, "Model", self.model, "Model", "The model that predicts the colours.")
        for row in self.rows.values():
            row.add_to(rows)
        describe(self.overwrite, "Replace", "Replace results of earlier runs; inputs never are.")
        rows.addRow("", self.overwrite)
        page = QVBoxLayout(form)
        page.setContentsMargins(0, 0, 0, 0)
        page.addLayout(rows)
        page.addWidget(self.failed)
        page.addStretch(1)
        describe(self.failed, "Failed files", "Files that could not be colorized, and why.")
        self.failed.setMinimumHeight(_LIST_HEIGHT)
        self.failed.setWordWrap(True)
        self.failed.hide()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.hide()
        self.button.setMinimumHeight(_BUTTON_HEIGHT)
        layout = QVBoxLayout(self)
        layout.addWidget(PanelArea(form), 1)
        for widget in (self.status, self.progress, self.button, PanelFoot("folder")):
            layout.addWidget(widget)

    def start(self) -> None:
        """Colorize the folder's files; errors are shown in the panel."""
        self.status.show_text("")
        self.failed.clear()
        self.failed.hide()
        try:
            request = self._request()
        except ColorganError as error:
            self.status.show_text(str(error), "error")
            return
        self._done = 0
        self.progress.setRange(0, 0)
        self.progress.show()
        self.button.setText("Cancel")
        handlers = JobHandlers(self._event, self._finished, self._failed, self._cancelled)
        self.runner.start(self._job_factory(request), "colorizing a folder", handlers)

    def event(self, event: QEvent | None) -> bool:
        """Stop when napari closes the panel, which removes it from its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self.runner.shut_down()
        return bool(super().event(event))

    def _request(self) -> FilesRequest:
        self.model.require()
        source, output = self.source.folder, self.output.folder
        if source is None or not source.is_dir():
            raise InputError(
                expected="a folder with images",
                got="none" if source is None else f"'{source}', which is none",
                action="Choose the folder.",
            )
        if output is None:
            raise InputError(
                expected="a folder for the results", got="none", action="Choose the folder."
            )
        preferences = load_preferences()
        settings = PredictionSettings(
            **{name: row.value for name, row in self.rows.items()},
            device=preferences.device,
            precision=preferences.precision,
            memory_limit=preferences.memory_limit,
        )
        entry = self.model.entry
        assert entry is not None
        return FilesRequest(
            [source], output, entry.path, settings, overwrite=self.overwrite.isChecked()
        )

    def _event(self, event: Event) -> None:
        if isinstance(event, Started) and event.unit == "file":
            self.progress.setRange(0, event.total)
            self._total = event.total
        elif isinstance(event, FileStarted):
            self._name = printable(Path(event.path).name)
            self.status.show_text(f"{event.number} of {event.total}: {self._name}")
        elif isinstance(event, PlaneDone) and event.total > 1:
            self.status.show_text(f"{self._name}: plane {event.done} of {event.total}")
        elif isinstance(event, FileDone | FileFailed):
            self._done += 1
            self.progress.setValue(self._done)
            if isinstance(event, FileFailed):
                self._list_failure(event)
        elif isinstance(event, Notice):
            self.status.show_text(event.text)

    def _list_failure(self, event: FileFailed) -> None:
        item = QListWidgetItem(f"{printable(Path(event.path).name)}: {printable(event.error)}")
        item.setToolTip(printable(event.path))
        self.failed.addItem(item)
        self.failed.show()

    def _finished(self, result: FilesResult) -> None:
        self._end()
        done, failed = len(result.done), len(result.failed)
        text = f"Done: {_files(done)} in “{self.output.folder}”."
        if failed:
            text += f" {_files(failed)} failed, see the list."
        self.status.show_text(text)

    def _failed(self, error: Exception) -> None:
        self._end()
        self.status.show_text(str(error), "error")

    def _cancelled(self) -> None:
        done = self._done - self.failed.count()
        self._end()
        self.status.show_text(f"Cancelled; {_files(done)} done, and kept.")

    def _end(self) -> None:
        self.progress.hide()
        self.button.setText("Run")
        self.button.setEnabled(True)
        self._update()

    def _pressed(self) -> None:
        if self.runner.busy and not self.runner.cancelling:
            self.button.setText("Cancelling…")
            self.button.setEnabled(False)
            self.runner.cancel()
        elif not self.runner.busy:
            self.start()

    def _model_changed(self, *_: Any) -> None:
        entry = self.model.entry
        if entry is not None:
            self.rows["strength"].suggest(entry.card.strength, keep=True)
        self._update()

    def _update(self, *_: Any) -> None:
        """Enable the button where there is something to do, and say what is missing."""
        if self.runner.busy:
            return
        missing = [
            word
            for word, field in (
                ("a folder with images", self.source),
                ("one for results", self.output),
            )
            if field.folder is None
        ]
        self.button.setEnabled(not missing and self.model.entry is not None)
        reason = f"Choose {' and '.join(missing)} first." if missing else "Colorize all files."
        describe(self.button, "Run", reason)


def _files(count: int) -> str:
    return f"{count} file" + "s" * (count != 1)
