"""The losses and held-out metrics of a run, as curves."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_colorgan.metric_registry import base_key, label_of
from napari_colorgan.widgets.shared.controls import describe

if TYPE_CHECKING:
    from napari_colorgan.events import EpochDone, Event

_HEIGHT = 150
_COLORS = ("#4aa3df", "#e8a33d", "#62b862", "#d3649f", "#9a86d8")
_GRAY = "#8a8f98"
_METRICS = ("l1", "delta_e")
# What losses and metrics are for people who didn't make them.
_PLAIN = {
    "G": "sum",
    "G L1": "colour error",
    "G CE": "unlikely colours",
    "G GAN": "unreal looks",
    "G perceptual": "unlike features",
    "G likeness": "unlike picture",
    "G matched": "unlike colours",
    "G colorfulness": "too gray or vivid",
    "G look": "wrong mood",
    "D": "critic",
    "D fake": "critic, predicted",
    "D real": "critic, true",
    label_of("l1"): "colour error (L1, %)",
    label_of("delta_e"): "colour difference (ΔE00)",
}
# About as many as the plot has pixels across.
_MOST_POINTS = 400
_TITLES = ("Training error", "Error on the test images (dashed: base model)")
_TOOLTIPS = (
    "What the training makes small, step by step: the parts of its loss, weighted, and their sum.",
    "Measured on the images that are kept for testing, over the steps. Lower is better.",
)


class TrainingCurves(QWidget):
    """Two plots over the steps: the losses, and L1 and ΔE00 on the held-out planes.

    The metrics of the base model are drawn dashed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.points: dict[str, tuple[list[float], list[float]]] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._is_built = False
        self._plots: list[Any] = []
        self._titles: list[QLabel] = []
        self._curves: dict[str, Any] = {}
        self._colors: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._step = 0
        self.empty = QLabel("Curves appear after the first steps.")
        self.empty.setStyleSheet(f"color: {_GRAY}; font-size: 11px;")
        self._layout.addWidget(self.empty)

    def clear(self) -> None:
        """Start with empty plots; pyqtgraph, which takes a second to import, loads here."""
        if not self._is_built:
            self._is_built = True
            self._build()
        self._show_plots(False)
        for plot in self._plots:
            plot.clear()
        for title, text in zip(self._titles, _TITLES, strict=False):
            title.setText(text)
        self.points = defaultdict(lambda: ([], []))
        self._curves.clear()
        self._colors = ({}, {})
        self._step = 0

    def show_event(self, event: Event) -> None:
        """Add the values that an event carries, if any.

        Parameters
        ----------
        event : Event
            Any event of a run.
        """
        from napari_colorgan.events import EpochDone, StepDone

        if isinstance(event, StepDone):
            self._step = event.step
            for name, value in event.losses:
                self._add(0, name, value)
        elif isinstance(event, EpochDone):
            self._show_validation(event)

    def _show_validation(self, event: EpochDone) -> None:
        metrics = dict(event.metrics)
        for name in _METRICS:
            if name not in metrics:
                continue
            title = label_of(name)
            self._add(1, title, metrics[name], symbol="o")
            if (base := metrics.get(base_key(name))) is not None:
                self._add(1, f"{title} of the base", base, dashed_as=title)

    def _add(
        self, plot: int, name: str, value: float, *, symbol: str = "", dashed_as: str = ""
    ) -> None:
        steps, values = self.points[name]
        steps.append(float(self._step))
        values.append(value)
        if len(steps) > _MOST_POINTS:
            # At the plot's width every other point of the past shows the same curve.
            del steps[:-1:2], values[:-1:2]
        if not self._plots:
            return
        self._show_plots(True)
        if name not in self._curves:
            self._curves[name] = self._new_curve(plot, name, symbol, dashed_as)
        self._curves[name].setData(steps, values)

    def _show_plots(self, shown: bool) -> None:
        """Show the plots, or a sentence in place of empty axes."""
        self.empty.setVisible(not shown and bool(self._plots))
        for widget in (*self._titles, *self._plots):
            widget.setVisible(shown)

    def _new_curve(self, plot: int, name: str, symbol: str, dashed_as: str) -> Any:
        import pyqtgraph

        title = dashed_as or name
        colors = self._colors[plot]
        color = colors.setdefault(title, _COLORS[len(colors) % len(_COLORS)])
        legend = " · ".join(
            f"<span style='color: {c}'>{_PLAIN.get(n, n)}</span>" for n, c in colors.items()
        )
        self._titles[plot].setText(f"{_TITLES[plot]} &nbsp; {legend}")
        style = Qt.PenStyle.DashLine if dashed_as else Qt.PenStyle.SolidLine
        pen = pyqtgraph.mkPen(color, width=1 if dashed_as else 2, style=style)
        options = {"symbol": symbol, "symbolSize": 5, "symbolBrush": color} if symbol else {}
        return self._plots[plot].plot(pen=pen, **options)

    def _build(self) -> None:
        try:
            import pyqtgraph
        except ImportError:
            note = QLabel("Curves need pyqtgraph: pip install pyqtgraph.")
            note.setWordWrap(True)
            self._layout.addWidget(note)
            return
        for title, tooltip in zip(_TITLES, _TOOLTIPS, strict=True):
            label = QLabel(title)
            label.setWordWrap(True)
            label.setStyleSheet(f"color: {_GRAY}; font-size: 11px;")
            plot = pyqtgraph.PlotWidget(background=None)
            plot.setFixedHeight(_HEIGHT)
            plot.setMenuEnabled(False)
            plot.setMouseEnabled(False, False)
            plot.hideButtons()
            for side in ("left", "bottom"):
                plot.getAxis(side).setTextPen(_GRAY)
                plot.getAxis(side).setPen(_GRAY)
            describe(plot, title, tooltip)
            self._layout.addWidget(label)
            self._layout.addWidget(plot)
            self._titles.append(label)
            self._plots.append(plot)
