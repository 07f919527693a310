"""Fair sequences over weights: exact, spread out, and bounded whatever the weights are."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing.turns import ROUND_MAX, draw, raced, smooth


@given(weights=st.lists(st.integers(1, 50), min_size=1, max_size=8), times=st.integers(1, 7))
def test_weights_with_a_common_factor_are_the_same(weights: list[int], times: int) -> None:
    more = [weight * times for weight in weights]
    assert [smooth(weights, turn) for turn in range(50)] == [smooth(more, turn) for turn in range(50)]


@given(weights=st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_huge_weights_are_met_to_a_thousandth(weights: list[int]) -> None:
    seen = Counter(smooth(weights, turn) for turn in range(2 * ROUND_MAX))
    for place, weight in enumerate(weights):
        share = weight / sum(weights)
        assert seen[place] >= 1
        assert abs(seen[place] / (2 * ROUND_MAX) - share) < 0.012


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=8))
def test_a_race_has_every_runner_once(draws: list[float]) -> None:
    assert sorted(raced([1] * len(draws), draws)) == list(range(len(draws)))


@given(seeds=st.lists(st.text(), min_size=1, max_size=4))
def test_a_draw_is_a_share_and_depends_on_its_seeds_only(seeds: list[str]) -> None:
    assert 0.0 <= draw(*seeds) < 1.0
    assert draw(*seeds) == draw(*seeds)


def test_draws_are_even() -> None:
    """χ² over ten parts of 10,000 draws: 9 degrees of freedom, 0.1 % is 27.88."""
    seen = Counter(int(draw("seed", str(number)) * 10) for number in range(10_000))
    assert sum((seen[part] - 1000) ** 2 / 1000 for part in range(10)) < 27.88
