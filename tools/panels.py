"""Try the panels in a real window: how fast they answer, and whether they fit everywhere.

``python tools/panels.py [FOLDER] [--write] [--only tour|sizes|rounds]``: a tour of all panels by
mouse and keys, with 200 models in the library, prints the longest gap of the event loop for each
gesture and the time to the first plane and to a preview; then the panels are shown in many sizes,
fonts and arrangements, with a screenshot of each in FOLDER, and what is cut off is named; then
layers are added, colorized and removed many times. ``--write`` puts the tables into
docs/performance.md. The windows open on a display in memory, with settings of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from documents import replace_part, table
from napari_colorgan.widgets.demo import run_on, virtual_display
from panels_rounds import rounds
from panels_sizes import sizes
from panels_tour import GOAL_MS, MODELS, tour_panels

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
INSIDE = "COLORGAN_PANELS"
SCREEN = (1600, 1200)
TIMEOUT_S = 3000
BEGIN, END = "<!-- panels -->", "<!-- /panels -->"


def page(results: dict[str, Any]) -> str:
    """Return the tables as markdown."""
    parts = []
    if "tour" in results:
        gaps = results["tour"]["gaps"]
        rows = [["panel", "gesture", "longest gap (ms)"]]
        rows += [[panel, gesture, f"{ms:.0f}"] for panel, gesture, ms, _ in gaps]
        late = [gap for gap in gaps if gap[2] > GOAL_MS]
        parts.append(
            f"{len(gaps) - len(late)} of {len(gaps)} gestures answer within {GOAL_MS} ms of the "
            f"GUI thread's computing time, with {MODELS} models in the library."
        )
        parts.append(table(rows))
        times = [
            ["from … to …", "seconds"],
            *([what, f"{s:.2f}"] for what, s in results["tour"]["times"]),
        ]
        parts.append(table(times))
    if "sizes" in results:
        failed = results["sizes"]["failed"]
        count = results["sizes"]["count"]
        parts.append(
            f"Sizes: {count - len(failed)} of {count} arrangements show every control whole."
        )
        parts += [f"- {name}: {'; '.join(problems)}" for name, problems in failed.items()]
        conflicts = results["sizes"]["conflicts"]
        keys = f" ({', '.join(conflicts)})" if conflicts else ""
        parts.append(f"Shortcuts in conflict: {len(conflicts)}{keys}.")
    if "rounds" in results:
        parts.append(
            f"Rounds of add, run, remove, open and close without a crash: {results['rounds']}."
        )
    return "\n\n".join(parts)


def main() -> None:
    """Try what the arguments name."""
    parser = argparse.ArgumentParser(description="Try the panels in a real window.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("panels"))
    parser.add_argument("--write", action="store_true", help="put the tables into the docs")
    parser.add_argument("--only", choices=("tour", "sizes", "rounds"))
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    part = os.environ.get(INSIDE)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if part:
        makers = {
            "tour": tour_panels,
            "sizes": lambda: sizes(arguments.folder),
            "rounds": lambda: rounds(arguments.rounds),
        }
        found = makers[part]()
        (arguments.folder / f"{part}.json").write_text(
            json.dumps(found, indent=1), encoding="utf-8"
        )
        return
    results = {}
    for part in ("tour", "sizes", "rounds"):
        if arguments.only not in (None, part):
            continue
        with virtual_display(*SCREEN) as environment, tempfile.TemporaryDirectory() as home:
            own = {
                "HOME": home,
                "NAPARI_CONFIG": str(Path(home) / "napari.yaml"),
                "NAPARI_COLORGAN_HOME": str(Path(home) / "napari-colorgan"),
            }
            again = [__file__, *sys.argv[1:]]
            run_on({**environment, **own, INSIDE: part}, again, TIMEOUT_S)
        text = (arguments.folder / f"{part}.json").read_text(encoding="utf-8")
        results[part] = json.loads(text)
    body = page(results)
    print(body)
    if arguments.write:
        replace_part(PAGE, BEGIN, END, f"## The panels\n\n{body}", start="# Speed and memory\n")


if __name__ == "__main__":
    sys.exit(main())
