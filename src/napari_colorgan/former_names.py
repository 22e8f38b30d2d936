"""Earlier names of settings, which Python functions and the command line still accept."""

from __future__ import annotations

import warnings
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from napari_colorgan.errors import ConfigError
from napari_colorgan.settings import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
T = TypeVar("T")


def replace_former(
    group: type, values: Mapping[str, Any], on_notice: Callable[[str], object]
) -> dict[str, Any]:
    """Return values by today's names.

    Parameters
    ----------
    group : type
        A dataclass of settings.
    values : mapping of str to object
        By today's or former names; other names are kept as they are, and None counts as absent
        under a former name.
    on_notice : callable
        Receives a sentence for each former name that was used.

    Raises
    ------
    ConfigError
        If a former name is used with a value that it didn't accept, or beside today's name.
    """
    present = dict(values)
    for name, field_ in declared(group).items():
        former = field_.setting.former if field_.setting else None
        if former is None or (value := present.pop(former.name, None)) is None:
            continue
        if present.get(name) is not None:
            raise ConfigError(
                expected=f"either {name} or {former.name}, its former name",
                got=f"{name} = {present[name]!r} and {former.name} = {value!r}",
                action=f"Give {name} alone.",
            )
        present[name] = former.value(value)
        on_notice(f"{former.name} = {value:g} is deprecated; use {name} = {present[name]:.3g}.")
    return present


def accept_former_names(group: type) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function take settings as keywords by their former names, with a DeprecationWarning.

    Parameters
    ----------
    group : type
        A dataclass of settings, whose fields the function has as keywords.

    Returns
    -------
    callable
        A decorator; the signature stays, so that only today's names are documented.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        def warn(text: str) -> None:
            # Where the function is called: above replace_former and `run`.
            warnings.warn(text, DeprecationWarning, stacklevel=4)

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            return function(*args, **replace_former(group, kwargs, warn))

        return run

    return decorate
