"""Every command and code block of the pages is run, page by page, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGES = ("start/install.md", "start/first-colour.md", "tutorials/stain.md", "tutorials/batch.md")
# What would change the machine, or open a window.
NOT_RUN = ("pip install", "git clone", "cd napari-colorgan", "make demo", "napari\n")
# A reader's minutes, and a test's.
SHORTER = ((r"--minutes \d+", "--minutes 0.05"),)


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Attributes
    ----------
    language : str
        "sh" or "python".
    text : str
        The code.
    """

    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    return [Block(language, text) for language, text in fences if language in {"sh", "python"}]


def test_no_block_is_in_a_language_that_is_not_run() -> None:
    for name in PAGES:
        text = (DOCS / name).read_text(encoding="utf-8")
        fences = re.findall(r"^```(\w*)$", text, re.M)[::2]
        # Text is shown only: lines for clusters, and output.
        assert set(fences) <= {"sh", "python", "text"}, name


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_run(name: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NAPARI_COLORGAN_HOME": str(tmp_path / "home"),
    }
    work = tmp_path / "work"
    work.mkdir()
    run = 0
    for block in blocks_of(DOCS / name):
        text = "\n".join(line for line in block.text.splitlines() if not line.startswith(NOT_RUN))
        for pattern, replacement in SHORTER:
            text = re.sub(pattern, replacement, text)
        if not text.strip():
            continue
        program = ["bash", "-euc"] if block.language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*program, text], cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        run += 1
    assert run > 0
