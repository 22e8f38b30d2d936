"""The page of figures is written from what the benchmarks have found."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FIGURES = [
    {"label": "A call", "value": 0.25, "unit": "s", "at_most": 0.35, "at_least": None},
    {"label": "– its share", "value": 0.5, "unit": "×", "at_most": None, "at_least": 0.7},
    {"label": "Something else", "value": 1234.0, "unit": "s", "at_most": None, "at_least": None},
]


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("performance_page", BENCHMARKS / "page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    text = (BENCHMARKS.parent / "docs" / "performance.md").read_text(encoding="utf-8")
    (tmp_path / "performance.md").write_text(text, encoding="utf-8")
    return tmp_path


def results(**extra: Any) -> dict[str, Any]:
    return {"fit": {"machine": "a processor", "figures": FIGURES}, **extra}


def test_figures_stand_beside_their_bounds(page: ModuleType, docs: Path) -> None:
    assert page.write_page(results(), docs) == ["fit (its share)"]
    text = (docs / "performance.md").read_text(encoding="utf-8")
    assert "Measured on a processor." in text
    assert "| A call | 0.25 s | ≤ 0.35 s | ✓ |" in text
    assert "| – its share | 0.5 × | ≥ 0.7 × | ✗ |" in text
    assert "## Where the time goes" in text


def test_writing_again_replaces_the_figures(page: ModuleType, docs: Path) -> None:
    page.write_page(results(), docs)
    once = (docs / "performance.md").read_text(encoding="utf-8")
    page.write_page(results(), docs)
    assert (docs / "performance.md").read_text(encoding="utf-8") == once


def test_networks_stand_in_a_table_of_their_own(page: ModuleType, docs: Path) -> None:
    rows = [
        {"name": "ours", "multiply_adds": 10**9, "parameters": 6 * 10**6, "published": ""},
        {"name": "another", "multiply_adds": 4e10, "parameters": 6e7, "published": "60 M (there)"},
    ]
    page.write_page(results(networks={"machine": "a processor", "networks": rows}), docs)
    text = (docs / "performance.md").read_text(encoding="utf-8")
    table = text.split("## Beside other networks")[1].split("\n## ")[0]
    assert "| ours | 1 G | 1 × | 6 M | 1 × | – |" in table
    assert "| another | 40 G | 40 × | 60 M | 10 × | 60 M (there) |" in table
    page.write_page(results(), docs)  # without networks they stay
    assert table in (docs / "performance.md").read_text(encoding="utf-8")


def test_the_plot_is_drawn(page: ModuleType, docs: Path) -> None:
    curves = {"sides": [256, 512], "fit": [0.1, 0.1], "native": [0.1, 0.4]}
    page.write_page(results(sides={"machine": "a processor", "curves": curves}), docs)
    assert (docs / page.PLOT).read_bytes().startswith(b"\x89PNG")
    assert page.PLOT in (docs / "performance.md").read_text(encoding="utf-8")
