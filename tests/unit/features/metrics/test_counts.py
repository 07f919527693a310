"""What is counted of settled exchanges, and that the number of series has an end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.accounts.account import Account
from flowrouter.canonical.receipt import Seam
from flowrouter.canonical.usage import Usage
from flowrouter.features.metrics import counts as module
from flowrouter.features.metrics.counts import DURATIONS, Counts, Histogram
from flowrouter.features.metrics.families import Family
from flowrouter.features.metrics.labels import OTHER, Labels
from flowrouter.gateway.ports import Snapshot, StoredCombo
from flowrouter.gateway.world import World, compile_world
from flowrouter.providers import catalog
from flowrouter.routing import Target
from flowrouter.routing.facts import NAME_MAX
from flowrouter.settings.prices import ModelPrice
from flowrouter.settings.routing import ComboConfig, ComboMember
from flowrouter.usage import Prices
from tests.support.settled import settlement


def account(name: str, *models: str, owner: str = "local") -> Account:
    return Account(
        id=f"{owner}-{name}", name=name, preset="custom-openai", owner_id=owner,
        base_url="http://127.0.0.1:1/v1", models=models or ("m", "*"),
    )  # fmt: skip


def world(*accounts: Account, **more: Any) -> World:
    snapshot = Snapshot(version=1, loaded_at_ms=0, accounts=accounts, **more)
    prices = Prices({"m": ModelPrice(input=2, output=10)})
    return compile_world(snapshot, declared=(), catalog=catalog.packaged(), prices=prices)


def target(name: str = "a", model: str = "m") -> Target:
    return Target(
        account_id=f"local-{name}", account=name, preset="custom-openai", model=model, dialect="openai_chat"
    )


def told(counts: Counts, name: str, **labels: str) -> float:
    """Return the sum of the series of `name` that have these labels."""
    (family,) = (each for each in counts.families() if each.name == f"flowrouter_{name}")
    return sum(
        sample.value
        for sample in family.samples
        if labels.items() <= dict(zip(family.labels, sample.labels, strict=True)).items()
    )


WORLD = world(account("a"), account("b"))


def test_tokens_and_money_of_what_was_answered() -> None:
    counts = Counts(lambda: WORLD)
    usage = Usage(input=100, cache_read=50, output=20, reasoning=5)
    counts.settled(settlement(WORLD, (target(), "answered"), usage=usage))
    found = {kind: told(counts, "tokens", kind=kind, estimated="false") for kind in module.KINDS}
    assert found == {"input": 100, "cache_read": 50, "cache_write": 0, "output": 20, "reasoning": 5}
    assert told(counts, "tokens", estimated="true") == 0
    assert told(counts, "cost_usd", account="a", model="m") == told(counts, "charge_usd") > 0


def test_estimates_are_marked_and_unknown_prices_counted() -> None:
    counts = Counts(lambda: WORLD)
    usage = Usage(input=7, output=1, estimated=True)
    counts.settled(settlement(WORLD, (target(model="free"), "answered"), usage=usage))
    assert told(counts, "tokens", kind="input", estimated="true", model=OTHER) == 7
    assert told(counts, "cost_unknown", model=OTHER) == 1
    assert told(counts, "cost_usd") == 0


def test_fallbacks_hedges_and_completions() -> None:
    counts = Counts(lambda: WORLD)
    counts.settled(settlement(WORLD, (target("a"), "server"), (target("b"), "answered")))
    assert told(counts, "fallbacks") == 1
    counts.settled(settlement(WORLD, (target("a"), "hedged"), (target("b"), "answered")))
    counts.settled(settlement(WORLD, (target("a"), "network"), (target("a"), "answered")))
    assert (told(counts, "fallbacks"), told(counts, "hedges")) == (1, 1), "neither is a fallback"
    seam = Seam(at=5, way="prefill", account="b", model="m", reason="reset")
    counts.settled(settlement(WORLD, (target("a"), "cut"), (target("b"), "answered"), seams=[seam]))
    counts.settled(settlement(WORLD, (target("a"), "cut"), outcome="partial", not_completed="nobody could"))
    assert told(counts, "completions", way="prefill") == told(counts, "completions_failed") == 1
    assert told(counts, "attempts", verdict="cut") == 2


def test_requests_that_reached_nobody() -> None:
    counts = Counts(lambda: WORLD)
    counts.settled(settlement(WORLD, outcome="error", status=401))
    assert told(counts, "requests", status="4xx", outcome="error", account="", model="") == 1
    assert told(counts, "cost_usd") == 0


def test_names_follow_the_world() -> None:
    present = [WORLD]
    counts = Counts(lambda: present[0])
    counts.settled(settlement(WORLD, (target(model="new"), "answered")))
    present[0] = world(account("a", "new", "*"))
    counts.settled(settlement(present[0], (target(model="new"), "answered")))
    counts.settled(settlement(WORLD, (target("b"), "answered")))
    assert told(counts, "requests", model=OTHER) == 2, "the one before it was known, the one it forgot"
    assert told(counts, "requests", model="new", account="a") == 1
    assert told(counts, "requests", account=OTHER) == 1, "an account that is gone"


def test_every_name_people_wrote_is_known() -> None:
    config = ComboConfig(members=(ComboMember(model="b/in-combo"),))
    combo = StoredCombo(id="1", name="best", owner_id="local", config=config)
    made = compile_world(
        Snapshot(version=1, loaded_at_ms=0, accounts=(account("a", "listed", "*"),), combos=(combo,)),
        declared=(), catalog=catalog.packaged(), aliases={"fast": ("a/in-pool", "plain")},
    )  # fmt: skip
    labels = Labels(made)
    assert [name for name in ("listed", "in-combo", "in-pool", "plain") if labels.model(name) != name] == []
    assert labels.model("*") == labels.model("whatever") == OTHER


def test_accounts_of_two_owners_with_one_name() -> None:
    labels = Labels(world(account("a", owner="me"), account("a", owner="you"), account("b", owner="you")))
    assert [labels.account(each) for each in ("me-a", "you-a", "you-b", "gone")] == [
        "a@me",
        "a@you",
        "b",
        OTHER,
    ]


def test_series_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERIES_MAX", 5)
    names = [f"m{number}" for number in range(30)]
    made = world(account("a", *names))
    counts = Counts(lambda: made)
    for name in names:
        counts.settled(settlement(made, (target(model=name), "answered")))
    assert told(counts, "requests") == 30, "nothing goes uncounted"
    assert told(counts, "requests", account=OTHER, model=OTHER) == 25
    assert told(counts, "metrics_overflow") >= 25
    assert len(next(each for each in counts.families() if each.name == "flowrouter_requests").samples) == 6


def test_what_overflows_is_counted_as_an_attempt_and_as_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERIES_MAX", 1)
    made = world(account("a"), account("b"))
    counts = Counts(lambda: made)
    for name in ("a", "b", "b", "b"):
        counts.settled(settlement(made, (target(name, "of-a-client"), "answered")))
    assert told(counts, "metrics_overflow") == 6
    assert told(counts, "requests", account=OTHER) == told(counts, "attempts", account=OTHER) == 3


@given(st.lists(st.text(max_size=30), max_size=60))
@settings(max_examples=25, deadline=None)
def test_what_clients_ask_for_adds_no_series(names: list[str]) -> None:
    counts = Counts(lambda: WORLD)
    counts.settled(settlement(WORLD, (target(model="unheard-of"), "answered")))
    before = labels_of(counts.families())
    for name in names:
        counts.settled(settlement(WORLD, (target(model=name), "answered"), asked=name))
    allowed = {"m"} if "m" in names else set()
    added = {labels for labels in labels_of(counts.families()) - before if not allowed & set(labels[1])}
    assert not added


def test_names_of_clients_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOUND_MAX", 4)
    counts = Counts(lambda: WORLD)
    for turn in range(3):
        for number in range(10):
            counts.settled(settlement(WORLD, (target(model=f"own-{number}"), "answered")))
        assert told(counts, "requests", model=OTHER) == 10 * (turn + 1)
        assert len(counts._found) <= 4
    counts.settled(settlement(WORLD, (target(model="x" * (NAME_MAX + 1)), "answered")))
    assert told(counts, "requests", model=OTHER) == 31
    assert max(len(model) for _, _, model in counts._found) <= NAME_MAX


def labels_of(families: list[Family]) -> set[tuple[str, tuple[str, ...]]]:
    return {(family.name, sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize(
    ("value", "bucket"),
    [(0.0, 0), (0.05, 0), (0.0500001, 1), (600.0, len(DURATIONS) - 1), (601.0, len(DURATIONS))],
    ids=["zero", "on the first bound", "above it", "on the last bound", "above all"],
)
def test_a_bound_belongs_to_its_bucket(value: float, bucket: int) -> None:
    histogram = Histogram(DURATIONS)
    histogram.take(value)
    assert histogram.buckets.index(1) == bucket
    assert histogram.total == value


def test_families_travel_as_json() -> None:
    counts = Counts(lambda: WORLD)
    counts.settled(settlement(WORLD, (target(), "answered"), usage=Usage(input=1, output=1)))
    families = tuple(counts.families())
    assert msgspec.json.decode(msgspec.json.encode(families), type=tuple[Family, ...]) == families
