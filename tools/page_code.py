"""The code of a page, run as its reader would: ``python tools/page_code.py PAGE FOLDER``.

Blocks are run in the order of the page, in one folder: ``sh`` by bash, ``python`` in one session,
and a block with ``title="NAME"`` is written to that file. ``text`` is shown only. A comment that
begins with ``<!-- test: sh`` or ``<!-- test: python`` is run in its place; it makes what stands
for the reader's own files. What would change the machine (``pip install``, ``make`` …) is not run,
but its names have to exist.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = {"sh", "python", "csv", "text"}
_BLOCK = re.compile(
    r"^```(?P<language>\w*)(?P<options>[^\n]*)\n(?P<text>.*?)^```$"
    r"|^<!-- test: (?P<hidden>sh|python)\n(?P<code>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
# Commands of ours without anything for a shell to do. A test runs them in the page's own process:
# the start of each process takes longer than most of them.
_PLAIN = re.compile(r"napari-colorgan [^|&;<>()$`*?\\]*")
_PROGRAM = """\
def _run(words):
    import sys
    from napari_colorgan.__main__ import main
    sys.argv = words
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""
# A reader's minutes and thousands, and a test's.
SHORTER = {
    r"--minutes \d+": "--minutes 0.05",
    r"minutes=\d+": "minutes=0.05",
    r"--num_processes \d+": "--num_processes 2",
    r"--output RUN_DIRECTORY": "--output RUN_DIRECTORY --device cpu --minutes 0.05",
    r"range\(1_000\)": "range(12)",
}


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Attributes
    ----------
    language : str
        "sh", "python", "csv", "text", or "" where the page doesn't say.
    text : str
        The code.
    title : str
        The name of the file that it is, or "".
    is_hidden : bool
        Whether it is a comment, which only tests run.
    """

    language: str
    text: str
    title: str = ""
    is_hidden: bool = False


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, hidden ones included, in their order.

    Parameters
    ----------
    page : Path
        A Markdown file.
    """
    blocks = []
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["hidden"]:
            blocks.append(Block(match["hidden"], match["code"], is_hidden=True))
        else:
            title = re.search(r'title="([^"]+)"', match["options"])
            blocks.append(Block(match["language"], match["text"], title[1] if title else ""))
    return blocks


def pages_with_code() -> list[Path]:
    """Return the README and each page of the site that has code to run or a file to write."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in pages if any(b.language != "text" for b in blocks_of(page))]


def run_page(page: Path, folder: Path, *, short: bool = False) -> int:
    """Run a page's blocks in a folder, in a process of their own.

    Parameters
    ----------
    page : Path
        A Markdown file.
    folder : Path
        An empty folder; the models and settings of whoever runs it are not used.
    short : bool
        Whether minutes and thousands are cut, for a test.

    Returns
    -------
    int
        How many statements and commands there were to run.

    Raises
    ------
    subprocess.CalledProcessError
        If a block fails; its output has what it printed.
    ValueError
        If the page names an extra, a target of make or an address that does not exist.
    """
    code = _session(blocks_of(page), SHORTER if short else {})
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NAPARI_COLORGAN_HOME": str(folder / ".colorgan"),
        "MPLBACKEND": "agg",
    }
    program = [sys.executable, "-c", "\n".join(code)]
    subprocess.run(
        program, cwd=folder, env=environment, check=True, text=True, stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE if short else None,
    )  # fmt: skip
    return max(len(code) - 1, 0)


def _session(blocks: Sequence[Block], shorter: Mapping[str, str]) -> list[str]:
    """Return the statements of one Python session that does what the blocks say."""
    statements = []
    for block in blocks:
        text = block.text
        for pattern, replacement in shorter.items():
            text = re.sub(pattern, replacement, text)
        if block.title:
            statements.append(f"open({block.title!r}, 'w', encoding='utf-8').write({text!r})")
        elif block.language == "python":
            statements.append(text)
        elif block.language == "sh":
            lines = list(_lines_to_run(text))
            if shorter and lines and all(map(_PLAIN.fullmatch, lines)):
                statements += [f"_run({shlex.split(line, comments=True)!r})" for line in lines]
            elif lines:
                command = ["bash", "-euc", "\n".join(lines)]
                statements.append(f"__import__('subprocess').run({command!r}, check=True)")
    return [_PROGRAM, *statements] if statements else []


def _lines_to_run(text: str) -> Iterator[str]:
    """Yield the lines of a block but those that would change the machine, which are checked.

    Raises
    ------
    ValueError
        If one of these names what does not exist.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        known = True
        match words:
            case ["pip", "install", what, *_] if "napari-colorgan" in what:
                name, _, extras = what.strip('"]').partition("[")
                known = name == project["name"]
                known &= set(extras.split(",")) - {""} <= set(project["optional-dependencies"])
            case ["pip", "install", *_]:
                pass
            case ["make", target, *_]:
                known = re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) is not None
            case ["git", "clone", address]:
                known = address == project["urls"]["Source Code"]
            case ["cd", "napari-colorgan"]:
                pass
            case _:
                yield line
        if not known:
            msg = f"Expected a name that exists, got {line!r}."
            raise ValueError(msg)


if __name__ == "__main__":
    run_page(Path(sys.argv[1]), Path(sys.argv[2]))
