"""Every public name has an example, and what the examples show is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import napari_colorgan
from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Event
from napari_colorgan.guidance.area import Area
from page_code import ROOT

if TYPE_CHECKING:
    from types import ModuleType

NAMES = sorted(set(napari_colorgan.__all__) - {"__version__"})
# Documented, and imported from their modules.
BASES = {"ColorganError": ColorganError, "Event": Event, "Area": Area}


def example_of(name: str) -> doctest.DocTest:
    documented = BASES.get(name) or getattr(napari_colorgan, name)
    (found,) = doctest.DocTestFinder(recurse=False).find(documented, name, globs={})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, *BASES])
def test_an_example_shows_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some write a file.
    monkeypatch.chdir(tmp_path)
    example = example_of(name)
    assert len(example.examples) >= 2
    assert "SKIP" not in (example.docstring or "")
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(example, out=told.append)
    assert result.failed == 0, "".join(told)
    assert result.attempted == len(example.examples)


def test_no_example_of_the_package_is_left_out() -> None:
    package = Path(napari_colorgan.__file__).parent
    with_examples = {p.name for p in package.rglob("*.py") if ">>> " in p.read_text("utf-8")}
    run = {Path(_module(name).__file__ or "").name for name in [*NAMES, *BASES]}
    assert with_examples <= run


def test_the_page_names_all_public_names() -> None:
    page = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^::: [\w.]+\.(\w+)$", page, re.MULTILINE))
    assert set(NAMES) <= shown
    assert {"errors", "events"} <= shown


def _module(name: str) -> ModuleType:
    import sys

    documented = BASES.get(name) or getattr(napari_colorgan, name)
    return sys.modules[documented.__module__]
