"""Write the constraints files: ``python tools/constraints.py``.

``packaging/constraints-lowest.txt`` holds the lowest versions that pyproject.toml declares: ``make
lowest`` tests with them. ``packaging/constraints-tested.txt`` holds the versions of the environment
in which the whole suite passed, for those who want the same:
``pip install napari-colorgan[all] -c constraints-tested.txt``.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
LOWEST = ROOT / "packaging" / "constraints-lowest.txt"
TESTED = ROOT / "packaging" / "constraints-tested.txt"
NAME = "napari-colorgan"


def declared(project: dict[str, Any]) -> list[Requirement]:
    """Return what a project requires, with all of its extras.

    Parameters
    ----------
    project : dict
        The table `project` of pyproject.toml.
    """
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*project["dependencies"], *extras]]


def lowest_constraints(requirements: Iterable[Requirement]) -> str:
    """Return the text of a constraints file with the lowest version of each requirement.

    Parameters
    ----------
    requirements : iterable of Requirement
        Those without a lower bound are left out; of several bounds the last counts.
    """
    lines = {}
    for requirement in requirements:
        bounds = [each.version for each in requirement.specifier if each.operator == ">="]
        if bounds:
            lines[canonicalize_name(requirement.name)] = bounds[0]
    return _file("The lowest versions that pyproject.toml declares", lines)


def pinned_constraints(requirements: Iterable[Requirement]) -> str:
    """Return the text of a constraints file with this environment's versions.

    Parameters
    ----------
    requirements : iterable of Requirement
        What to begin with; what they require is followed.
    """
    lines: dict[str, str] = {}
    waiting = list(requirements)
    seen: set[tuple[str, tuple[str, ...]]] = {(NAME, ())}
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, tuple(sorted(requirement.extras)))
        if key in seen:
            continue
        seen.add(key)
        try:
            # A local label, such as "+cpu", names a build that others can't get.
            lines[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
        for line in requires(name) or ():
            needed = Requirement(line)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(Requirement(f"{needed.name}{_bracketed(needed.extras)}"))
    return _file("The versions with which the whole suite passed", lines)


def _bracketed(extras: set[str]) -> str:
    return f"[{','.join(sorted(extras))}]" if extras else ""


def _file(title: str, lines: dict[str, str]) -> str:
    head = f"# {title}; written by tools/constraints.py.\n"
    return head + "".join(f"{name}=={lines[name]}\n" for name in sorted(lines))


def main() -> None:
    """Write both files."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = declared(settings["project"])
    LOWEST.write_text(lowest_constraints(requirements), encoding="utf-8")
    TESTED.write_text(pinned_constraints(requirements), encoding="utf-8")


if __name__ == "__main__":
    main()
