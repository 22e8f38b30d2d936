"""How far a job is: in the panel and in napari's activity dock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from napari.utils.progress import cancelable_progress
from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

# Often enough to look alive; each update lets napari process events.
_INTERVAL_MS = 150
_MINUTE, _HOUR = 60, 3600


class ProgressReport(QObject):
    """Count planes and tell the activity dock, at a gentle pace.

    Parameters
    ----------
    description : str
        What the activity dock calls the job.
    on_cancel : callable
        Called when someone presses Cancel in the activity dock.
    parent : QObject
        The owner.
    """

    def __init__(self, description: str, on_cancel: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._started = time.monotonic()
        self.done = 0
        self.total = 0
        self._bar = _ActivityBar(desc=description, total=0, on_cancel=on_cancel)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._tell)

    def start(self, total: int) -> None:
        """Begin to count, once it is known how many planes there are."""
        self.total = total
        self._started = time.monotonic()
        self._bar.total = total

    def advance(self, done: int) -> None:
        """Note how many planes are done."""
        self.done = done
        if not self._timer.isActive():
            self._timer.start()

    @property
    def text(self) -> str:
        """The state in words: planes done and time left."""
        unit = "plane" if self.total == 1 else "planes"
        count = f"{self.done} of {self.total} {unit}"
        left = time_left(self.done, self.total, time.monotonic() - self._started)
        return f"{count}, {left}" if left else count

    def close(self) -> None:
        """Leave the activity dock."""
        self._timer.stop()
        self._bar.close()
        self.deleteLater()

    def _tell(self) -> None:
        # Last statement of its callback: napari's bar processes events while it updates, so
        # anything may have happened when this returns, the end of the job included.
        self._bar.update(self.done - self._bar.n)


class _ActivityBar(cancelable_progress):
    """napari's own only sets a flag that a loop would poll; this one tells at once."""

    def __init__(self, *, on_cancel: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        super().cancel()
        self._on_cancel()


def time_left(done: int, total: int, seconds: float) -> str:
    """Return about how long the rest takes, empty while that is unknown or over.

    Parameters
    ----------
    done, total : int
        Planes.
    seconds : float
        How long those done took.
    """
    if not 0 < done < total:
        return ""
    left = seconds / done * (total - done)
    if left < _MINUTE:
        return f"about {max(1, round(left))} s left"
    if left < _HOUR:
        return f"about {round(left / _MINUTE)} min left"
    return f"about {left / _HOUR:.1f} h left"
