"""Attack the program: damaged files, kills and races; prints what became of them.

``make attack ARGS="--minutes 30"``. A case's number and the seed make it again.
"""

from __future__ import annotations

import argparse
import time

from attack_files import BAD, OUTCOMES, Count, fuzz
from attack_kills import kill

_SHARE_OF_FILES = 0.5
_PLURALS = {"clear error": "clear errors", "traceback": "tracebacks", "hang": "hangs"}


def table(counts: dict[str, Count]) -> str:
    """Return the counts as a table in Markdown."""
    header = ("", "tried", *(_PLURALS.get(outcome, outcome) for outcome in OUTCOMES))
    lines = [header, ("---", *["--:"] * (len(header) - 1))]
    for kind, count in counts.items():
        lines.append((kind, str(count.tried), *(str(count.outcomes[each]) for each in OUTCOMES)))
    total = [str(sum(count.outcomes[each] for count in counts.values())) for each in OUTCOMES]
    lines.append(("all", str(sum(count.tried for count in counts.values())), *total))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    """Attack for the given time; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=("files", "kills"))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    counts: dict[str, Count] = {}
    share = _SHARE_OF_FILES if given.only is None else 1.0
    if given.only != "kills":
        counts.update(fuzz(given.minutes * share, given.seed))
    if given.only != "files":
        counts.update(kill(given.minutes * share, given.seed))
    print(table(counts))
    for kind, count in counts.items():
        for failure in count.failures:
            print(f"\n{kind}, {failure}")
    return int(any(count.outcomes[each] for count in counts.values() for each in BAD))


if __name__ == "__main__":
    raise SystemExit(main())
