"""Conditions hold a request against what a rule says, and look no deeper than they must."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.head import Counts
from flowrouter.routing.conditions import Circumstances, is_open, minutes_of, told, unmet
from flowrouter.settings.routing import Conditions

EMPTY = Counts(turns=1, tools=0, images=0, documents=0, tool_results=0, thinking=False, text_bytes=0)


def seen(*, counts: Any = None, tokens: int = 100, minute: int = 720, **fields: Any) -> Circumstances:
    read = msgspec.structs.replace(EMPTY, **counts) if isinstance(counts, dict) else counts
    return Circumstances(counts=lambda: read, tokens=lambda _: tokens, minute=lambda: minute, **fields)


@pytest.mark.parametrize(
    "when, now, meets",
    [
        (Conditions(), seen(), True),
        (Conditions(min_tokens=100), seen(tokens=100), True),
        (Conditions(min_tokens=101), seen(tokens=100), False),
        (Conditions(max_tokens=100), seen(tokens=100), True),
        (Conditions(max_tokens=99), seen(tokens=100), False),
        (Conditions(images=True), seen(counts={"images": 2}), True),
        (Conditions(images=False), seen(counts={"images": 2}), False),
        (Conditions(images=True), seen(counts={}), False),
        (Conditions(tools=False), seen(counts={}), True),
        (Conditions(tools=True), seen(counts={"tools": 1}), True),
        (Conditions(thinking=True), seen(counts={"thinking": True}), True),
        (Conditions(web_search=True), seen(counts={"web_search": True}), True),
        (Conditions(web_search=False), seen(counts={"web_search": True}), False),
        (Conditions(images=True), seen(counts=None), False),
        (Conditions(images=False), seen(counts=None), False),
        (Conditions(user_agent="claude-cli/*"), seen(user_agent="Claude-CLI/2.1"), True),
        (Conditions(user_agent="claude-cli/*"), seen(), False),
        (Conditions(tags=("team", "ci")), seen(tags=("ci", "x", "team")), True),
        (Conditions(tags=("team", "ci")), seen(tags=("ci",)), False),
        (Conditions(hours="08:00-18:00"), seen(minute=8 * 60), True),
        (Conditions(hours="08:00-18:00"), seen(minute=18 * 60), False),
        (Conditions(hours="22:00-06:00"), seen(minute=23 * 60), True),
        (Conditions(hours="22:00-06:00"), seen(minute=5 * 60 + 59), True),
        (Conditions(hours="22:00-06:00"), seen(minute=12 * 60), False),
        (Conditions(hours="07:00-07:00"), seen(minute=3), True),
        (Conditions(min_tokens=1, tools=True, tags=("a",)), seen(counts={"tools": 1}, tags=("a",)), True),
        (Conditions(min_tokens=1, tools=True, tags=("a",)), seen(counts={"tools": 1}), False),
    ],
)  # fmt: skip
def test_conditions(when: Conditions, now: Circumstances, meets: bool) -> None:
    assert (unmet(when, now) is None) is meets


def test_the_body_is_read_once_and_only_for_conditions_about_it() -> None:
    looks: list[str] = []

    def counts() -> Counts:
        looks.append("counts")
        return EMPTY

    now = Circumstances(counts=counts, tokens=lambda _: looks.append("tokens") or 5, minute=lambda: 0)  # type: ignore[func-returns-value]
    assert unmet(Conditions(user_agent="x*", images=True), now) is not None
    assert unmet(Conditions(tags=("a",), max_tokens=3), now) is not None
    assert looks == []
    assert unmet(Conditions(images=False, tools=False), now) is None
    assert looks == ["counts"]


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_hours_and_their_complement_divide_the_day(begin: int, end: int, minute: int) -> None:
    if begin == end:
        return
    span = [f"{time // 60:02d}:{time % 60:02d}" for time in (begin, end)]
    assert minutes_of("-".join(span)) == (begin, end)
    inside = unmet(Conditions(hours="-".join(span)), seen(minute=minute)) is None
    outside = unmet(Conditions(hours="-".join(reversed(span))), seen(minute=minute)) is None
    assert inside != outside


def test_conditions_are_told_as_they_are_written() -> None:
    when = Conditions(max_tokens=8000, tools=False, tags=("a", "b"), user_agent="x*")
    assert told(when) == "max_tokens 8000, tools false, user_agent x*, tags a+b"
    assert told(Conditions()) == ""
    assert is_open(Conditions())
    assert not is_open(Conditions(tools=False))


@pytest.mark.parametrize("hours", ["25:00-06:00", "8:00-9:00", "08:60-09:00", "08:00"])
def test_odd_hours_are_refused(hours: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"hours": hours}, Conditions)
