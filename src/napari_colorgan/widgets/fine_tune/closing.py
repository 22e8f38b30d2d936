"""Ask before a panel or napari is closed while a training is under way."""

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

_UNSEEN_PLATFORMS = ("offscreen", "minimal", "vnc")
_WHERE = "Plugins > ColorGAN > Fine-tune lists it under Runs, and takes it up again."
_TOOLTIPS = (
    "Close; the training goes on in a process of its own.",
    "Close; the training ends with the best state that it has reached.",
    "Leave all as it is (Escape).",
)


class ClosingGuard(QObject):
    """Asks whether to leave runs going, to stop them, or not to close.

    The question is a box that waits beside the program instead of holding it up: where nobody
    answers, nothing hangs, and the run goes on.

    Parameters
    ----------
    panel : QWidget
        The panel; its dock and window are guarded from `install` on.
    running : callable
        Returns the runs that would go on unseen.
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
        """Guard the dock and the window that the panel lies in by now."""
        dock = _dock_of(self._panel)
        if dock is None or dock.parentWidget() is self._find_window():
            return
        self._find_window = weakref.ref(dock.parentWidget())
        dock.parentWidget().installEventFilter(self)
        # What the cross of napari's docks calls; other ways to take a panel out don't ask.
        dock.destroyOnClose = partial(_cross_pressed, weakref.ref(self), weakref.ref(dock))

    def disconnect(self) -> None:
        """Guard nothing any more."""
        window = self._find_window()
        if window is not None:
            window.removeEventFilter(self)
        self._find_window = lambda: None

    def ask_or_close(self, close: Callable[[], object]) -> None:
        """Close at once if nothing is under way, else as the answer says."""
        runs = self._running()
        if not runs:
            close()
        elif self.box is not None:
            self.box.raise_()
        else:
            self._ask(runs, close)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Hold the window open while it is asked what shall become of its runs."""
        if event is None or event.type() != QEvent.Type.Close or not self._may_ask():
            return False
        if not self._running():
            return False
        event.ignore()
        self.ask_or_close(self._close_window)
        return True

    def _may_ask(self) -> bool:
        """Return whether there is somebody to ask, and closing can still be called off."""
        app, window = QApplication.instance(), self._find_window()
        if self._closing or window is None or app is None or app.isSavingSession():
            return False
        if QApplication.platformName() in _UNSEEN_PLATFORMS or not window.isVisible():
            return False
        # `Viewer.close` takes the canvas down before the window: there is no way back.
        middle = window.centralWidget()
        return any(w.isVisible() for w in middle.findChildren(QWidget)) if middle else False

    def _ask(self, runs: Sequence[TuningRun], close: Callable[[], object]) -> None:
        box = self.box = QMessageBox(self._find_window())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowModality(Qt.WindowModality.WindowModal)
        box.setWindowTitle("A training is under way")
        box.setText(f"Still being trained: {', '.join(map(run_title, runs))}.")
        box.setInformativeText(_WHERE)
        roles = QMessageBox.ButtonRole
        leave = box.addButton("&Leave it running", roles.AcceptRole)
        stop = box.addButton("&Stop and keep", roles.DestructiveRole)
        stay = box.addButton("&Don't close", roles.RejectRole)
        for button, tooltip in zip((leave, stop, stay), _TOOLTIPS, strict=True):
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


def _cross_pressed(
    guard: Callable[[], ClosingGuard | None], dock: Callable[[], QDockWidget | None]
) -> None:
    found, asking = dock(), guard()
    if found is None:
        return
    close = partial(type(found).destroyOnClose, found)
    close() if asking is None else asking.ask_or_close(close)


def _dock_of(panel: QWidget) -> Any:
    """Return the napari dock that a panel lies in, or None."""
    widget: QWidget | None = panel
    while widget is not None and not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget if hasattr(widget, "destroyOnClose") else None
