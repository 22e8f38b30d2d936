"""List the files and functions that are too long to be read in one go."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "tools", "benchmarks")
LONGEST_FILE = 300
LONGEST_FILE_WITH_REASON = 450
LONGEST_FUNCTION = 60

# The first comment of a file that reads better whole, for example "# Over 300 lines: one table."
_REASON = re.compile(rf"# Over {LONGEST_FILE} lines: \w")


def complaints(path: Path) -> Iterator[str]:
    """Yield what is too long in a Python file."""
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(ROOT)
    lines = text.count("\n")
    if lines > LONGEST_FILE_WITH_REASON:
        yield f"{place}: {lines} lines, expected at most {LONGEST_FILE_WITH_REASON}"
    elif lines > LONGEST_FILE and not gives_reason(text):
        yield (
            f"{place}: {lines} lines, expected at most {LONGEST_FILE}, or a first comment "
            f"'# Over {LONGEST_FILE} lines: REASON'"
        )
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = function_length(node)
            if length > LONGEST_FUNCTION:
                what = f"{node.name} has {length} lines, expected at most {LONGEST_FUNCTION}"
                yield f"{place}:{node.lineno}: {what}"


def gives_reason(text: str) -> bool:
    """Return whether a file's first comment says why the file is long."""
    first = next((line for line in text.splitlines() if line.startswith("#")), "")
    return _REASON.match(first) is not None


def function_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines, its docstring left out."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def main() -> int:
    """Print all complaints; return 1 if there are any."""
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    too_long = [text for path in files for text in complaints(path)]
    print("\n".join(too_long) or f"{len(files)} files and their functions are short enough")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
