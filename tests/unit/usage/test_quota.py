"""When a window is closed, what of it is kept back, and how long it lasts at its pace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.settings.quotas import QuotaLimit, reserves
from flowrouter.usage.quota import (
    HOUR,
    Window,
    closed,
    filled,
    forecast,
    kept_back,
    merged,
    span_named,
    span_seconds,
)

NOW = 1_800_000_000.0


def window(**said: Any) -> Window:
    values: dict[str, Any] = {"name": "plan/5h", "unit": "percent", "source": "header", "as_of": NOW, "span": "5h",
                              "limit": 100.0, "resets_at": NOW + HOUR}  # fmt: skip
    return filled(Window(**(values | said)))


@pytest.mark.parametrize(
    ("said", "reserve", "why"),
    [
        ({"remaining": 40.0}, "", None),
        ({"remaining": 0.0}, "", "used up"),
        ({"remaining": 30.0, "refused": True}, "", "used up"),
        ({"remaining": 0.0, "refused": False}, "", None),
        ({"remaining": 0.0, "limit": 0.0}, "", None),
        ({"remaining": 0.0, "resets_at": NOW}, "", None),
        ({"remaining": 20.0}, "20%", "kept back"),
        ({"remaining": 20.1}, "20%", None),
        ({"remaining": 20.0}, "week:20%", None),
        ({"remaining": 20.0}, "5h:20%", "kept back"),
        ({"remaining": 20.0}, "plan/5h:20%", "kept back"),
        ({"remaining": 20.0, "span": "minute"}, "20%", None),
        ({"remaining": 20.0, "span": "minute"}, "minute:20%", "kept back"),
        (
            {"remaining": 4.0, "unit": "usd", "span": "balance", "limit": None, "resets_at": None},
            "5usd",
            "kept back",
        ),
        (
            {"remaining": 6.0, "unit": "usd", "span": "balance", "limit": None, "resets_at": None},
            "5usd",
            None,
        ),
        (
            {"remaining": 6.0, "unit": "cny", "span": "balance", "limit": None, "resets_at": None},
            "9usd",
            None,
        ),
    ],
)
def test_what_is_closed(said: dict[str, Any], reserve: str, why: str | None) -> None:
    found = closed(window(**said), reserves(reserve), now=NOW)
    assert (found is None) if why is None else (found is not None and why in found.reason)


def test_without_a_reset_a_word_counts_for_an_hour_at_most() -> None:
    month = window(span="month", remaining=0.0, resets_at=None)
    assert closed(month, (), now=NOW + HOUR - 1) is not None
    assert closed(month, (), now=NOW + HOUR) is None
    assert closed(window(span="minute", remaining=0.0, resets_at=None), (), now=NOW + 60) is None


@given(st.floats(0, 1000), st.floats(0, 100))
def test_a_reserve_is_never_dipped_into(left: float, percent: float) -> None:
    kept = reserves(f"{percent:.3f}%")
    has = window(limit=1000.0, remaining=left, unit="requests")
    open_ = closed(has, kept, now=NOW) is None
    assert not open_ or left > kept_back(has, kept)


def test_the_pace_says_when_it_ends() -> None:
    first = window(used=10.0, resets_at=NOW + 5000)
    later = merged(first, window(used=30.0, as_of=NOW + 1000, resets_at=NOW + 5000))
    ahead = forecast(later, now=NOW + 1000)
    assert ahead is not None
    assert ahead.runs_out_at == pytest.approx(NOW + 1000 + 70 / 0.02)
    assert ahead.lasts is False
    slow = merged(first, window(used=10.5, as_of=NOW + 1000, resets_at=NOW + 5000))
    assert msgspec.structs.asdict(forecast(slow, now=NOW + 1000))["lasts"] is True  # type: ignore[arg-type]
    assert forecast(first, now=NOW) is None


def test_a_window_that_began_anew_forgets_its_past() -> None:
    used = merged(window(used=10.0), window(used=90.0, as_of=NOW + 1000))
    assert used.past
    fresh = merged(used, window(used=91.0, as_of=NOW + 2000, resets_at=NOW + 7 * HOUR))
    assert fresh.past == ()
    less = merged(used, window(used=5.0, as_of=NOW + 2000))
    assert less.past == ()


def test_a_balance_has_a_pace_and_no_reset_to_last_until() -> None:
    def balance(left: float, at: float) -> Window:
        return window(unit="usd", span="balance", limit=None, remaining=left, resets_at=None, as_of=at)

    ahead = forecast(merged(balance(10.0, NOW), balance(8.0, NOW + 2 * HOUR)), now=NOW + 2 * HOUR)
    assert ahead is not None
    assert ahead.runs_out_at == pytest.approx(NOW + 10 * HOUR)
    assert ahead.lasts is None


def test_what_is_remembered_is_bounded() -> None:
    found = window(used=0.0)
    for step in range(1, 400):
        found = merged(found, window(used=step / 10, as_of=NOW + step * 10))
    assert len(found.past) <= 12


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (60, "minute"),
        (18000, "5h"),
        (86400, "day"),
        (604800, "week"),
        (2592000, "month"),
        (5400, "90m"),
        (259200, "3d"),
    ],
)
def test_spans_have_names(seconds: float, name: str) -> None:
    assert span_named(seconds) == name
    assert span_seconds(name) == seconds


@pytest.mark.parametrize("text", ["10", "10 percent", "101%", "-5%", "week:", "5eur"])
def test_no_reserves(text: str) -> None:
    with pytest.raises(ValueError, match="reserve"):
        reserves(text)


@pytest.mark.parametrize(
    "said",
    [{"window": "5h"}, {"window": "fortnight", "requests": 1}, {"window": "5h", "usd": "0"}, {"window": "day", "requests": 1, "zone": "Mars"}],
    ids=["nothing", "window", "zero", "zone"],
)  # fmt: skip
def test_no_quotas(said: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(said, QuotaLimit)
