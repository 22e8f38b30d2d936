"""Fixtures of the benchmarks: the model, and the recorder of their figures."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from inputs import Subject, bundled_or_untrained

Record: TypeAlias = Callable[..., None]


@pytest.fixture(scope="session")
def small() -> bool:
    """Return whether only the scripts are to be tried, on tiny inputs."""
    return bool(os.environ.get("COLORGAN_BENCH_SMALL"))


@pytest.fixture(scope="session")
def subject() -> Subject:
    """Return the network that is measured."""
    return bundled_or_untrained()


@pytest.fixture
def record(benchmark: Any) -> Record:
    """Return what takes a figure for the page: ``record(label, value, unit, at_most=…)``."""
    figures: list[dict[str, Any]] = []
    benchmark.extra_info["figures"] = figures

    def add(
        label: str,
        value: float,
        unit: str = "",
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        figures.append(
            {
                "label": label,
                "value": float(value),
                "unit": unit,
                "at_most": at_most,
                "at_least": at_least,
            }
        )

    return add
