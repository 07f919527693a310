"""When budgets begin anew: by the calendar of their zone, through changes of its clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.periods import span_of
from flowrouter.settings.budgets import Budget

BERLIN = ZoneInfo("Europe/Berlin")


def at(*moment: int, zone: Any = UTC) -> float:
    return datetime(*moment, tzinfo=zone).timestamp()  # type: ignore[misc]


@pytest.mark.parametrize(
    "period, start, end",
    [
        ("day", (2026, 3, 29), (2026, 3, 30)),
        ("week", (2026, 3, 23), (2026, 3, 30)),
        ("month", (2026, 3, 1), (2026, 4, 1)),
    ],
    ids=str,
)
def test_in_a_zone_whose_clocks_change(period: Any, start: Any, end: Any) -> None:
    budget = Budget(amount=Decimal(1), period=period, zone="Europe/Berlin")
    span = span_of(budget, at(2026, 3, 29, 12, zone=BERLIN))
    assert (span.start, span.end) == (at(*start, zone=BERLIN), at(*end, zone=BERLIN))
    if period == "day":
        assert span.end - span.start == 23 * 3600


@given(
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
    st.integers(0, 4 * 10**9),
)
def test_now_is_in_its_period_and_the_next_begins_where_it_ends(period: Any, zone: str, now: int) -> None:
    budget = Budget(amount=Decimal(1), period=period, zone=zone)
    span = span_of(budget, now)
    assert span.start <= now < span.end
    assert span_of(budget, span.start).start == span.start
    assert span_of(budget, span.end).start == span.end


@pytest.mark.parametrize(
    "given",
    [
        {"amount": 0}, {"amount": -1}, {"amount": "NaN"}, {"amount": 1.5, "metric": "tokens"},
        {"amount": 1, "zone": "Nowhere/Land"}, {"amount": 1, "zone": "../etc/passwd"}, {"amount": 1e30},
        {"amount": "0.0000000000001"}, {"amount": 1, "metric": "tokens", "mode": "hard", "downgrade": "m"},
        {"amount": 1, "warn": 0},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_budget(given: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Budget)


def test_amounts_are_exact() -> None:
    assert msgspec.convert({"amount": 0.1}, Budget).limit == 10**11
    assert msgspec.convert({"amount": "5"}, Budget).limit == 5 * 10**12
