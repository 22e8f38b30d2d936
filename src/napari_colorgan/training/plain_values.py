"""Plain values, as TOML has them, to and from trees of dataclasses, with checks by name."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from napari_colorgan.errors import ConfigError


def require(name: str, value: object, accepted: str, holds: bool) -> None:
    """Raise ConfigError naming the field and what it accepts, unless the condition holds."""
    if not holds:
        raise ConfigError(
            expected=f"{name} to be {accepted}", got=repr(value), action="Change that setting."
        )


def choose(name: str, value: str, accepted: tuple[str, ...]) -> None:
    """Raise ConfigError unless `value` is one of those accepted."""
    require(name, value, "one of " + ", ".join(accepted), value in accepted)


def to_plain(value: Any) -> Any:
    """Return a tree of dataclasses as plain values, tuples as lists."""
    if dataclasses.is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [to_plain(v) for v in value] if isinstance(value, tuple) else value


def build(cls: type, values: Any, path: str) -> Any:
    """Build dataclass `cls` from plain values, checking names and types on the way."""
    require(path or "the config", values, "a table", isinstance(values, dict))
    hints = typing.get_type_hints(cls)
    for name in values:
        require(f"{path}{name}", name, f"one of {sorted(hints)}", name in hints)
    arguments = {n: _convert(hints[n], v, f"{path}{n}") for n, v in values.items()}
    missing = [
        f.name
        for f in dataclasses.fields(cls)
        if f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
        and f.name not in arguments
    ]
    require(f"{path}{missing[0] if missing else ''}", None, "given", not missing)
    return cls(**arguments)


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
        return float(value)
    assert not isinstance(kind, types.UnionType)
    exact = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    require(path, value, f"of type {kind.__name__}", exact)
    return value
