"""The program, run within the test's process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from napari_colorgan.cli.app import build_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Return a function that runs the program with arguments; bugs raise."""

    def invoke(*arguments: object, answer: str | None = None) -> Result:
        words = [str(argument) for argument in arguments]
        runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
        return runner.invoke(build_app(), words, input=answer, catch_exceptions=False)

    return invoke
