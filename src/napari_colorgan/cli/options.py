"""Options of the command line, made from settings that are declared elsewhere."""

from __future__ import annotations

import inspect
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from napari_colorgan.former_names import replace_former
from napari_colorgan.settings import declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.settings import Declared


def with_settings(group: type, *names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting of a group, and hidden ones for former names.

    Parameters
    ----------
    group : type
        A dataclass whose fields are declared as :mod:`napari_colorgan.settings` says; those
        without ``option`` are left out.
    *names : str
        The fields that get options; by default all.

    Returns
    -------
    callable
        A decorator. The command's parameter ``settings`` is replaced by the options and receives
        their values as a dict, unchecked; the group checks them.
    """
    fields = {
        field.name: field
        for field in declared(group).values()
        if field.setting and field.setting.option and (not names or field.name in names)
    }
    former = [f.setting.former.name for f in fields.values() if f.setting and f.setting.former]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        # Evaluated: with postponed annotations, typer would get strings.
        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            if parameter.name == "settings":
                parameters += map(_parameter, fields.values())
                parameters += map(_former_parameter, former)
            else:
                # Like the options' own: a signature can't have positional ones after them.
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

        @wraps(command)
        def run(**values: Any) -> None:
            settings = {name: _plain(field, values.pop(name)) for name, field in fields.items()}
            settings |= {name: values.pop(name) for name in former}
            command(settings=replace_former(group, settings, _print_notice), **values)

        # What typer reads: the signature, and by name the annotations.
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def _parameter(field: Declared) -> inspect.Parameter:
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=_annotation(field),
    )


def _former_parameter(name: str) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[float | None, typer.Option(hidden=True)],
    )


def _print_notice(text: str) -> None:
    typer.echo(text, err=True)


def _annotation(field: Declared) -> Any:
    """Return a setting's type as typer understands it, with its help."""
    setting = field.setting
    assert setting is not None
    if field.choices and not field.kinds:
        # Made by hand: older typers know enumerations, but no Literal.
        names = {choice.upper(): choice for choice in field.choices}
        kind = cast("type", StrEnum(field.name, names))
        option = typer.Option(help=setting.description)
    elif field.choices:
        # A word or a number: read as text, since typer knows no unions.
        kind = str
        metavar = "|".join([*field.choices, "NUMBER"])
        option = typer.Option(help=setting.description, metavar=metavar)
    else:
        (kind,) = field.kinds
        # The settings check the limits, for Python and the command line in the same words.
        has_limits = setting.low is not None or setting.high is not None
        limits = f" Accepts {field.accepted}." if has_limits else ""
        option = typer.Option(help=setting.description + limits)
    return Annotated[kind | None if field.optional else kind, option]


def _plain(field: Declared, value: Any) -> Any:
    """Return an option's value as the settings take it."""
    if isinstance(value, StrEnum):
        return value.value
    if field.choices and field.kinds and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
