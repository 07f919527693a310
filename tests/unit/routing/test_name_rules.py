"""What rules make of names: mappings, conditions, switched-off models, tiers, owners."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing import AccountFacts
from flowrouter.routing.names import Asked, draft
from flowrouter.settings.routing import ComboMember, Conditions, MappingRule, Routing, Tiers
from tests.unit.routing.worlds import (
    EVERY,
    OPENAI,
    account,
    combo,
    drafted,
    found,
    plan,
    request,
    shape,
    world,
)  # fmt: skip


def test_switched_off_models_never_appear() -> None:
    facts = world(
        *EVERY,
        account("every", patterns=("*",)),
        combos=(combo("team", "gpt-5", "claude-x"),),
        routing=Routing(disabled_models=("GPT-5", "router/*"), default_model="claude-x"),
    )
    made = plan(facts, "gpt-5")
    assert (made.targets, made.step, made.reasons) == ((), "disabled", ("GPT-5",))
    assert found(plan(facts, "team")) == [("max", "claude-x")]
    assert plan(facts, "work/gpt-5").targets == ()
    assert "router" not in [target.account for target in plan(facts, "auto").targets]


@given(st.sampled_from(["gpt-5", "gpt-5-mini", "auto", "team", "big", "work/gpt-5", "gpt-5(high)", "x"]))
def test_no_way_leads_to_a_switched_off_model(name: str) -> None:
    facts = world(
        *EVERY,
        account("every", patterns=("*",)),
        aliases={"big": ("gpt-5", "claude-x")},
        combos=(combo("team", "gpt-5", "gpt-5-mini", "auto"),),
        routing=Routing(disabled_models=("gpt-5*",), default_model="gpt-5"),
    )
    assert not [target for target in plan(facts, name).targets if target.model.startswith("gpt-5")]


MAPPING = (
    MappingRule(model="claude-haiku-*", to="gpt-5-mini"),
    MappingRule(model="claude-*", to="work/gpt-5", when=Conditions(thinking=True)),
    MappingRule(model="claude-*", to="max/claude-x", when=Conditions(min_tokens=100_000)),
    MappingRule(model="claude-*", to="llama3", when=Conditions(user_agent="claude-cli/*")),
)


@pytest.mark.parametrize(
    "model, now, expected",
    [
        ("claude-haiku-4-5", request(), [("work", "gpt-5-mini")]),
        ("Claude-Haiku-4-5", request(), [("work", "gpt-5-mini")]),
        ("claude-x", request(counts={"thinking": True}, tokens=10**6), [("work", "gpt-5")]),
        ("claude-x", request(tokens=100_000), [("max", "claude-x")]),
        ("claude-x", request(user_agent="claude-cli/2.0 (external)"), [("listed", "llama3")]),
        ("claude-x", request(user_agent="other"), [("max", "claude-x")]),
        ("max/claude-x", request(counts={"thinking": True}), [("max", "claude-x")]),
        ("claude-code/claude-haiku-1", request(), [("work", "gpt-5-mini")]),
        ("claude-x", None, [("max", "claude-x")]),
    ],
)
def test_the_first_fitting_row_of_the_mapping_wins(model: str, now: Any, expected: Any) -> None:
    made = plan(world(*EVERY, routing=Routing(mapping=MAPPING)), model, now=now)
    assert found(made) == expected


def test_a_mapping_is_told() -> None:
    made = plan(world(*EVERY, routing=Routing(mapping=MAPPING)), "claude-haiku-4-5")
    assert made.step == "mapping claude-haiku-* → gpt-5-mini, exact name"
    assert any(
        "only where" in reason
        for reason in plan(world(*EVERY, routing=Routing(mapping=MAPPING)), "claude-x").reasons
    )
    gone = plan(world(*EVERY, routing=Routing(mapping=(MappingRule(model="a*", to="gone"),))), "abc")
    assert (gone.targets, gone.reasons) == ((), ("mapping a* → gone",))


def test_members_are_for_the_requests_they_are_meant_for() -> None:
    small = ComboMember(model="gpt-5-mini", when=Conditions(max_tokens=1000, images=False))
    facts = world(*EVERY, combos=(combo("team", small, "gpt-5"),))
    assert found(plan(facts, "team", now=request(tokens=1000))) == [("work", "gpt-5-mini"), ("work", "gpt-5")]
    big = plan(facts, "team", now=request(tokens=1001))
    assert found(big) == [("work", "gpt-5")]
    assert any("up to 1000 tokens" in note.reason for note in big.notes if note.model == "gpt-5-mini")
    assert found(plan(facts, "team", now=request(counts={"images": 1}))) == [("work", "gpt-5")]
    unknown = plan(facts, "team")
    assert len(unknown.targets) == 2, "without a request it stays open"
    assert "max_tokens 1000" in unknown.reasons[0]
    none = plan(world(*EVERY, combos=(combo("team", small),)), "team", now=request(tokens=2000))
    assert (none.targets, none.step) == ((), "no member fits")
    assert "gpt-5-mini is meant for up to 1000 tokens" in none.reasons[0]


def test_what_conditions_decide_is_not_kept() -> None:
    small = ComboMember(model="gpt-5-mini", when=Conditions(tools=False))
    facts = world(*EVERY, combos=(combo("team", small, "gpt-5"), combo("plain", "gpt-5")))
    assert len(plan(facts, "team", now=request()).targets) == 2
    assert len(plan(facts, "team", now=request(counts={"tools": 1})).targets) == 1
    assert drafted(facts, "plain", now=request()) is drafted(facts, "plain", now=request())
    other = msgspec.structs.replace(facts, accounts=(OPENAI,))
    assert len(plan(other, "plain").targets) == 1
    assert other.drafts is not facts.drafts


@pytest.mark.parametrize(
    "routing, combos, conditional",
    [
        (Routing(), (), False),
        (Routing(mapping=(MappingRule(model="a", to="b"),)), (), False),
        (Routing(mapping=(MappingRule(model="a", to="b", when=Conditions(user_agent="x")),)), (), True),
        (Routing(mapping=MAPPING), (), True),
        (Routing(), (combo("c", ComboMember(model="m", when=Conditions(web_search=True))),), True),
        (Routing(tiers=Tiers(enabled=True)), (), True),
    ],
    ids=["defaults", "plain-mapping", "agent", "content", "member", "tiers"],
)
def test_whether_requests_must_be_looked_at(routing: Routing, combos: Any, conditional: bool) -> None:
    assert world(OPENAI, routing=routing, combos=combos).conditional is conditional


def test_tiers_name_models_or_tagged_accounts() -> None:
    cheap = account("cheap", models=("tiny",), tags=("tier:cheap",))
    facts = world(
        *EVERY,
        cheap,
        combos=(combo("big", "gpt-5"),),
        routing=Routing(tiers=Tiers(strong=("big", "claude-x"))),
    )
    assert found(plan(facts, "auto:strong")) == [("work", "gpt-5"), ("max", "claude-x")]
    assert found(plan(facts, "auto:cheap")) == [("cheap", "tiny")]
    assert len(plan(facts, "auto:standard").targets) == 5
    assert plan(facts, "auto:strong").chosen


def test_a_tag_keeps_a_request_with_its_accounts() -> None:
    private = account("private", models=("m",), tags=("local",))
    facts = world(private, account("cloud", models=("m", "n")), aliases={"big": ("m", "n")})
    asked = Asked(model="big", dialect="openai_chat", tag="local")
    assert shape(draft(facts, asked).root) == ("alias:big", "priority", ["private/m"])
    assert draft(facts, Asked(model="n", dialect="openai_chat", tag="local")).root is None


owners = st.sampled_from(["me", "you"])


@given(
    st.lists(
        st.builds(
            account,
            st.sampled_from(["a", "b", "c", "d"]),
            owner_id=owners,
            models=st.none() | st.just(("m", "n")),
            patterns=st.sampled_from([(), ("*",), ("m*",)]),
        ),
        max_size=4,
        unique_by=lambda held: held.name,
    ),
    st.sampled_from(["m", "n", "auto", "team", "big", "a/m", "openai/x", "zzz", "m(high)"]),
    owners,
)
def test_every_target_belongs_to_the_owner(accounts: list[AccountFacts], name: str, owner: str) -> None:
    facts = world(
        *accounts,
        aliases={"big": ("m", "a/m", "b/m")},
        combos=(combo("team", "m", "auto", "c/n", owner_id="me"), combo("team", "n", owner_id="you")),
        routing=Routing(default_model="a/m"),
    )
    mine = {held.id for held in accounts if held.owner_id == owner}
    made = plan(facts, name, owners=(owner,))
    assert {target.account_id for target in made.targets} <= mine
    named = {held.name for held in accounts if held.owner_id == owner}
    assert {note.account for note in made.notes if note.account} <= named
