"""What targets are known for: decayed means, quantiles, and how fast the past is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing.statistics import HALF_LIFE, Statistics

seconds = st.floats(0.03, 200.0)


@given(times=st.lists(seconds, min_size=1, max_size=60), share=st.floats(0.0, 1.0))
def test_a_quantile_is_right_to_a_step_of_the_histogram(times: list[float], share: float) -> None:
    statistics = Statistics(0.0)
    for time in times:
        statistics.first_token(0.0, time)
    found = statistics.first_token_quantile(0.0, share)
    assert found is not None
    ordered = sorted(times)
    exact = ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
    assert exact / 1.26 <= found <= exact * 1.26


@given(times=st.lists(seconds, min_size=1, max_size=20))
def test_quantiles_grow_with_the_share(times: list[float]) -> None:
    statistics = Statistics(0.0)
    for time in times:
        statistics.first_token(0.0, time)
    found = [statistics.first_token_quantile(0.0, share / 20) or 0.0 for share in range(21)]
    assert found == sorted(found)


@given(outcomes=st.lists(st.booleans(), min_size=1, max_size=50), start=st.floats(0, 1e7))
def test_samples_of_one_moment_count_alike(outcomes: list[bool], start: float) -> None:
    statistics = Statistics(start)
    for ok in outcomes:
        statistics.attempt(start, ok=ok)
    assert statistics.success(start) == pytest.approx(sum(outcomes) / len(outcomes))
    assert statistics.samples(start) == pytest.approx(len(outcomes))
    assert statistics.samples(start + HALF_LIFE) == pytest.approx(len(outcomes) / 2)


@given(gap=st.floats(0, 20 * HALF_LIFE), old=seconds, new=seconds)
def test_a_mean_weighs_the_past_by_its_half_lives(gap: float, old: float, new: float) -> None:
    statistics = Statistics(5.0)
    statistics.first_token(5.0, old)
    statistics.first_token(5.0 + gap, new)
    weight = 0.5 ** (gap / HALF_LIFE)
    expected = (old * weight + new) / (weight + 1)
    assert statistics.first_token_mean(5.0 + gap) == pytest.approx(expected, rel=1e-6)


def test_what_is_long_past_is_unknown_again() -> None:
    statistics = Statistics(0.0)
    statistics.attempt(0.0, ok=True, cost=7, tokens=100, seconds=4.0)
    statistics.first_token(0.0, 1.0)
    for now, known in ((2500.0, True), (2700.0, False)):
        told = (
            statistics.success(now),
            statistics.first_token_mean(now),
            statistics.first_token_quantile(now, 0.5),
            statistics.seconds_per_token(now),
            statistics.output_mean(now),
            statistics.cost_mean(now),
        )
        assert [value is not None for value in told] == [known] * 6


def test_years_of_waiting_break_nothing() -> None:
    statistics = Statistics(0.0)
    statistics.first_token(0.0, 9.0)
    later = 3e8
    assert statistics.first_token_mean(later) is None
    statistics.first_token(later, 2.0)
    assert statistics.first_token_mean(later) == pytest.approx(2.0)
    assert statistics.first_token_quantile(later, 0.95) == pytest.approx(2.0, rel=0.26)


def test_a_year_of_requests_keeps_its_numbers_small() -> None:
    statistics, now = Statistics(0.0), 0.0
    for _ in range(10_000):
        now += 3_000.0
        statistics.attempt(now, ok=True)
        statistics.first_token(now, 1.0)
    assert statistics.success(now) == pytest.approx(1.0)
    assert statistics.first_token_mean(now) == pytest.approx(1.0)


def test_pace_is_that_of_streams_only() -> None:
    statistics = Statistics(0.0)
    statistics.attempt(0.0, ok=True, tokens=10)
    assert (statistics.seconds_per_token(0.0), statistics.output_mean(0.0)) == (None, 10.0)
    statistics.attempt(0.0, ok=True, tokens=20, seconds=4.0)
    assert (statistics.seconds_per_token(0.0), statistics.output_mean(0.0)) == (0.2, 15.0)
