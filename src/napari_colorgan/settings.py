"""Settings that are declared once: their meaning, their range, and how they are checked.

A group of settings is a frozen dataclass. The annotation of a field carries a :class:`Setting`::

    strength: Annotated[float, Setting("Strength", "Multiplies chroma.", low=0, high=10)] = 1.0

That declaration is the only one. It gives the check of a value (:func:`check`), the option and
its help on the command line (``cli/options.py``), the row of a panel
(``widgets/shared/setting_rows.py``) and, through ``dataclasses.asdict``, what a result says about
its origin. This module is imported by ``--help``; pydantic, which checks, is imported with the
first value.
"""
# Over 300 lines: what a declaration holds and how it is checked are read together.

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import lru_cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from napari_colorgan.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

T = TypeVar("T")

_ACTION = "Change that setting."
_KINDS = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}


@dataclass(frozen=True)
class FormerName:
    """An earlier name of a setting, which is still accepted (``former_names.py``).

    Attributes
    ----------
    name : str
        The name.
    low, high : float
        The smallest and largest number that it accepted.
    convert : callable or None
        What makes today's value of one under this name; None where they are the same.
    """

    name: str
    low: float
    high: float
    convert: Callable[[float], float] | None = None

    def value(self, value: object) -> float:
        """Return today's value of one under this name.

        Parameters
        ----------
        value : object
            The value.

        Raises
        ------
        ConfigError
            If it isn't a number that this name accepted.
        """
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high:  # type: ignore[operator]
            raise ConfigError(
                expected=f"{self.name} to be a number from {self.low:g} to {self.high:g}",
                got=repr(value),
                action=_ACTION,
            )
        number = float(value)  # type: ignore[arg-type]
        return number if self.convert is None else self.convert(number)


@dataclass(frozen=True)
class Setting:
    """The declaration of a setting.

    Attributes
    ----------
    label : str
        Its name on a form; "&" precedes the letter of its keyboard shortcut.
    description : str
        One or two full sentences, for tooltips and the command line's help.
    low, high : float or None
        The smallest and largest number that is accepted; None for no limit.
    titles : mapping of str to str
        The names of the choices on a form; a form offers only these.
    option : bool
        Whether the command line has an option for it.
    row : {"main", "advanced"} or None
        The part of a form that has a row for it.
    shown_high : float or None
        The end of its slider, where that is below `high`.
    ends : (str, str) or None
        What the ends of its slider mean.
    former : FormerName or None
        What it was called before.
    """

    label: str
    description: str
    low: float | None = None
    high: float | None = None
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)
    option: bool = True
    row: Literal["main", "advanced"] | None = None
    shown_high: float | None = None
    ends: tuple[str, str] | None = None
    former: FormerName | None = None

    @property
    def title(self) -> str:
        """The label without the mark of its shortcut."""
        return self.label.replace("&", "")


@dataclass(frozen=True)
class Declared:
    """A field of a group of settings.

    Attributes
    ----------
    name : str
        The field's name.
    kinds : tuple of type
        The types of its values besides choices and None.
    choices : tuple of str
        The texts that are accepted where not every text is.
    optional : bool
        Whether it may be None.
    default : object
        Its default, ``dataclasses.MISSING`` for none.
    setting : Setting or None
        Its declaration; None for a field without one.
    """

    name: str
    kinds: tuple[type, ...]
    choices: tuple[str, ...]
    optional: bool
    default: Any
    setting: Setting | None

    @property
    def titles(self) -> Mapping[str, str]:
        """The names of the choices that a form offers; empty where it offers none."""
        return self.setting.titles if self.setting is not None else {}

    @property
    def accepted(self) -> str:
        """The values that are accepted, as a phrase: "'fit', 'native' or a number from 0 to 1"."""
        low, high = (self.setting.low, self.setting.high) if self.setting else (None, None)
        if low is not None and high is not None:
            limits = f" from {low:g} to {high:g}"
        elif low is not None:
            limits = f" of at least {low:g}"
        else:
            limits = "" if high is None else f" of at most {high:g}"
        numbers = [
            _KINDS.get(kind, kind.__name__) + (limits if kind in (int, float) else "")
            for kind in self.kinds
        ]
        quoted = [repr(choice) for choice in self.choices]
        if not numbers:
            return "one of " + ", ".join(self.choices)
        return " or ".join([", ".join(quoted), *numbers] if quoted else numbers)


def declared(group: Any) -> dict[str, Declared]:
    """Return the fields of a group of settings by name, in their order.

    Parameters
    ----------
    group : type
        A dataclass.
    """
    return _all_declared(group)


def check(group: Any) -> None:
    """Raise unless every value of a group of settings is accepted; for its ``__post_init__``.

    Parameters
    ----------
    group : dataclass instance
        The settings. Types are checked strictly: neither "1" nor true is a number.

    Raises
    ------
    ConfigError
        With the name of the first field that is wrong, and what it accepts.
    """
    from pydantic import ValidationError

    kind: Any = type(group)
    values = {f.name: getattr(group, f.name) for f in dataclasses.fields(group)}
    try:
        _checker(kind, tuple(values)).validate_python(values)
    except ValidationError as error:
        raise explain(error, kind) from error


