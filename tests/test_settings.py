"""Settings: what a declaration makes of values, right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import pytest

from napari_colorgan.errors import ConfigError
from napari_colorgan.former_names import accept_former_names, replace_former
from napari_colorgan.settings import (
    FormerName,
    Setting,
    build,
    check,
    check_value,
    declared,
)


@dataclass(frozen=True)
class Inner:
    """A part of the settings."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    rate: Annotated[float, Setting("&Rate", "How fast.", low=0)] = 0.5
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Outer:
    """Settings with parts."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    inner: Inner
    parts: tuple[Inner, ...] = ()
    side: Annotated[int, Setting("Side", "How long.", low=1, high=9)] = 3


def test_a_declaration_says_what_is_accepted() -> None:
    fields = declared(Inner)
    assert fields["rate"].accepted == "a number of at least 0"
    assert fields["rate"].setting is not None
    assert fields["rate"].setting.title == "Rate"
    assert fields["kind"].choices == ("a", "b")
    assert declared(Outer)["side"].accepted == "an integer from 1 to 9"


def test_plain_values_become_settings() -> None:
    values = {"inner": {"rate": 1, "pair": [1, 2]}, "parts": [{"kind": "b"}], "side": 9}
    built = build(Outer, values)
    assert built == Outer(Inner(1.0, pair=(1.0, 2.0)), (Inner(kind="b"),), 9)
    assert isinstance(built.inner.rate, float)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "inner to be given"),
        ([], "the settings to be"),
        ({"inner": {}, "sides": 2}, "'sides'"),
        ({"inner": {"rat": 1}}, "'inner.rat'"),
        ({"inner": {"rate": "1"}}, "inner.rate to be a number of at least 0, got '1'"),
        ({"inner": {"kind": "c"}}, "inner.kind to be 'a' or 'b'"),
        ({"inner": {"pair": [1]}}, "inner.pair"),
        ({"inner": {}, "parts": [{}, {"kind": 1}]}, r"parts\[1\].kind"),
        ({"inner": {}, "parts": 1}, "parts to be a valid"),
        ({"inner": {}, "side": True}, "side to be an integer from 1 to 9"),
    ],
)
def test_what_is_wrong_is_named(values: object, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        build(Outer, values)


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), True, "1", None])
def test_values_are_checked_strictly(rate: object) -> None:
    with pytest.raises(ConfigError, match="rate"):
        Inner(rate=rate)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="rate"):
        check_value(Inner, "rate", rate)


def test_a_single_value_is_checked_alone() -> None:
    check_value(Outer, "side", 1)
    with pytest.raises(ConfigError, match="from 1 to 9"):
        check_value(Outer, "side", 10)


@dataclass(frozen=True)
class Renamed:
    """Settings of which one had another name and another scale."""

    share: Annotated[
        float | None,
        Setting(
            "Share", "Of all.", former=FormerName("percent", 0, 100, lambda value: value / 100)
        ),
    ] = None
    side: int = 3


def test_a_former_name_is_translated_and_said() -> None:
    told: list[str] = []
    values = {"percent": 25, "side": 4, "other": None}
    assert replace_former(Renamed, values, told.append) == {"share": 0.25, "side": 4, "other": None}
    assert told == ["percent = 25 is deprecated; use share = 0.25."]


def test_a_former_name_that_is_not_used_says_nothing() -> None:
    told: list[str] = []
    values = {"share": 0.5, "percent": None}
    assert replace_former(Renamed, values, told.append) == {"share": 0.5}
    assert told == []


@pytest.mark.parametrize("value", [101, -1, float("nan"), True, "25"])
def test_a_former_name_accepts_what_it_accepted(value: object) -> None:
    with pytest.raises(ConfigError, match="percent to be a number from 0 to 100"):
        replace_former(Renamed, {"percent": value}, print)


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"share = 0.5 and percent = 50.*Give share alone"):
        replace_former(Renamed, {"share": 0.5, "percent": 50}, print)


def test_a_function_warns_where_it_is_called() -> None:
    @accept_former_names(Renamed)
    def show(share: float | None = None) -> float | None:
        return share

    with pytest.warns(DeprecationWarning, match="use share = 0.5") as warned:
        assert show(percent=50) == 0.5  # type: ignore[call-arg]
    assert warned[0].filename == __file__
    with pytest.raises(TypeError, match="proportion"):
        show(proportion=0.5)  # type: ignore[call-arg]
