"""Events as lines of JSON; read without torch, by whoever watches a run from outside."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from napari_colorgan import events

if TYPE_CHECKING:
    from napari_colorgan.events import Event


def event_line(event: Event) -> str:
    """Return an event as one line, its end included."""
    record = {"event": type(event).__name__, **dataclasses.asdict(event)}
    return json.dumps(record, ensure_ascii=False) + "\n"


def parse_event(line: str) -> Event | None:
    """Return the event that a line of events.jsonl holds, or None if it is cut short."""
    try:
        record = json.loads(line)
        kind = getattr(events, record.pop("event"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    for name in ("losses", "metrics"):
        if name in record:
            record[name] = tuple((key, value) for key, value in record[name])
    if "index" in record:
        record["index"] = tuple(record["index"])
    event: Event = kind(**record)
    return event