def check_value(group: type, name: str, value: Any) -> None:
    """Raise unless one field of a group of settings accepts a value.

    Parameters
    ----------
    group : type
        A dataclass.
    name : str
        A field of it.
    value : object
        The value.

    Raises
    ------
    ConfigError
        If it doesn't.
    """
    from pydantic import ValidationError

    try:
        _checker(group, (name,)).validate_python({name: value})
    except ValidationError as error:
        raise explain(error, group) from error


def build(group: type[T], values: object, path: str = "") -> T:
    """Build a group of settings from plain values, as TOML and JSON have them.

    Parameters
    ----------
    group : type
        A dataclass; its fields may be dataclasses, and tuples of them. Its
        ``__pydantic_config__`` is used; with ``{"extra": "forbid"}`` unknown names are errors.
    values : object
        A table; lists are accepted for tuples, and integers for floats.
    path : str
        The table's path in messages: "data."

    Returns
    -------
    T
        Checked.

    Raises
    ------
    ConfigError
        With the name of the first field that is unknown, missing or wrong.
    """
    import json

    from pydantic import TypeAdapter, ValidationError

    try:
        # By JSON's rules a list is a tuple and an integer a float, but "1" is no number.
        built: T = TypeAdapter(group).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise explain(error, group, path) from error
    return built


def explain(error: ValidationError, group: type, path: str = "") -> ConfigError:
    """Return pydantic's first error as a ConfigError.

    Parameters
    ----------
    error : pydantic.ValidationError
        The error.
    group : type
        The dataclass whose values were checked.
    path : str
        The prefix of names in messages.
    """
    first = error.errors(include_url=False)[0]
    names, field_ = _located(first["loc"], group)
    name = path + ".".join(names)
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        expected, got = "only settings that there are", f"'{name}'"
        return ConfigError(
            expected=expected, got=got, action="Remove that setting, or correct its name."
        )
    accepted = field_.accepted if field_ is not None and field_.setting is not None else ""
    missing = first["type"] in ("missing", "missing_argument")
    got = "nothing" if missing else repr(first["input"])
    return ConfigError(
        expected=f"{name or 'the settings'} to be {accepted or _phrase(first)}",
        got=got,
        action=_ACTION,
    )


@lru_cache(maxsize=32)
def _all_declared(group: type) -> dict[str, Declared]:
    hints = get_type_hints(group, include_extras=True)
    return {f.name: _declared(f, hints[f.name]) for f in dataclasses.fields(group)}


def _declared(field_: dataclasses.Field[Any], hint: Any) -> Declared:
    setting = None
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        setting = next((extra for extra in extras if isinstance(extra, Setting)), None)
    kinds: list[type] = []
    choices: list[str] = []
    for part in _parts(hint):
        if get_origin(part) is Literal:
            choices += get_args(part)
        elif part is not NoneType:
            kinds.append(part)
    default = field_.default
    optional = NoneType in _parts(hint)
    return Declared(field_.name, tuple(kinds), tuple(choices), optional, default, setting)


def _parts(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(part for member in get_args(hint) for part in _parts(member))
    return (hint,)


@lru_cache(maxsize=128)
def _checker(group: type, names: tuple[str, ...]) -> Any:
    """Return pydantic's validator of a dict with some fields of a group of settings.

    The dataclass itself can't be validated in its ``__post_init__``: pydantic would make another
    one, which would be validated in turn.
    """
    import pydantic

    config = pydantic.ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True
    )
    hints = get_type_hints(group, include_extras=True)
    fields: dict[str, Any] = {}
    for name in names:
        setting = declared(group)[name].setting
        fields[name] = (_limited(hints[name], setting) if setting else hints[name], ...)
    model = pydantic.create_model(group.__name__, __config__=config, **fields)
    return model.__pydantic_validator__


def _limited(hint: Any, setting: Setting) -> Any:
    """Return a type hint whose numbers, and only these, have the setting's limits."""
    from pydantic import Field

    limits = Field(ge=setting.low, le=setting.high)
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    parts = [Annotated[part, limits] if part in (int, float) else part for part in _parts(base)]
    return Union[tuple(parts)]  # noqa: UP007  # a union of a computed list has no other spelling


def _located(location: tuple[int | str, ...], group: type) -> tuple[list[str], Declared | None]:
    """Return the path of names to a wrong value, and the field if one declares it.

    Pydantic's locations also name the branches of unions that it tried; these are left out.
    """
    names: list[str] = []
    owner: Any = group
    field_: Declared | None = None
    for part in location:
        if isinstance(part, int):
            names[-1:] = [f"{names[-1]}[{part}]"] if names else [f"[{part}]"]
        elif owner is None:
            continue
        else:
            fields = declared(owner)
            names.append(part)
            field_ = fields.get(part)
            owner = None if field_ is None else _nested(field_)
    return names, field_


def _nested(field_: Declared) -> Any:
    """Return the dataclass that a field's value is, or is a tuple of; None for other fields."""
    for kind in field_.kinds:
        for candidate in (kind, *get_args(kind)):
            if dataclasses.is_dataclass(candidate):
                return candidate
    return None


def _phrase(error: ErrorDetails) -> str:
    """Return pydantic's message as a phrase that continues "to be"."""
    text = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return "given" if text == "Field required" else text[:1].lower() + text[1:]
