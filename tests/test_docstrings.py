"""Docstrings follow numpydoc: sections that are there are complete, and some rooms have them all.

ruff's rules (D) see to it that every public name has one, in the right form.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import napari_colorgan

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(napari_colorgan.__file__).parent
# Rooms in which every public function states its parameters, and what it returns.
COMPLETE = ("axes.py", "errors.py", "events.py", "home.py", "texts.py", "library/*.py")


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield a module's public functions and methods, each with its name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{path.relative_to(PACKAGE)}: {node.name}", node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield f"{path.relative_to(PACKAGE)}: {node.name}.{method.name}", method


def parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [each.arg for each in names if each.arg not in ("self", "cls")]


def section(docstring: str, title: str) -> str | None:
    """Return a section's text up to the next heading, None if there is no such section."""
    match = re.search(rf"(?ms)^{title}\n-+\n(.*?)(?=^[A-Z][A-Za-z ]+\n-+\n|\Z)", docstring)
    return None if match is None else match[1]


def listed(text: str) -> set[str]:
    """Return the names that a section's unindented lines describe."""
    heads = [line.split(" : ")[0] for line in text.splitlines() if line[:1].strip()]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def test_where_parameters_are_described_all_are() -> None:
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        for name, function in functions(path):
            text = section(ast.get_docstring(function) or "", "Parameters")
            if text is not None and listed(text) != set(parameters(function)):
                wrong.append(f"{name}: {sorted(listed(text) ^ set(parameters(function)))}")
    assert wrong == []


@pytest.mark.parametrize("files", COMPLETE)
def test_parameters_and_results_are_described(files: str) -> None:
    wrong = []
    for name, function in (each for path in PACKAGE.glob(files) for each in functions(path)):
        docstring = ast.get_docstring(function) or ""
        # What an error says of its values is the message itself.
        makes_error = ast.unparse(function.returns or function).endswith("Error")
        if parameters(function) and not makes_error and not section(docstring, "Parameters"):
            wrong.append(f"{name}: no parameters")
        is_property = any(ast.unparse(each) == "property" for each in function.decorator_list)
        is_silent = is_property or function.returns is None
        result = "" if is_silent else ast.unparse(function.returns or function)
        sections = (section(docstring, "Returns"), section(docstring, "Yields"))
        # "Return the axes of …" is what numpydoc's section would only repeat.
        says = any(sections) or re.match("Return|Yield", docstring)
        if result not in ("", "None") and not says:
            wrong.append(f"{name}: no result")
    assert wrong == []
