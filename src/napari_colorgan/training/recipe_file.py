"""Recipes as TOML files, and plain values to and from trees of dataclasses. Free of torch."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from importlib import resources
from pathlib import Path
from typing import Any

from napari_colorgan.errors import ConfigError
from napari_colorgan.texts import one_line

LARGEST = 1e38
"""No number of a config is larger: single precision holds little more."""

_LONGEST_VALUE = 80

RECIPES = (
    "paper-baseline",
    "paper-final",
    "natural",
    "natural-look",
    "microscopy",
    "hints",
    "fine-tune",
)


def read_recipe(source: str | Path) -> dict[str, Any]:
    """Return a recipe's values, unchecked.

    Parameters
    ----------
    source : str or Path
        A recipe's name, or a TOML file's path.

    Raises
    ------
    ConfigError
        If there is no such recipe or file, or it isn't TOML.
    """
    if str(source) in RECIPES:
        text = resources.files(__package__).joinpath(f"recipes/{source}.toml").read_text("utf-8")
    else:
        text = _read_text(Path(source))
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            expected="a TOML file", got=f"{source}: {error}", action="Correct that line."
        ) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            expected=f"the name of a recipe ({', '.join(RECIPES)}) or a TOML file",
            got=f"{path} ({error})",
            action="Check the spelling and the path.",
        ) from error


def require(name: str, value: object, accepted: str, holds: bool) -> None:
    """Raise ConfigError naming the field and what it accepts, unless the condition holds.

    Parameters
    ----------
    name : str
        The field, with its path.
    value : object
        What it holds.
    accepted : str
        In words, for the message.
    holds : bool
        The condition.
    """
    if not holds:
        got = one_line(repr(value), _LONGEST_VALUE)
        raise ConfigError(
            expected=f"{name} to be {accepted}", got=got, action="Change that setting."
        )


def require_sane(config: Any, where: str = "") -> None:
    """Raise if a number of a config is not finite, or larger than any that has a meaning.

    Parameters
    ----------
    config : dataclass instance
        Its numbers, and those in its tuples, are looked at.
    where : str
        What stands before the fields' names in messages: "data."

    Raises
    ------
    ConfigError
        With the name of the first field that is wrong.
    """
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float):
                accepted = f"a finite number within ±{LARGEST:g}"
                holds = -LARGEST <= number <= LARGEST  # false of NaN
                require(f"{where}{field.name}", value, accepted, holds)


def choose(name: str, value: str, accepted: tuple[str, ...]) -> None:
    """Raise ConfigError unless `value` is one of those accepted.

    Parameters
    ----------
    name : str
        The field, with its path.
    value : str
        What it holds.
    accepted : tuple of str
        All values that it can have.
    """
    require(name, value, "one of " + ", ".join(accepted), value in accepted)


def to_plain(value: Any) -> Any:
    """Return a tree of dataclasses as plain values, tuples as lists.

    Parameters
    ----------
    value : object
        A dataclass, a tuple, or a plain value.
    """
    if dataclasses.is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [to_plain(v) for v in value] if isinstance(value, tuple) else value


def build(group: type, values: Any, path: str) -> Any:
    """Build a dataclass from plain values; check names and types on the way.

    Parameters
    ----------
    group : type
        A dataclass; its fields may be dataclasses.
    values : object
        A table, not yet checked.
    path : str
        Where the table is, for messages: "data."

    Returns
    -------
    object
        An instance of `group`.

    Raises
    ------
    ConfigError
        With the name of the field that is unknown, missing or of another type.
    """
    require(path or "the config", values, "a table", isinstance(values, dict))
    hints = typing.get_type_hints(group)
    for name in values:
        require(f"{path}{name}", name, f"one of {sorted(hints)}", name in hints)
    arguments = {n: _convert(hints[n], v, f"{path}{n}") for n, v in values.items()}
    missing = [
        f.name
        for f in dataclasses.fields(group)
        if f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
        and f.name not in arguments
    ]
    require(f"{path}{missing[0] if missing else ''}", None, "given", not missing)
    return group(**arguments)


def _convert(kind: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return build(typing.cast("type", kind), value, f"{path}.")
    if typing.get_origin(kind) is tuple:
        require(path, value, "a list", isinstance(value, list))
        kinds = typing.get_args(kind)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            return tuple(_convert(kinds[0], v, path) for v in value)
        require(path, value, f"{len(kinds)} values", len(value) == len(kinds))
        return tuple(_convert(k, v, path) for k, v in zip(kinds, value, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        require(path, value, f"within ±{LARGEST:g}", abs(value) <= LARGEST)
        return float(value)
    assert not isinstance(kind, types.UnionType)
    # To Python, True is an integer.
    exact = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    require(path, value, f"of type {kind.__name__}", exact)
    return value
