"""The log of a run, ``events.jsonl``: one event a line, as JSON.

The process that trains appends to it, and everybody else reads it: panels and reports while the
run goes on, plots and tests afterwards. Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING

from napari_colorgan import events
from napari_colorgan.errors import TrainingError
from napari_colorgan.events import PlaneDone
from napari_colorgan.training.config_parts import OLD_PHASES

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.events import Event

EVENTS_FILE = "events.jsonl"
_KINDS = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, events.Event)
}
_DAMAGED = (ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError)


class EventLog:
    """The events of one run directory.

    Parameters
    ----------
    folder : Path
        The run directory.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS_FILE
        self._offset = 0

    def append(self, event: Event) -> None:
        """Write one event and flush it.

        Parameters
        ----------
        event : Event
            Any event.

        Raises
        ------
        TrainingError
            If the file can't be written.
        """
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(event_line(event))
                file.flush()
                # There may be thousands of these, and losing some of them costs nothing.
                if not isinstance(event, PlaneDone):
                    os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self._path.parent, error) from error

    def poll(self) -> list[Event]:
        """Return the events that were written since the last call; all of them at first.

        Lines that a killed process left incomplete, or that are damaged, are skipped.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except OSError:  # not there yet, or the next event's writer says why
            return []
        # The last line may be incomplete because it is being written: it is read next time.
        complete = text[: text.rfind(b"\n") + 1]
        self._offset += len(complete)
        # Not `splitlines`, which splits texts at line separators of other alphabets.
        lines = complete.decode("utf-8", "replace").split("\n")
        return [event for event in map(parse_event, lines) if event is not None]


def event_line(event: Event) -> str:
    """Return an event as one line, including the line break.

    Parameters
    ----------
    event : Event
        Any event.
    """
    record = {"event": type(event).__name__, **dataclasses.asdict(event)}
    return json.dumps(record, ensure_ascii=False) + "\n"


def parse_event(line: str) -> Event | None:
    """Return the event in a line; None if the line is damaged or of an unknown kind.

    In lines of an earlier release, missing fields get their default and phases their new name;
    in those of a newer one, fields that are unknown here are left out.

    Parameters
    ----------
    line : str
        What `event_line` returned, in this release or an earlier one.
    """
    try:
        record = json.loads(line)
        kind = _KINDS[record.pop("event")]
        for name in ("losses", "metrics"):
            if name in record:
                record[name] = tuple((str(key), float(value)) for key, value in record[name])
        if "index" in record:
            record["index"] = tuple(map(int, record["index"]))
        if "phase" in record:
            record["phase"] = OLD_PHASES.get(record["phase"], record["phase"])
        known = {field.name: field.type for field in dataclasses.fields(kind)}
        values = {name: value for name, value in record.items() if name in known}
        if not all(_fits(value, str(known[name])) for name, value in values.items()):
            return None
        event: Event = kind(**values)
    except _DAMAGED:
        return None
    return event


def _fits(value: object, kind: str) -> bool:
    """Return whether a value is what a field's annotation says."""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "bool": (bool,),
    }
    plain = kinds.get(kind, (tuple,))
    return isinstance(value, plain) and (isinstance(value, bool) == (kind == "bool"))


def unwritable(path: Path, error: OSError) -> TrainingError:
    """Return the error for a run directory that can't be written.

    Parameters
    ----------
    path : Path
        The file or folder.
    error : OSError
        What went wrong.
    """
    return TrainingError(
        expected=f"to write into {path}",
        got=str(error),
        action="Free some space or change the permissions, then resume; checkpoints are kept.",
    )
