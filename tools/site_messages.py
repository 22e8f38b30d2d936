"""The page "I see this message": every error of the code by its literal text.

Errors are raised with three parts, ``expected``, ``got`` and ``action``. They are read from the
syntax tree, so that the page has each of them and none that is gone. What is filled in at run
time is shown as an ellipsis.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_colorgan import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARTS = ("expected", "got", "action")
FILLED_IN = "…"

_HEAD = """# I see this message

Every error says what was expected, what came instead and what to do. Search this page (or the
whole site) for a part of the text; "…" stands for what your case fills in. Below each message is
the cure that it names, and where in the source it is raised.

An error never loses what was finished before it: files that were written stay, a run that was
training leaves a checkpoint, the panel keeps its settings.
"""


@dataclass(frozen=True)
class Message:
    """An error as the code raises it.

    Attributes
    ----------
    error : str
        The class of the error.
    expected, got, action : str
        Its parts; an ellipsis stands for what is filled in at run time.
    module : str
        The path of the file that raises it, within the package.
    """

    error: str
    expected: str
    got: str
    action: str
    module: str

    @property
    def text(self) -> str:
        """The message without its action."""
        return f"Expected {self.expected}, got {self.got}."


def messages_of(package: Path) -> list[Message]:
    """Return every error that a package raises, in the order of its files.

    Parameters
    ----------
    package : Path
        The folder of the package.

    Notes
    -----
    A part that is a name (a constant of its module, or a parameter) is looked up among the
    module's constants; what is not there is shown as an ellipsis. A part that depends on a
    condition gives one message for each of its texts, as users see and search them.
    """
    messages: list[Message] = []
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = _constants(tree)
        for call in _calls(tree):
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr  # type: ignore[attr-defined]
            where = path.relative_to(package).as_posix()
            messages += dict.fromkeys(
                Message(name, **parts, module=where) for parts in _parts(call, constants)
            )
    return messages


def messages_page(package: Path) -> str:
    """Return the page as Markdown, one section for each kind of error.

    Parameters
    ----------
    package : Path
        The folder of the package.
    """
    kinds: dict[str, list[Message]] = {}
    for message in messages_of(package):
        if set(message.text) - set("Expected, got. …"):
            kinds.setdefault(message.error, []).append(message)
    return _HEAD + "".join(_section(kind, kinds[kind]) for kind in sorted(kinds))


def _section(kind: str, messages: list[Message]) -> str:
    description = (getattr(errors, kind, None) or errors.ColorganError).__doc__ or ""
    lines = [f"\n## {kind}\n", description.strip().splitlines()[0], ""]
    for message in messages:
        lines += [
            f"**{_plain(message.text)}**\n",
            f": {_plain(message.action)} *({message.module})*\n",
        ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    # Literal text: no character of it is Markdown.
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in " ".join(text.split()))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and set(PARTS) <= {k.arg for k in node.keywords}:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name.endswith("Error"):
                yield node


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _parts(call: ast.Call, constants: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the three parts of an error, once for every outcome of the conditions in them."""
    parts = {k.arg: k.value for k in call.keywords if k.arg in PARTS}
    inner = (node for part in parts.values() for node in ast.walk(part))
    # By their text: the same condition in two parts has one outcome.
    conditions = dict.fromkeys(ast.dump(n.test) for n in inner if isinstance(n, ast.IfExp))
    for outcomes in itertools.product((True, False), repeat=len(conditions)):
        holds = dict(zip(conditions, outcomes, strict=True))
        yield {str(name): _text(part, constants, holds) for name, part in parts.items()}


def _text(node: ast.expr, constants: dict[str, str], holds: dict[str, bool]) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else FILLED_IN
    if isinstance(node, ast.Name):
        return constants.get(node.id, FILLED_IN)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part.value if isinstance(part, ast.FormattedValue) else part, constants, holds)
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        text = _text(node.left, constants, holds) + _text(node.right, constants, holds)
        return text if text.strip(FILLED_IN) else FILLED_IN
    if isinstance(node, ast.IfExp):
        chosen = node.body if holds[ast.dump(node.test)] else node.orelse
        return _text(chosen, constants, holds)
    return FILLED_IN
