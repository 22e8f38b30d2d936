"""Print the figures by which the source's structure is judged, for any checkout of the project.

``python tools/structure.py [ROOT] [--list]``: the figures of the table in docs/architecture.md.
With ``--list`` the places behind them follow: the small modules with one importer, the circles,
the imports upwards, the longest functions and files, and the private attributes that tests read.

It reads the files as text and imports nothing of them, so that any two checkouts can be compared.
"""

# Over 300 lines: the figures of one table, each a short function.

from __future__ import annotations

import argparse
import ast
import io
import math
import sys
import tokenize
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from sizes import function_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PACKAGE = "napari_colorgan"
SMALL = 100
"""A module with fewer lines and one importer lives with its importer."""


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes
    ----------
    name : str
        Its dotted name within the package; a package's ``__init__`` has the package's name.
    path : Path
        The file.
    text : str
        Its text.
    imports : frozenset of str
        The modules of the package that it imports anywhere: at its top, within a function, or
        for the type checker alone.
    """

    name: str
    path: Path
    text: str
    imports: frozenset[str]

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return self.text.count("\n")

    @property
    def is_package(self) -> bool:
        """Whether it is a package's ``__init__``."""
        return self.path.name == "__init__.py"


def read_modules(root: Path) -> dict[str, Module]:
    """Read a checkout's source files, by dotted name."""
    source = root / "src"
    paths = sorted((source / PACKAGE).rglob("*.py"))
    names = {_dotted(path.relative_to(source)): path for path in paths}
    modules = {}
    for name, path in names.items():
        text = path.read_text(encoding="utf-8")
        imported = {_module_of(target, names) for target in _import_targets(ast.parse(text))}
        imports = frozenset(target for target in imported if target and target != name)
        modules[name] = Module(name, path, text, imports)
    return modules


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _import_targets(tree: ast.AST) -> Iterator[str]:
    """Yield what a file imports from the package, each name of a ``from`` import apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_of(target: str, names: Mapping[str, Path]) -> str | None:
    """Return the module that an imported name is or lies in; None outside the package."""
    while target and target not in names:
        target = target.rpartition(".")[0]
    return target or None


def importers(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Return for each module those that import it."""
    found: dict[str, set[str]] = {name: set() for name in modules}
    for module in modules.values():
        for target in module.imports:
            found[target].add(module.name)
    return found


def with_one_importer(modules: Mapping[str, Module]) -> list[Module]:
    """List the modules that exactly one other imports, packages left out."""
    by_name = importers(modules)
    return [
        module
        for name, module in modules.items()
        if len(by_name[name]) == 1 and not module.is_package
    ]


def import_circles(modules: Mapping[str, Module]) -> list[list[str]]:
    """List the sets of modules that import each other, directly or through others.

    A package is left out, as it only gathers what its own modules offer.
    """
    names = sorted(name for name, module in modules.items() if not module.is_package)
    edges = np.array([[other in modules[name].imports for other in names] for name in names])
    count, labels = connected_components(csr_array(edges), connection="strong")
    components = [np.flatnonzero(labels == label) for label in range(count)]
    return [[names[index] for index in each] for each in components if len(each) > 1]


