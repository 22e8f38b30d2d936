"""The section *Hints* of the Colorize panel; it computes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorgan.widgets.hints.colors import ColorChooser
from napari_colorgan.widgets.hints.layer import DEFAULT_RADIUS
from napari_colorgan.widgets.hints.planes import HintedPlanes
from napari_colorgan.widgets.hints.references import ReferenceList
from napari_colorgan.widgets.hints.sources import LabelTable, LayerTable
from napari_colorgan.widgets.shared.controls import Combo, Fold, add_row, describe, new_form

if TYPE_CHECKING:
    from qtpy.QtGui import QDragEnterEvent, QDropEvent
    from qtpy.QtWidgets import QFormLayout

_CARRIES = (
    ("", "As usual for the axis"),
    ("this", "This plane only"),
    ("forward", "Forward, until the next"),
    ("all", "All planes"),
)
_LARGEST_RADIUS = 500.0


class HintsSection(QWidget):
    """Everything with which a user decides colours."""

    files_dropped = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.add = QPushButton("Add hints")
        self.next = QPushButton("Where next?")
        self.chooser = ColorChooser()
        self.radius = QDoubleSpinBox()
        self.carry = Combo(_CARRIES)
        self.undo, self.redo = QPushButton("Undo"), QPushButton("Redo")
        self.clear = QPushButton("Clear")
        self.load, self.save = QPushButton("Load…"), QPushButton("Save…")
        self.count = QLabel()
        self.layers = LayerTable()
        self.labels = LabelTable()
        self.base = Combo()
        self.planes = HintedPlanes()
        self.references = ReferenceList()
        self.references_fold = Fold(
            "References", "Pictures whose colours are taken over.", self.references
        )
        self.consistent = QCheckBox("Consistent colours")
        self.message = QLabel()
        self.setAcceptDrops(True)
        self._carry_form = QWidget()
        self._base_form = QWidget()
        self._describe()
        self._build()
        self.show_count(0, 0)

    def _describe(self) -> None:
        for button, tooltip in (
            (
                self.add,
                "Make a layer for hints, and click colours into the picture: a few are enough, as "
                "they spread to similar places. Drag a hint to move it; Delete removes it.",
            ),
            (
                self.next,
                "Go to the place where one more hint helps most; again goes to the next best (N).",
            ),
            (self.undo, "Take the last change of the hints back (Ctrl+Z)."),
            (self.redo, "Bring it back again (Ctrl+Shift+Z)."),
            (self.clear, "Remove all hints of the hints layer."),
            (self.load, "Read hints from a CSV file and add them; files can be dropped here, too."),
            (self.save, "Write all hints to a CSV file, from which they come back exactly."),
        ):
            describe(button, button.text().rstrip("…?"), tooltip)
        self.radius.setRange(0.5, _LARGEST_RADIUS)
        self.radius.setSingleStep(0.5)
        self.radius.setDecimals(1)
        self.radius.setValue(DEFAULT_RADIUS)
        self.radius.setSuffix(" px")
        describe(
            self.consistent,
            "Consistent colours",
            "Give the same things the same colours in all planes. A plane's colours depend on the "
            "plane and on a few anchor planes, never on the plane before it.",
        )
        self.message.setWordWrap(True)
        self.message.hide()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(_row(self.add, self.next))
        layout.addWidget(self.message)
        layout.addWidget(self.chooser)
        form = new_form()
        add_row(form, "Radius", self.radius, "Radius", "The hint's radius in pixels of the image.")
        layout.addLayout(form)
        layout.addWidget(self._in_form(self._carry_form, self._carry_row))
        layout.addWidget(self.count)
        layout.addLayout(_row(self.undo, self.redo, self.clear))
        layout.addLayout(_row(self.load, self.save))
        layout.addWidget(self.planes)
        layout.addWidget(self.layers)
        layout.addWidget(self._in_form(self._base_form, self._base_row))
        layout.addWidget(self.labels)
        layout.addWidget(self.references_fold)
        layout.addWidget(self.consistent)

    @staticmethod
    def _in_form(holder: QWidget, fill: object) -> QWidget:
        form = new_form()
        holder.setLayout(form)
        fill(form)  # type: ignore[operator]
        return holder

    def _carry_row(self, form: QFormLayout) -> None:
        add_row(
            form,
            "Carry to",
            self.carry,
            "Carry to",
            "On which planes of the stack the hint acts. Usually on all planes along time and z, "
            "less the further away; a plane's own hints win.",
        )

    def _base_row(self, form: QFormLayout) -> None:
        add_row(
            form,
            "Colours kept",
            self.base,
            "Colours kept",
            "Whose colours stay where they are kept: the automatic ones, or those of a layer.",
        )

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Accept files."""
        if event is not None and _files_of(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Pass on the files that are dropped: hints, or references."""
        if event is not None:
            event.acceptProposedAction()
            self.files_dropped.emit(_files_of(event))

    def show_stack(self, is_stack: bool) -> None:
        """Show the controls for stacks, or hide them for a single plane.

        Parameters
        ----------
        is_stack : bool
            Whether the image has several planes.
        """
        self._carry_form.setVisible(is_stack)
        self.consistent.setVisible(is_stack)
        self.references.keyframe.setVisible(is_stack)

    def show_keep(self, is_used: bool) -> None:
        """Show the choice of the colours that are kept, while there are some.

        Parameters
        ----------
        is_used : bool
            Whether some hints keep colours.
        """
        self._base_form.setVisible(is_used)

    def show_count(self, here: int, total: int) -> None:
        """Show how many hints there are, on the plane on view and in all.

        Parameters
        ----------
        here, total : int
            On the plane on view, and on all planes.
        """
        unit = "hint" if total == 1 else "hints"
        text = f"{total} {unit}" if here == total else f"{total} {unit}, {here} on this plane"
        self.count.setText(text if total else "No hints yet: Add hints, then click the picture.")
        self.save.setEnabled(total > 0)
        self.clear.setEnabled(total > 0)

    def show_message(self, text: str) -> None:
        """Show a sentence in the section; an empty one hides it.

        Parameters
        ----------
        text : str
            The sentence; empty for none.
        """
        self.message.setText(text)
        self.message.setVisible(bool(text))


def _files_of(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
