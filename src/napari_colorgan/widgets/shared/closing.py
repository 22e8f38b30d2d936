"""Ask before a panel, or napari with it, is closed while something is under way."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMessageBox, QWidget

from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADLESS_PLATFORMS = ("offscreen", "minimal", "vnc")


@dataclass(frozen=True)
class Answer:
    """An answer after which the panel is closed.

    Attributes
    ----------
    name : str
        The button's object name.
    text, tooltip : str
        Those of its button.
    action : callable or None
        What is done before.
    """

    name: str
    text: str
    tooltip: str
    action: Callable[[], object] | None = None


@dataclass(frozen=True)
class ClosingQuestion:
    """What is asked; "Don't close" is always one of the answers.

    Attributes
    ----------
    title, text, details : str
        Of the message box.
    answers : tuple of Answer
        The first is the default.
    """

    title: str
    text: str
    details: str
    answers: tuple[Answer, ...]


class ClosingGuard(QObject):
    """Asks what shall become of what is under way, or whether not to close.

    The message box does not block the program: if nobody answers, nothing hangs and the run
    continues.

    Parameters
    ----------
    panel : QWidget
        The panel; its dock and window are guarded from `install` on.
    question : callable
        Returns what to ask, None if nothing is under way.
    with_window : bool
        Whether to ask when napari's window is closed, too.
    """

    def __init__(
        self,
        panel: QWidget,
        question: Callable[[], ClosingQuestion | None],
        *,
        with_window: bool = True,
    ) -> None:
        super().__init__(panel)
        self.box: QMessageBox | None = None
        self._panel = panel
        self._question = question
        self._with_window = with_window
        self._closing = False
        # The window owns the panel; a strong reference back would keep both alive when closed.
        self._find_window: Callable[[], Any] = lambda: None

    def install(self) -> None:
        """Guard the dock and the window that contain the panel now."""
        dock = _dock_of(self._panel)
        if dock is None or dock.parentWidget() is self._find_window():
            return
        self._find_window = weakref.ref(dock.parentWidget())
        if self._with_window:
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
        """Close at once if nothing is under way, else as the user answers.

        Parameters
        ----------
        close : Callable[[], object]
            Called once the user agrees.
        """
        question = self._question()
        if question is None:
            close()
        elif self.box is not None:
            self.box.raise_()
        else:
            self._ask(question, close)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the window open while the question waits for its answer."""
        if event is None or event.type() != QEvent.Type.Close or not self._may_ask():
            return False
        if self._question() is None:
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

    def _ask(self, question: ClosingQuestion, close: Callable[[], object]) -> None:
        box = self.box = QMessageBox(self._find_window())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowModality(Qt.WindowModality.WindowModal)
        box.setWindowTitle(question.title)
        box.setText(question.text)
        box.setInformativeText(question.details)
        roles = QMessageBox.ButtonRole
        chosen: dict[Any, Answer] = {}
        for number, answer in enumerate(question.answers):
            role = roles.DestructiveRole if number else roles.AcceptRole
            button = box.addButton(answer.text, role)
            button.setObjectName(answer.name)
            describe(button, answer.text.replace("&", ""), answer.tooltip)
            chosen[button] = answer
            if number == 0:
                box.setDefaultButton(button)
        stay = box.addButton("&Don't close", roles.RejectRole)
        stay.setObjectName("stay")
        describe(stay, "Don't close", "Do not close (Escape).")
        box.setEscapeButton(stay)

        def finish() -> None:
            answer, self.box = chosen.get(box.clickedButton()), None
            if answer is None:
                return
            if answer.action is not None:
                answer.action()
            self._closing = True
            close()
            self._closing = False

        box.finished.connect(finish)
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
