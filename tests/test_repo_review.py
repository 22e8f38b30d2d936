"""The repository follows Scientific Python's development guide, but for what pyproject.toml argues.

`[tool.repo-review.ignore]` lists the checks that fail on purpose, each with its reason.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from repo_review.processor import process

ROOT = Path(__file__).parents[1]
IGNORED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "repo-review"
]["ignore"]


@pytest.fixture(scope="module")
def results() -> dict[str, bool | None]:
    """Return whether each check passes; None where it doesn't apply."""
    # A name in place of pyproject.toml's: those that fail on purpose are run, too.
    found = process(ROOT, ignore=frozenset({"none"}))
    return {each.name: each.result for each in found.results}


def test_all_checks_pass_but_those_that_are_argued(results: dict[str, bool | None]) -> None:
    assert len(results) > 40
    assert {name for name, passed in results.items() if passed is False} == set(IGNORED)
    assert all(len(reason.split()) > 5 for reason in IGNORED.values())