def room_rows(root: Path) -> dict[str, int]:
    """Return each room's row, 0 the highest, as the checkout's import contract has it."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    return {room.strip(): row for row, rooms in enumerate(layers) for room in rooms.split("|")}


def imports_upwards(modules: Mapping[str, Module], rows: Mapping[str, int]) -> list[str]:
    """List the imports from a room to one above it or beside it, in functions too.

    The package itself offers what lies in some rooms, so for those and all below them it is above.
    """
    facade = modules[PACKAGE].imports
    offered = min((rows[_room(target)] for target in facade if _room(target) in rows), default=0)
    row_of = {PACKAGE: offered - 0.5, **rows}
    found = []
    for module in modules.values():
        room = _room(module.name)
        for target in sorted(module.imports):
            other = _room(target)
            if room not in (other, PACKAGE) and row_of[other] <= row_of[room]:
                found.append(f"{module.name} -> {target}")
    return found


def _room(name: str) -> str:
    return PACKAGE if name == PACKAGE else name.split(".")[1]


def functions(modules: Iterable[Module]) -> list[tuple[int, str]]:
    """List all functions' lengths, docstrings left out, and where each is."""
    return [
        (function_length(node), f"{module.name}:{node.lineno} {node.name}")
        for module in modules
        for node in ast.walk(ast.parse(module.text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def count_lines(text: str) -> tuple[int, int]:
    """Count a file's lines of code and its lines of comments.

    A line of code has code on it: no blank line, no docstring. A line of comment has nothing else,
    so that directives to the checkers behind code don't count.
    """
    tree = ast.parse(text)
    prose = set()
    for node in ast.walk(tree):
        # Docstrings, and the strings below a constant that say what it is.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code, comments = set(), set()
    layout = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.type not in layout:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose), len(comments - code)


def sibling_files(modules: Iterable[Module]) -> Counter[Path]:
    """Count the modules beside each other in each folder, ``__init__`` left out."""
    return Counter(module.path.parent for module in modules if not module.is_package)


def private_reads(root: Path) -> list[str]:
    """List where tests read or replace a private attribute that the project defines.

    Those of other packages, such as napari's, have no public way that could be used instead.
    """
    defined = _defined_names(root)
    return [
        f"{path.relative_to(root)}:{node.lineno} {ast.unparse(node)}"
        for path in sorted((root / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.Call)
        and _is_private(_attribute(node))
        and _attribute(node) in defined
    ]


def _defined_names(root: Path) -> set[str]:
    """Return the names of all functions, variables and attributes of the source and the tools."""
    names = set()
    for folder in ("src", "tools"):
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    names.add(node.name)
                elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                    names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return names


def _attribute(node: ast.Attribute | ast.Call) -> str:
    """Return the attribute that an expression reads, or that a call of ``setattr`` replaces."""
    if isinstance(node, ast.Attribute):
        is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        return "" if is_own else node.attr
    is_replaced = isinstance(node.func, ast.Attribute) and node.func.attr == "setattr"
    name = node.args[1] if is_replaced and len(node.args) > 1 else None
    return str(name.value) if isinstance(name, ast.Constant) else ""


def _is_private(name: str) -> bool:
    # Python documents os._exit as public.
    return name.startswith("_") and not name.startswith("__") and name != "_exit"


def percentile(values: Sequence[int], share: float) -> int:
    """Return the smallest of the values that `share` of them don't exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def figures(root: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the figures by name, and the places behind some of them."""
    modules = read_modules(root)
    single = with_one_importer(modules)
    small = [module for module in single if module.lines < SMALL]
    lengths = sorted(functions(modules.values()), reverse=True)
    by_length = [length for length, _ in lengths]
    circles = import_circles(modules)
    upwards = imports_upwards(modules, room_rows(root))
    counted = [count_lines(module.text) for module in modules.values()]
    code, comments = (sum(column) for column in zip(*counted, strict=True))
    (folder, siblings), *_ = sibling_files(modules.values()).most_common(1)
    private = private_reads(root)
    lines = [module.lines for module in modules.values()]
    table = {
        "source files": f"{len(modules)}",
        "modules with one importer": f"{len(single)}",
        f"… of fewer than {SMALL} lines": f"{len(small)}",
        "lines a function, median / p95 / longest": " / ".join(
            str(percentile(by_length, share)) for share in (0.5, 0.95, 1)
        ),
        "lines a file, median / longest": f"{percentile(lines, 0.5)} / {max(lines)}",
        "import circles": f"{len(circles)}",
        "imports upwards or sideways": f"{len(upwards)}",
        "sibling files, most": f"{siblings} in {folder.relative_to(root / 'src' / PACKAGE)}/",
        "lines of code": f"{code:,}",
        "comment lines per 100 lines of code": f"{100 * comments / code:.1f}",
        "private attributes read by tests": f"{len(private)}",
    }
    longest = sorted(modules.values(), key=lambda module: -module.lines)[:10]
    places = {
        "small modules with one importer": [f"{each.name} ({each.lines})" for each in small],
        "import circles": [", ".join(circle) for circle in circles],
        "imports upwards or sideways": upwards,
        "longest functions": [f"{length} {place}" for length, place in lengths[:10]],
        "longest files": [f"{each.lines} {each.name}" for each in longest],
        "private attributes read by tests": private,
    }
    return table, places


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of a checkout, and with ``--list`` the places behind them."""
    parser = argparse.ArgumentParser(description="Print the figures of the source's structure.")
    parser.add_argument(
        "root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent
    )
    parser.add_argument("--list", action="store_true", help="print the places too")
    options = parser.parse_args(arguments)
    table, places = figures(options.root.resolve())
    width = max(map(len, table))
    for name, value in table.items():
        print(f"{name:<{width}}  {value}")
    for name, lines in places.items() if options.list else ():
        print(f"\n{name}:")
        print("\n".join(f"  {line}" for line in lines) or "  none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
