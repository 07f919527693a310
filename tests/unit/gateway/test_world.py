"""The world: accounts, presets and lists compiled into what routing and translation ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account, Secret
from flowrouter.gateway.ports import ModelList, Snapshot
from flowrouter.gateway.world import World, compile_world
from flowrouter.providers import catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.routing import Target, build_plan
from flowrouter.routing.course import Limits
from flowrouter.settings.budgets import Budget
from flowrouter.settings.recording import Recording
from flowrouter.settings.routing import Bypass, Routing, Tiers


def account(name: str, preset: str = "openai", **fields: Any) -> Account:
    defaults: dict[str, Any] = {"id": f"id-{name}", "owner_id": "local", "api_key": Secret("sk-canary")}
    return Account(name=name, preset=preset, **(defaults | fields))


def stored(account_id: str, *names: str, body: bytes | None = None) -> ModelList:
    models = tuple(ListedModel(id=name) for name in names)
    return ModelList(
        account_id=account_id,
        owner_id="local",
        fetched_at_ms=1,
        body=msgspec.json.encode(models) if body is None else body,
    )


def world(
    *accounts: Account, declared: tuple[Account, ...] = (), lists: tuple[ModelList, ...] = (), **options: Any
) -> World:
    snapshot = Snapshot(version=7, loaded_at_ms=0, accounts=accounts, model_lists=lists)
    return compile_world(snapshot, declared=declared, catalog=catalog.packaged(), **options)


def test_facts_of_an_account() -> None:
    made = world(account("work", models=("gpt-5", "o*"), priority=3), account("max", "anthropic"))
    work, claude = made.facts.accounts[1], made.facts.accounts[0]
    assert (work.patterns, work.priority, work.dialects[0]) == (("gpt-5", "o*"), 3, "openai_responses")
    assert (claude.dialects, claude.reserved) == (("anthropic",), False)
    assert made.version == 7
    assert set(made.presets) == {"id-work", "id-max"}


def test_a_fresh_list_counts_before_a_stored_one() -> None:
    lists = (stored("id-a", "old"), stored("id-b", "kept"))
    made = world(
        account("a"),
        account("b"),
        account("c", "custom-openai"),
        lists=lists,
        listed={"id-a": (ListedModel(id="new"),)},
    )
    assert [facts.models for facts in made.facts.accounts] == [("new",), ("kept",), None]


def test_a_presets_own_list_stands_in_until_the_live_one_is_there() -> None:
    (alone,) = world(account("a")).facts.accounts
    assert alone.models == catalog.packaged().get("openai").models.static != ()
    (listed,) = world(account("a"), lists=(stored("id-a", "m"),)).facts.accounts
    assert listed.models == ("m",)


def test_an_empty_list_is_known_to_be_empty() -> None:
    assert world(account("a"), lists=(stored("id-a"),)).facts.accounts[0].models == ()


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'[{"id":5}]', b"\xff"])
def test_a_damaged_stored_list_is_none(body: bytes) -> None:
    accounts = (account("a", "custom-openai"), account("b"))
    made = world(*accounts, lists=(stored("id-a", body=body), stored("id-b", "x")))
    assert [facts.models for facts in made.facts.accounts] == [None, ("x",)]


def test_an_account_of_an_unknown_preset_is_left_out_and_named() -> None:
    made = world(account("odd", "no-such-preset"), account("work"))
    odd = next(facts for facts in made.facts.accounts if facts.name == "odd")
    assert "no-such-preset" in (odd.problem or "")
    assert "id-odd" not in made.presets
    plan = build_plan(made.facts, "odd/x", dialect="openai_chat")
    assert plan.targets == ()
    assert [note.account for note in plan.notes] == ["odd"]


def test_its_own_problem_comes_first() -> None:
    made = world(account("odd", "no-such-preset", problem="the key does not open"))
    assert made.facts.accounts[0].problem == "the key does not open"


def test_a_declared_account_hides_a_stored_one_of_its_name() -> None:
    mine = account("work", priority=5)
    made = world(account("work", "anthropic"), declared=(msgspec.structs.replace(mine, id="config:work"),))
    assert list(made.accounts) == ["config:work"]


def test_dialects_are_those_this_build_speaks() -> None:
    made = world(
        account("a", dialects=("openai_completions", "anthropic")),
        account("b", dialects=("openai_completions",)),
    )
    assert [facts.dialects for facts in made.facts.accounts] == [("anthropic",), ()]


def test_capabilities_are_found_once_and_never_pile_up() -> None:
    made = world(account("work"))
    preset = made.presets["id-work"]
    first = made.capabilities(preset, "gpt-5", "openai_chat")
    assert made.capabilities(preset, "gpt-5", "openai_chat") is first
    made.capabilities(preset, "x" * 1_000_000, "openai_chat")
    for number in range(5_000):
        made.capabilities(preset, f"model-{number}", "openai_chat")
    assert len(made.known_capabilities) <= 4096
    assert max(len(model) for _, model, _ in made.known_capabilities) <= 200


def test_ways_are_found_once_never_pile_up_and_never_lead_to_another_account() -> None:
    made = world(account("a", id="a", max_concurrency=3), account("b", id="a:b", max_concurrency=4))
    one, two = (
        Target(account_id=name, account="", preset="openai", model=model, dialect="openai_chat")
        for name, model in (("a", "b:m"), ("a:b", "m"))
    )
    first = made.destination(one)
    assert made.destination(one) is first
    assert (first.account.name, first.slots) == ("a", 3)
    assert (made.destination(two).account.name, made.destination(two).slots) == ("b", 4)
    for model in ("x" * 1_000_000, *(f"model-{number}" for number in range(5_000))):
        made.destination(msgspec.structs.replace(one, model=model))
    assert len(made.known_destinations) <= 4096
    assert max(len(model) for _, model, _ in made.known_destinations) <= 200


def test_a_copy_with_other_settings_goes_by_those() -> None:
    made = world(account("work"))
    target = Target(account_id="id-work", account="work", preset="openai", model="m", dialect="openai_chat")
    before = made.destination(target)
    tiers, away = Routing(attempts=7, tiers=Tiers(enabled=True)), account("work", max_concurrency=9)
    other = msgspec.structs.replace(made, routing=tiers, accounts={"id-work": away})
    assert (before.account.max_concurrency, other.destination(target).account) == (None, away)
    assert (made.limits.attempts, other.limits.attempts) == (Limits().attempts, 7)
    assert (made.decided, other.decided) == (False, True)


def test_worlds_share_nothing_that_changes() -> None:
    one, two = world(account("work")), world(account("work"))
    one.capabilities(one.presets["id-work"], "gpt-5", "openai_chat")
    assert two.known_capabilities == {}


def test_no_secret_in_its_text() -> None:
    assert "sk-canary" not in repr(world(account("work")))


@pytest.mark.parametrize(
    ("options", "watched"),
    [
        ({}, False),
        ({"recording": Recording(mode="errors")}, True),
        ({"routing": Routing(bypass=Bypass(enabled=True))}, True),
        ({"routing": Routing(tiers=Tiers(enabled=True))}, True),
        ({"budgets": {"all": Budget(metric="tokens", amount=Decimal(1), period="day")}}, True),
    ],
)
def test_it_knows_whether_anything_is_done_before_a_plan(options: dict[str, Any], watched: bool) -> None:
    assert world(account("one"), **options).watched is watched
    plain = msgspec.structs.replace(
        world(account("one"), **options), routing=Routing(), recording=Recording()
    )
    assert plain.watched is bool(plain.budgets), "a copy goes by what it holds itself"
