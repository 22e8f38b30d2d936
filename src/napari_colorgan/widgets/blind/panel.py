"""Plugins > ColorGAN > Blind comparison: judge layers without knowing which is which."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.errors import ColorganError
from napari_colorgan.home import data_folder
from napari_colorgan.services.blind.session import BlindSession
from napari_colorgan.services.blind.study import HIGHEST, LOWEST, Study
from napari_colorgan.services.blind.tally import as_rows, count_votes
from napari_colorgan.widgets.blind.planes import (
    LayerPlanes,
    NamelessLayers,
    is_comparable,
    letter,
)
from napari_colorgan.widgets.shared.controls import Combo, add_row, describe, new_form
from napari_colorgan.widgets.shared.help import HelpLink
from napari_colorgan.widgets.shared.layers import Subscriptions
from napari_colorgan.widgets.shared.messages import Message
from napari_colorgan.widgets.shared.panel_area import PanelArea

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.viewer import Viewer
    from qtpy.QtGui import QKeyEvent

_MODES = (("choose", "choosing one"), ("rate", "scores 1 to 5"))
# napari's docks whose thumbnails and names would tell which candidate is which.
_TELLING_DOCKS = ("layer list", "layer controls")
_LIST_HEIGHT = 200
_HOW = {
    "choose": "Which picture's colours are more believable? Press its letter, or 0 if you see no "
    "difference.",
    "rate": "How believable are the colours of picture {}? Press 1 (bad) to 5 (excellent).",
}


class BlindWidget(QWidget):
    """A list of layers to tick, and the questions about them.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers are judged.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.session: BlindSession | None = None
        self._planes: LayerPlanes | None = None
        self._shown = NamelessLayers(napari_viewer)
        self.list = QListWidget()
        self.mode = Combo(_MODES)
        self.start_button = QPushButton("Start")
        self.question = QLabel()
        self.answers = QWidget()
        self.message = Message()
        self._hidden_docks: list[QDockWidget] = []
        self._events = Subscriptions()
        self._build()
        layers = self.viewer.layers.events
        for emitter in (layers.inserted, layers.removed, layers.renamed, layers.reordered):
            self._events.add(emitter, self._list_layers)
        self.destroyed.connect(self._events.clear)
        self._list_layers()

    def _build(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        describe(
            self.list,
            "Layers to compare",
            "Tick two or more colour layers of the same image: results, or the true colours.",
        )
        describe(self.start_button, "Start", "Show the layers side by side, without names.")
        self.start_button.clicked.connect(self._start_or_stop)
        self.question.setWordWrap(True)
        QHBoxLayout(self.answers).setContentsMargins(0, 0, 0, 0)
        form = new_form()
        add_row(form, "Judge by", self.mode, "Judge by", "Choose one picture, or rate each.")
        inner = QWidget()
        column = QVBoxLayout(inner)
        self.list.setMaximumHeight(_LIST_HEIGHT)
        column.addWidget(self.list)
        column.addLayout(form)
        for widget in (self.question, self.answers, self.message):
            column.addWidget(widget)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addWidget(PanelArea(inner), 1)
        layout.addWidget(self.start_button)
        layout.addWidget(HelpLink("blind"))

    @property
    def chosen(self) -> list[Any]:
        """The layers that are ticked."""
        items = [self.list.item(row) for row in range(self.list.count())]
        ticked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
        names = {item.text() for item in ticked}
        return [layer for layer in self.viewer.layers if layer.name in names]

    def start(self) -> None:
        """Show the first pictures that are not judged yet; problems are shown in the panel."""
        self.message.show_text("")
        try:
            self._planes = LayerPlanes.of_layers(self.chosen)
            study, votes = self._study(self._planes)
            self.session = BlindSession(study, votes, self.mode.value)
        except ColorganError as error:
            self.message.show_text(str(error), "error")
            return
        if self.session.trial is None:
            # Everything was judged before: the votes are kept, and new ones are asked for.
            votes.replace(votes.with_name(f"{votes.stem} {self.session.ballot.voter}.json"))
            self.session = BlindSession(study, votes, self.mode.value)
        elif self.session.done:
            total = len(study.trials)
            self.message.show_text(f"Continued: {self.session.done} of {total} were judged before.")
        self._set_running(running=True)
        self._ask()

    def stop(self) -> None:
        """Put the viewer back, and show what the votes so far say."""
        session, self.session = self.session, None
        self._shown.remove()
        self._set_running(running=False)
        if session is not None and session.ballot.votes:
            self.message.show_text(_outcome(session, _folder()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Answer by letter or digit; Left goes back, Escape stops."""
        text, session = event.text().upper(), self.session
        if session is None:
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.stop()
        elif event.key() == Qt.Key.Key_Left:
            session.back()
            self._ask()
        elif session.mode == "choose" and text == "0":
            self._choose(None)
        elif session.mode == "choose" and len(text) == 1 and text.isalpha():
            self._choose(ord(text) - ord("A"))
        elif session.mode == "rate" and len(text) == 1 and text.isdigit():
            self._rate(int(text))

    def event(self, event: QEvent | None) -> bool:
        """Put the viewer back when napari closes the panel, which removes it from its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self._events.clear()
            self.stop()
        return bool(super().event(event))

    def _study(self, planes: LayerPlanes) -> tuple[Study, Path]:
        """Return the study of these layers, the earlier one if there is one, and its votes."""
        study = planes.study()
        key, votes = _folder() / f"{study.id}.key.json", _folder() / f"{study.id}.votes.json"
        if key.exists():
            return Study.load(key), votes
        key.parent.mkdir(parents=True, exist_ok=True)
        study.save(key)
        return study, votes

    def _start_or_stop(self) -> None:
        if self.session is None:
            self.start()
        else:
            self.stop()

    def _set_running(self, *, running: bool) -> None:
        self.start_button.setText("Stop" if running else "Start")
        self._hide_docks(hide=running)
        for widget in (self.list, self.mode):
            widget.setEnabled(not running)
        for widget in (self.question, self.answers):
            widget.setVisible(running)
        if running:
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _hide_docks(self, *, hide: bool) -> None:
        """Hide what tells the candidates apart, or show again what was hidden."""
        docks, self._hidden_docks = self._hidden_docks, []
        for dock in docks:
            dock.show()
        if hide:
            for dock in self.window().findChildren(QDockWidget):
                if dock.objectName() in _TELLING_DOCKS and dock.isVisible():
                    dock.hide()
                    self._hidden_docks.append(dock)

    def _ask(self) -> None:
        session = self.session
        if session is None or self._planes is None:
            return
        if session.trial is None:
            self.stop()
            return
        candidates = session.study.trials[session.trial].candidates
        planes = [self._planes.read(candidates[c], session.trial) for c in session.candidates]
        first = next(iter(self._planes.layers.values()))
        self._shown.show(planes, tuple(first.scale[-2:]))
        text = _HOW[session.mode].format(letter(session.current))
        self.question.setText(f"{session.done} of {len(session.study.trials)} judged. {text}")
        self._show_answers(session)
        # Only here do letters and digits answer; over the canvas they are napari's.
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_answers(self, session: BlindSession) -> None:
        layout = self.answers.layout()
        while layout.count():
            layout.takeAt(0).widget().deleteLater()
        answers: list[tuple[str, Callable[[], None]]]
        if session.mode == "choose":
            numbers = range(len(session.candidates))
            answers = [(letter(n), partial(self._choose, n)) for n in numbers]
            answers.append(("No difference", partial(self._choose, None)))
        else:
            answers = [(str(n), partial(self._rate, n)) for n in range(LOWEST, HIGHEST + 1)]
        for text, answer in answers:
            button = QPushButton(text)
            # The keys stay with the panel.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            # Qt hands over whether the button is checked.
            button.clicked.connect(lambda _checked, answer=answer: answer())
            layout.addWidget(button)

    def _choose(self, number: int | None) -> None:
        if self.session is not None:
            self._vote(lambda: self.session.choose(number))

    def _rate(self, score: int) -> None:
        if self.session is not None:
            self._vote(lambda: self.session.rate(score))

    def _vote(self, vote: Any) -> None:
        try:
            vote()
        except ColorganError as error:
            self.message.show_text(str(error), "error")
            return
        self.message.show_text("")
        self._ask()

    def _list_layers(self, *_: Any) -> None:
        if self.session is not None:
            removed = [layer for layer in self._shown.layers if layer not in self.viewer.layers]
            if removed:
                self.stop()
            return
        ticked = {layer.name for layer in self.chosen}
        self.list.clear()
        for layer in reversed(self.viewer.layers):
            if is_comparable(layer):
                item = QListWidgetItem(layer.name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                is_ticked = layer.name in ticked
                item.setCheckState(Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked)
                self.list.addItem(item)


def _folder() -> Path:
    return data_folder() / "blind"


def _outcome(session: BlindSession, folder: Path) -> str:
    """Return the votes as sentences, the preferred layer first."""
    tally = count_votes(session.study, [session.ballot])
    lines = []
    for method, preferred, compared, score, rated in as_rows(tally)[1:]:
        parts = []
        if compared != "0":
            parts.append(f"preferred {preferred} of {compared} times")
        if rated != "0":
            parts.append(f"opinion score {score} of {rated}")
        lines.append(f"{method}: {'; '.join(parts) or 'not judged'}.")
    if tally.no_difference:
        lines.append(f"No difference: {tally.no_difference} times.")
    lines.append("In brackets: 95 % intervals.")
    lines.append(f"The votes are in {folder}.")
    return "\n".join(lines)
