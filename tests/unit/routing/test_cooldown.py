"""How long what pauses, and what a burst, a success and a named time do to it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing import Target
from flowrouter.routing.cooldown import (
    BACKOFFS,
    SHORT_MAX,
    Failed,
    Pause,
    believable,
    keys_of,
    paused,
    scope_key,
    survives,
    used_up,
    worth_keeping,
)
from flowrouter.routing.verdict import FailureClass, network, of_class

NOW = 1_800_000_000.0
MOST = 1_800.0
TARGET = Target(
    account_id="a1", account="work", preset="openai", model="m", dialect="openai_chat", host="api.test:443"
)
PAUSING = [name for name in get_args(FailureClass) if name in BACKOFFS]


def fail(failure: FailureClass = "server", *, began: float = NOW, named: float | None = None) -> Failed:
    return Failed(failure=failure, reason="it broke", began=began, named=named)


def seconds(failure: FailureClass, failures: int, **options: Any) -> list[float]:
    """Return the lengths of `failures` pauses in a row, each tried again at once after its end."""
    before: Pause | None = None
    now, found = NOW, list[float]()
    for _ in range(failures):
        before = paused(before, fail(failure, began=now, **options), now=now, draw=0.0, most=MOST)
        found.append(before.until - now)
        now = before.until + 0.001
    return [round(each, 6) for each in found]


@pytest.mark.parametrize(
    "failure, expected",
    [
        ("auth", [300, 600, 1200, 1800, 1800]),
        ("billing", [1800, 1800, 1800, 1800, 1800]),
        ("model_missing", [3600, 7200, 14400, 28800, 43200]),
        ("rate_limit", [1, 2, 4, 8, 16]),
        ("overloaded", [5, 10, 20, 20, 20]),
        ("server", [15, 20, 20, 20, 20]),
        ("network", [10, 20, 20, 20, 20]),
        ("timeout", [15, 16.5, 16.5, 16.5, 16.5]),
        ("bad_reply", [15, 16.5, 16.5, 16.5, 16.5]),
    ],
    ids=PAUSING,
)
def test_each_class_backs_off_in_its_own_way(failure: FailureClass, expected: list[float]) -> None:
    assert seconds(failure, 5) == pytest.approx(expected)


def test_a_rate_limit_without_a_time_backs_off_to_four_minutes() -> None:
    assert seconds("rate_limit", 12)[-1] == 240


@pytest.mark.parametrize("failure", ["rate_limit", "overloaded", "server"])
def test_a_named_time_counts_up_to_the_setting(failure: FailureClass) -> None:
    assert seconds(failure, 3, named=77.0) == [77, 77, 77]
    assert seconds(failure, 2, named=9_999.0) == [MOST, MOST]


@pytest.mark.parametrize("failure", ["auth", "billing", "model_missing"])
def test_a_named_time_says_nothing_about_what_no_waiting_mends(failure: FailureClass) -> None:
    assert seconds(failure, 1, named=1.0) == [BACKOFFS[failure].first]


@given(
    st.sampled_from(PAUSING),
    st.integers(1, 40),
    st.floats(0, 0.999),
    st.none() | st.floats(0, 1e6),
)
def test_jitter_only_lengthens_and_caps_hold(
    failure: FailureClass, times: int, draw: float, named: float | None
) -> None:
    before: Pause | None = None
    plain: Pause | None = None
    now = NOW
    for _ in range(times):
        before = paused(before, fail(failure, began=now, named=named), now=now, draw=draw, most=MOST)
        plain = paused(plain, fail(failure, began=now, named=named), now=now, draw=0.0, most=MOST)
        length = before.until - now
        assert length >= plain.until - now - 1e-6
        assert length <= max(MOST, BACKOFFS[failure].most) + 1e-6
        if not before.named and failure in ("overloaded", "server", "network", "timeout"):
            assert length <= SHORT_MAX + 1e-6
        if before.named:
            assert named is not None
            assert length >= min(named, MOST) - 1e-6
        now = max(before.until, plain.until) + 0.01


@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=60), st.floats(0.5, 30))
def test_a_burst_counts_once(delays: list[float], took: float) -> None:
    """Attempts that began before the first of them failed are one burst, however late they fail."""
    before: Pause | None = None
    for delay in sorted(delays):
        failed = fail("overloaded", began=NOW - took)
        before = paused(before, failed, now=NOW + delay, draw=0.5, most=MOST)
    assert before is not None
    assert before.level == 1


def test_the_next_failure_after_the_burst_counts() -> None:
    first = paused(None, fail(began=NOW - 1), now=NOW, draw=0.0, most=MOST)
    late = paused(first, fail(began=NOW - 60), now=NOW + 40, draw=0.0, most=MOST)
    assert late == first
    second = paused(first, fail(began=first.until + 1), now=first.until + 2, draw=0.0, most=MOST)
    assert second.level == 2


def test_of_a_burst_the_longest_named_time_counts() -> None:
    first = paused(None, fail("rate_limit", named=5.0), now=NOW, draw=0.0, most=MOST)
    longer = paused(first, fail("rate_limit", named=30.0), now=NOW + 0.5, draw=0.0, most=MOST)
    assert (longer.until, longer.level) == (NOW + 30.5, 1)
    assert paused(longer, fail("rate_limit", named=2.0), now=NOW + 0.6, draw=0.0, most=MOST) == longer


def test_scopes() -> None:
    assert scope_key(of_class("auth"), TARGET) == scope_key(of_class("billing"), TARGET) == "account:a1"
    for failure in ("rate_limit", "overloaded", "server", "timeout", "bad_reply", "model_missing", "network"):
        assert scope_key(of_class(failure), TARGET) == "model:a1:m"
    assert scope_key(network("connect"), TARGET) == "host:api.test:443"
    for failure in ("request_fault", "param_unsupported", "context_overflow", "content_filter", "cancelled"):
        assert scope_key(of_class(failure), TARGET) is None
    assert set(keys_of(TARGET)) == {"account:a1", "model:a1:m", "host:api.test:443"}


def test_an_answer_disproves_only_what_was_before_it() -> None:
    pause = paused(None, fail(began=NOW - 5), now=NOW, draw=0.0, most=MOST)
    assert survives(pause, NOW - 1, now=NOW + 2)
    assert not survives(pause, NOW + 1, now=NOW + 2)


def test_a_trial_before_the_end_only_where_no_time_was_named() -> None:
    own = paused(None, fail("server"), now=NOW, draw=0.0, most=MOST)
    assert own.riskable(NOW) == 2.0
    assert own.riskable(NOW + 3) == 0.0
    named = paused(None, fail("server", named=60.0), now=NOW, draw=0.0, most=MOST)
    assert named.riskable(NOW + 59) is None


def test_the_last_request_of_a_limit() -> None:
    spent = used_up(None, 40.0, now=NOW, most=MOST)
    assert spent is not None
    assert (spent.until, spent.level, spent.failure) == (NOW + 40, 0, "rate_limit")
    assert spent.gone(NOW + 40)  # nothing failed, so nothing must be tried out
    assert used_up(None, 0.01, now=NOW, most=MOST) is None
    assert used_up(spent, 20.0, now=NOW, most=MOST) is spent
    after = paused(spent, fail("rate_limit", began=NOW + 1), now=NOW + 2, draw=0.0, most=MOST)
    assert after.level == 1


def test_what_is_kept_over_a_restart() -> None:
    short = paused(None, fail("server"), now=NOW, draw=0.0, most=MOST)
    long = paused(None, fail("billing"), now=NOW, draw=0.0, most=MOST)
    assert (worth_keeping(short), worth_keeping(long)) == (False, True)
    assert believable(long, NOW + 100, most=MOST)
    assert not believable(long, long.until, most=MOST)
    assert not believable(long, NOW - 60 * 3600, most=MOST)  # the clock was wrong when it was written
