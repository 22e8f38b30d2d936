"""Every command and code block of the README and the site's pages is run, as a reader would."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from page_code import LANGUAGES, ROOT, Block, blocks_of, pages_with_code, run_page

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {str(page.relative_to(ROOT)): page for page in pages_with_code()}


def test_no_block_is_in_a_language_that_is_not_run() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for block in blocks_of(page):
            assert block.language in LANGUAGES, f"{page}: {block}"
            # A table is there to be saved, and says under which name.
            assert block.language != "csv" or block.title, f"{page}: {block}"
        # No fence is indented or unusual, so that it would be overlooked.
        shown = [block for block in blocks_of(page) if not block.is_hidden]
        assert page.read_text(encoding="utf-8").count("```") == 2 * len(shown), page


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_the_code_of_a_page_runs(name: str, tmp_path: Path) -> None:
    try:
        run_page(PAGES[name], tmp_path / "work", short=True)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"{error.output}\n{error.cmd[-1]}")


def test_the_tutorials_and_the_start_are_among_them() -> None:
    tutorials = {str(page.relative_to(ROOT)) for page in (ROOT / "docs/tutorials").glob("*.md")}
    # Hints are set by clicks: tests/widgets/test_hints_panel.py does what that page says.
    assert tutorials - {"docs/tutorials/hints.md"} <= set(PAGES)
    assert {"README.md", "docs/start/install.md", "docs/start/first-colour.md"} <= set(PAGES)


def test_blocks_are_read_with_their_files_and_hidden_code(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# A\n<!-- test: sh\nmkdir a\n-->\n```csv title="h.csv"\ny,x\n```\n```sh\nls a\n```\n'
    )
    assert blocks_of(page) == [
        Block("sh", "mkdir a\n", is_hidden=True),
        Block("csv", "y,x\n", "h.csv"),
        Block("sh", "ls a\n"),
    ]
    assert run_page(page, tmp_path / "work", short=True) == 3
    assert (tmp_path / "work" / "h.csv").read_text() == "y,x\n"


@pytest.mark.parametrize(
    ("language", "code"),
    [("sh", "false"), ("python", "assert 1 == 2"), ("sh", "napari-colorgan colorize nowhere -o x")],
)
def test_code_that_fails_is_noticed(tmp_path: Path, language: str, code: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```{language}\n{code}\n```\n")
    with pytest.raises(subprocess.CalledProcessError):
        run_page(page, tmp_path / "work", short=True)


@pytest.mark.parametrize(
    "line",
    [
        "make tea",
        'pip install "napari-colorgan[wings]"',
        "git clone https://example.org/napari-colorgan",
    ],
)
def test_names_that_do_not_exist_are_noticed(tmp_path: Path, line: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\n{line}\n```\n")
    with pytest.raises(ValueError, match="exists"):
        run_page(page, tmp_path / "work", short=True)
