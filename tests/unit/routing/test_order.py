"""What each strategy promises, as properties over trees and moments of all kinds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing.order import EXPLORE, dollars, order, turning
from flowrouter.routing.signals import Calm
from flowrouter.routing.tree import Group, Leaf
from tests.unit.routing.moments import (
    NAMES,
    ON_TRIAL,
    PAUSED,
    STRATEGIES,
    Told,
    draft,
    group,
    leaf,
    moments,
    ordered,
    planned,
    trees,
)

FIVE = NAMES[:5]


@given(tree=trees(), told=moments())
def test_every_target_stands_in_the_plan_once_and_the_paused_ones_last(
    tree: Group, told: dict[str, Any]
) -> None:
    accounts = ordered(tree, **told)
    assert sorted(accounts) == sorted({leaf.target.account for leaf in tree.leaves()})
    paused = [told["obstacles"].get(name) is PAUSED for name in accounts]
    assert paused == sorted(paused)
    assert accounts == ordered(tree, **told)


@given(tree=trees(), told=moments())
def test_the_plan_tells_every_obstacle_and_whether_it_may_be_risked(
    tree: Group, told: dict[str, Any]
) -> None:
    plan = planned(tree, **told)
    expected = {
        target.key: told["obstacles"][target.account]
        for target in plan.targets
        if target.account in told["obstacles"]
    }
    assert plan.obstacles == expected
    notes = {note.account: note.reason for note in plan.notes}
    for target in plan.targets:
        obstacle = expected.get(target.key)
        word = None if obstacle is None else "on trial" if obstacle.probe else "paused"
        assert word is None or word in notes[target.account]


@given(tree=trees(), told=moments())
def test_one_sentence_for_each_group_that_decided(tree: Group, told: dict[str, Any]) -> None:
    plan = planned(tree, **told)
    deciding = [group for group in tree.groups() if any(r.startswith(f"{group.name}:") for r in plan.reasons)]
    assert all(len(group.members) > 1 for group in deciding)
    assert len(plan.reasons) <= len(list(tree.groups())) + 1


@given(names=st.permutations(FIVE), paused=st.sets(st.sampled_from(FIVE)))
def test_priority_keeps_the_written_order(names: list[str], paused: set[str]) -> None:
    accounts = ordered(group("priority", *names), obstacles=dict.fromkeys(paused, PAUSED), pin="a3:m")
    assert accounts == [n for n in names if n not in paused] + [n for n in names if n in paused]


@given(
    size=st.integers(1, 8),
    rounds=st.integers(1, 5),
    start=st.integers(0, 10**9),
    paused=st.sets(st.sampled_from(NAMES)),
)
def test_round_robin_gives_each_open_member_exactly_as_many_turns(
    size: int, rounds: int, start: int, paused: set[str]
) -> None:
    names = NAMES[:size]
    live = [name for name in names if name not in paused] or names
    root = group("round_robin", *names)
    obstacles = dict.fromkeys(paused, PAUSED)
    firsts = [
        ordered(root, cursors={"g": start + turn}, obstacles=obstacles)[0]
        for turn in range(rounds * len(live))
    ]
    assert Counter(firsts) == dict.fromkeys(live, rounds)
    assert firsts[: len(live)] == [live[(start + turn) % len(live)] for turn in range(len(live))]


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6), rounds=st.integers(1, 3))
def test_weighted_is_exact_over_a_round_and_never_far_from_it(weights: list[int], rounds: int) -> None:
    members = [leaf(NAMES[place], weight=weight) for place, weight in enumerate(weights)]
    root, total = group("weighted", *members), sum(weights)
    seen: Counter[str] = Counter()
    for turn in range(rounds * total):
        seen[ordered(root, cursors={"g": turn})[0]] += 1
        for place, weight in enumerate(weights):
            assert abs(seen[NAMES[place]] - (turn + 1) * weight / total) < len(weights)
    common = {NAMES[place]: rounds * weight for place, weight in enumerate(weights)}
    assert seen == common


def test_weighted_takes_its_turns_far_apart() -> None:
    root = group("weighted", leaf("a", weight=5), leaf("b"), leaf("c"))
    assert "".join(ordered(root, cursors={"g": turn})[0] for turn in range(7)) == "aabacaa"


def test_random_draws_by_weight() -> None:
    """χ² over 6,000 draws with fixed seeds: 3 degrees of freedom, 0.1 % is 16.27."""
    weights = {"a": 1, "b": 2, "c": 3, "d": 4}
    root = group("random", *(leaf(name, weight=weight) for name, weight in weights.items()))
    seen = Counter(ordered(root, seed=f"seed {number}")[0] for number in range(6000))
    expected = {name: 600 * weight for name, weight in weights.items()}
    chi = sum((seen[name] - expected[name]) ** 2 / expected[name] for name in weights)
    assert chi < 16.27, seen


def test_the_second_of_a_draw_is_drawn_from_the_rest() -> None:
    """Given that a came first, b and c (2 : 3) follow by their own weights; 1 degree, 0.1 % is 10.83."""
    root = group("random", leaf("a", weight=5), leaf("b", weight=2), leaf("c", weight=3))
    orders = [ordered(root, seed=f"seed {number}") for number in range(6000)]
    second = Counter(accounts[1] for accounts in orders if accounts[0] == "a")
    total = second["b"] + second["c"]
    chi = (second["b"] - total * 0.4) ** 2 / (total * 0.4) + (second["c"] - total * 0.6) ** 2 / (total * 0.6)
    assert chi < 10.83, second


@given(bills=st.dictionaries(st.sampled_from(FIVE), st.integers(0, 3)), names=st.permutations(FIVE))
def test_cost_puts_free_first_unknown_last_and_ties_as_written(
    bills: dict[str, int], names: list[str]
) -> None:
    accounts = ordered(group("cost_optimal", *names), bills=bills)
    assert accounts == sorted(names, key=lambda name: (name not in bills, bills.get(name, 0)))


@given(known=st.dictionaries(st.sampled_from(FIVE), st.floats(0.01, 9)), turn=st.integers(0, 10**6))
def test_latency_puts_the_soonest_first_and_measures_the_unknown_now_and_then(
    known: dict[str, float], turn: int
) -> None:
    accounts = ordered(group("least_latency", *FIVE), latencies=known, cursors={"g": turn})
    unknown = [name for name in FIVE if name not in known]
    by_time = sorted((name for name in FIVE if name in known), key=known.__getitem__)
    if unknown and known and turn % EXPLORE == EXPLORE - 1:
        assert accounts[0] == unknown[turn // EXPLORE % len(unknown)]
        assert accounts[1 : 1 + len(by_time)] == by_time
    elif not known:
        assert accounts[0] == FIVE[turn % len(FIVE)]
    else:
        assert accounts[: len(by_time)] == by_time


@given(busy=st.dictionaries(st.sampled_from(FIVE), st.floats(0, 2)))
def test_busy_puts_the_idlest_first(busy: dict[str, float]) -> None:
    assert ordered(group("least_busy", *FIVE), busy=busy) == sorted(
        FIVE, key=lambda name: busy.get(name, 0.0)
    )


@given(session=st.text(min_size=1), size=st.integers(1, 7), at=st.integers(0, 7))
def test_one_more_member_takes_over_only_the_sessions_it_wins(session: str, size: int, at: int) -> None:
    names = NAMES[:size]
    more = [*names[:at], "new", *names[at:]]
    before = ordered(group("sticky", *names), session=session)
    after = ordered(group("sticky", *more), session=session)
    assert [name for name in after if name != "new"] == before


def test_sessions_spread_evenly() -> None:
    """χ² over 4,000 sessions: 4 degrees of freedom, 0.1 % is 18.47."""
    seen = Counter(ordered(group("sticky", *FIVE), session=f"session {n}")[0] for n in range(4000))
    assert sum((seen[name] - 800) ** 2 / 800 for name in FIVE) < 18.47, seen


@given(session=st.text(min_size=1))
def test_a_pause_moves_only_the_sessions_of_the_paused(session: str) -> None:
    before = ordered(group("sticky", *FIVE), session=session)
    during = ordered(group("sticky", *FIVE), session=session, obstacles={before[1]: PAUSED})
    assert during[0] == before[0]
    assert ordered(group("sticky", *FIVE), session=session, obstacles={before[0]: PAUSED})[0] == before[1]


def test_without_a_session_sticky_keeps_the_written_order() -> None:
    assert ordered(group("sticky", "b", "a", "c")) == ["b", "a", "c"]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_the_pinned_target_leads_where_members_rotate(strategy: str) -> None:
    accounts = ordered(group(strategy, *FIVE), pin="a3:m", session="s", cursors={"g": 1})
    leads = strategy not in ("priority", "cost_optimal")
    # Nothing else tells the members of cost_optimal apart here, so the warm one wins the tie.
    assert (accounts[0] == "a3") == (leads or strategy == "cost_optimal")


def test_cost_outweighs_a_pin_and_the_pin_outweighs_a_tie() -> None:
    root = group("cost_optimal", "a", "b", "c")
    assert ordered(root, pin="b:m", bills={"a": 1, "b": 2})[0] == "a"
    assert ordered(root, pin="b:m", bills={"a": 2, "b": 2})[0] == "b"


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a_paused_account_does_not_keep_its_session(strategy: str) -> None:
    assert ordered(group(strategy, *FIVE), pin="a3:m", obstacles={"a3": PAUSED})[-1] == "a3"


def test_a_trial_stands_in_its_place() -> None:
    plan = planned(group("priority", "a", "b"), obstacles={"a": ON_TRIAL})
    assert [target.account for target in plan.targets] == ["a", "b"]


def test_the_account_that_can_read_the_state_leads_its_preset_only() -> None:
    root = group("priority", leaf("x", preset="azure"), leaf("a"), leaf("b"), leaf("c"))
    assert ordered(root, holder="b") == ["x", "b", "a", "c"]
    assert ordered(root, holder="b", obstacles={"b": PAUSED}) == ["x", "a", "c", "b"]
    assert ordered(root, holder="gone") == ["x", "a", "b", "c"]


def test_a_nested_group_stands_as_one_block_and_counts_as_whom_it_asks_first() -> None:
    inner = group("round_robin", "a", "b", name="inner")
    root = group("cost_optimal", "c", inner)
    assert ordered(root, bills={"a": 1, "b": 9, "c": 5}) == ["a", "b", "c"]
    assert ordered(root, bills={"a": 1, "b": 9, "c": 5}, cursors={"inner": 1}) == ["c", "b", "a"]


def test_a_target_named_twice_is_asked_where_it_stands_first() -> None:
    assert ordered(group("priority", "a", group("priority", "b", "a", name="in"), "b", "c")) == [
        "a",
        "b",
        "c",
    ]


def test_models_of_one_account_are_told_apart() -> None:
    plan = order(draft(group("priority", leaf("a", model="x"), leaf("a", model="y"), leaf("b"))), Calm())
    assert [(note.account, note.model) for note in plan.notes] == [("a", "x"), ("a", "y"), ("b", "")]


def _taken(root: Group, told: dict[str, Any], turns: dict[str, int]) -> str:
    """Take the turns that one request takes, and return who is asked first."""
    known: dict[str, int] = {}
    while (name := turning(draft(root), Told(cursors=known, **told), known)) is not None:
        known[name] = turns.get(name, 0)
        turns[name] = known[name] + 1
    return ordered(root, cursors=known, **told)[0]


def test_a_nested_group_takes_a_turn_only_when_it_is_reached() -> None:
    root = group(
        "round_robin",
        group("round_robin", "a", "b", name="left"),
        group("round_robin", "c", "d", name="right"),
    )
    turns: dict[str, int] = {}
    assert [_taken(root, {}, turns) for _ in range(8)] == ["a", "c", "b", "d", "a", "c", "b", "d"]
    assert turns == {"g": 8, "left": 4, "right": 4}


@given(tree=trees(), told=moments())
def test_taking_turns_ends_and_asks_each_group_once(tree: Group, told: dict[str, Any]) -> None:
    turns: dict[str, int] = {}
    _taken(tree, told, turns)
    assert set(turns.values()) <= {1}


def test_a_pinned_session_takes_no_turn() -> None:
    root = group("round_robin", "a", "b")
    assert turning(draft(root), Told(pin="b:m"), ()) is None
    assert turning(draft(root), Told(), ()) == "g"


def test_nobody_and_one() -> None:
    assert ordered(None) == []
    only: Leaf = leaf("a")
    assert ordered(only) == ["a"]
    assert planned(group("round_robin", "a")).reasons == ()


@pytest.mark.parametrize(
    ("strategy", "told", "said"),
    [
        ("round_robin", {"cursors": {"g": 1}}, "g: a1/m has its turn (round_robin, turn 2, 5 members)"),
        ("cost_optimal", {"bills": {"a2": 12_300_000_000}}, "g: a2/m costs least ($0.0123)"),
        ("least_latency", {"latencies": {"a4": 0.5}}, "g: a4/m begins soonest (0.50 s)"),
        ("least_busy", {"busy": {"a0": 0.5}}, "g: a1/m is least busy (0%)"),
        (
            "priority",
            {"obstacles": {"a0": PAUSED}},
            "g: a1/m comes first in the written order; 1 of 5 paused",
        ),
        ("random", {"pin": "a3:m"}, "g: a3/m keeps the session, it holds the prompt cache"),
    ],
    ids=str,
)
def test_the_choice_is_told(strategy: str, told: dict[str, Any], said: str) -> None:
    assert planned(group(strategy, *FIVE), **told).reasons == (said,)


def test_dollars_for_people() -> None:
    assert [dollars(amount) for amount in (0, 1_000_000, 2_500_000_000_000)] == ["$0", "$1e-06", "$2.5"]
