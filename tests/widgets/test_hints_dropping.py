"""Files dropped on the canvas: those of hints are loaded, all others are left to napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from pathlib import Path

    from hints_hand import Hand


def drop(hand: Hand, *paths: Path, send: bool = False) -> bool:
    """Drop files on the canvas; return whether they are taken before napari sees them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    state = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, *state)
    drops = hand.panel.widget._drops
    canvas = drops.watched[0]()
    assert canvas is not None
    if send:
        # Qt sends a drop to the widget that has accepted the drag.
        enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, *state)
        QApplication.sendEvent(canvas, enter)
        assert enter.isAccepted()
        event.ignore()
        QApplication.sendEvent(canvas, event)
        return event.isAccepted()
    return bool(drops.eventFilter(canvas, event))


def test_a_hints_file_dropped_on_the_canvas_is_loaded(hand: Hand, tmp_path: Path) -> None:
    hand.section.chooser.choose((40.0, 30.0))
    hand.click(20, 30)
    path = tmp_path / "hints.csv"
    hand.panel.widget.hints.files.save(path)
    hand.panel.viewer.layers.remove(hand.layer)
    hand.panel.form.hints_fold.open(False)
    assert drop(hand, path, send=True)
    assert hand.panel.form.hints_fold.button.isChecked()
    assert hand.layer.data.tolist() == [[20, 30]]


def test_other_files_dropped_on_the_canvas_are_left_to_napari(hand: Hand, tmp_path: Path) -> None:
    points, hints = tmp_path / "points.csv", tmp_path / "hints.csv"
    points.write_text("index,axis-0,axis-1\n0,20,30\n")
    hints.write_text("y,x,color\n20,30,#ff0000\n")
    for paths in ([points], [points, hints], [tmp_path / "missing.csv"]):
        assert not drop(hand, *paths)
    assert not len(hand.layer.data)
