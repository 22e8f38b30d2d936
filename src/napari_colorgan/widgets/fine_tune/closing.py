"""Ask before the panel or napari is closed while a model is being trained."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMessageBox, QWidget

from napari_colorgan.widgets.fine_tune.runs import run_title
from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_colorgan.services.runs import TuningRun

_HEADLESS_PLATFORMS = ("offscreen", "minimal", "vnc")
_WHERE = "Plugins > ColorGAN > Fine-tune lists it under Runs, where it can be opened again."
_TOOLTIPS = (
    "Close. The training continues in a process of its own.",
    "Close. The training ends, and its best state so far is kept.",
    "Do not close (Escape).",
)


class ClosingGuard(QObject):
    """Asks whether runs shall continue, shall be stopped, or whether not to close.

    The message box does not block the program: if nobody answers, nothing hangs and the run
    continues.

    Parameters
    ----------
    panel : QWidget
        The panel; its dock and window are guarded from `install` on.
    running : callable
        Returns the active runs, which would continue without a panel.
    """

    def __init__(self, panel: QWidget, running: Callable[[], Sequence[TuningRun]]) -> None:
        super().__init__(panel)
        self.box: QMessageBox | None = None
        self._panel = panel
        self._running = running
        self._closing = False
        # The window owns the panel; a strong reference back would keep both alive when closed.
        self._find_window: Callable[[], Any] = lambda: None

    def install(self) -> None:
        """Guard the dock and the window that contain the panel now."""
        dock = _dock_of(self._panel)
        if dock is None or dock.parentWidget() is self._find_window():
            return
        self._find_window = weakref.ref(dock.parentWidget())
        dock.parentWidget().installEventFilter(self)
        # The close button of napari's docks calls this; other ways to remove a panel don't ask.
        dock.destroyOnClose = partial(_close_dock, weakref.ref(self), weakref.ref(dock))

    def disconnect(self) -> None:
        """Stop guarding."""
        window = self._find_window()
        if window is not None:
            window.removeEventFilter(self)
        self._find_window = lambda: None

    def ask_or_close(self, close: Callable[[], object]) -> None:
        """Close at once if no run is active, else as the user answers.

        Parameters
        ----------
        close : Callable[[], object]
            Called once the user agrees.
        """
        runs = self._running()
        if not runs:
            close()
        elif self.box is not None:
            self.box.raise_()
        else:
            self._ask(runs, close)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the window open while the question waits for its answer."""
        if event is None or event.type() != QEvent.Type.Close or not self._may_ask():
            return False
        if not self._running():
            return False
        event.ignore()
        self.ask_or_close(self._close_window)
        return True

    def _may_ask(self) -> bool:
        """Return whether a user can see the question, and closing can still be cancelled."""
        app, window = QApplication.instance(), self._find_window()
        if self._closing or window is None or app is None or app.isSavingSession():
            return False
        if QApplication.platformName() in _HEADLESS_PLATFORMS or not window.isVisible():
            return False
        # `Viewer.close` destroys the canvas before the window, and then there is no way back.
        middle = window.centralWidget()
        return any(w.isVisible() for w in middle.findChildren(QWidget)) if middle else False

    def _ask(self, runs: Sequence[TuningRun], close: Callable[[], object]) -> None:
        box = self.box = QMessageBox(self._find_window())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowModality(Qt.WindowModality.WindowModal)
        box.setWindowTitle("A model is being trained")
        box.setText(f"Training in progress: {', '.join(map(run_title, runs))}.")
        box.setInformativeText(_WHERE)
        roles = QMessageBox.ButtonRole
        leave = box.addButton("&Keep running", roles.AcceptRole)
        stop = box.addButton("&Stop and keep", roles.DestructiveRole)
        stay = box.addButton("&Don't close", roles.RejectRole)
        names = ("keep_running", "stop", "stay")
        for button, name, tooltip in zip((leave, stop, stay), names, _TOOLTIPS, strict=True):
            button.setObjectName(name)
            describe(button, button.text().replace("&", ""), tooltip)
        box.setDefaultButton(leave)
        box.setEscapeButton(stay)

        def answer() -> None:
            choice, self.box = box.clickedButton(), None
            if choice is stop:
                for run in runs:
                    run.stop()
            if choice in (leave, stop):
                self._closing = True
                close()
                self._closing = False

        box.finished.connect(answer)
        box.show()

    def _close_window(self) -> None:
        window = self._find_window()
        # Ctrl+Q closes all windows, the window's cross only this one.
        window.close(quit_app=getattr(window, "_quit_app", False))


def _close_dock(
    guard: Callable[[], ClosingGuard | None], dock: Callable[[], QDockWidget | None]
) -> None:
    closing_dock, closing_guard = dock(), guard()
    if closing_dock is None:
        return
    close = partial(type(closing_dock).destroyOnClose, closing_dock)
    close() if closing_guard is None else closing_guard.ask_or_close(close)


def _dock_of(panel: QWidget) -> Any:
    """Return the napari dock that contains a panel, or None."""
    widget: QWidget | None = panel
    while widget is not None and not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget if hasattr(widget, "destroyOnClose") else None
