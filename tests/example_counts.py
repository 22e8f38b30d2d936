"""How many examples the property tests try: all of them, or a part where only quick tests run."""

from __future__ import annotations

_FEWEST = 10
_PART = 0.25

is_quick = False
"""Set by conftest.py before the tests are read."""


def examples(count: int) -> int:
    """Return how many of so many examples are tried."""
    return max(min(count, _FEWEST), round(count * _PART)) if is_quick else count
