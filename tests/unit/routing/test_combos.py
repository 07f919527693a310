"""Pools and combos: how they open, where they end, and what is said about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.routing.names import circles
from flowrouter.routing.remarks import remarks
from flowrouter.routing.tree import Group
from flowrouter.settings.routing import ComboMember, Routing
from tests.unit.routing.worlds import (
    EVERY,
    LOCAL,
    OPENAI,
    account,
    combo,
    drafted,
    found,
    plan,
    shape,
    world,
)  # fmt: skip


def test_a_pool_takes_turns_by_the_rotation_setting() -> None:
    aliases = {"big": ("gpt-5", "max/claude-x")}
    made = drafted(world(*EVERY, aliases=aliases), "big")
    assert shape(made.root) == ("alias:big", "priority", ["work/gpt-5", "max/claude-x"])
    assert made.chosen
    turning = world(*EVERY, aliases=aliases, routing=Routing(rotation="round_robin"))
    assert shape(drafted(turning, "big").root)[1] == "round_robin"


@pytest.mark.parametrize("target", ["gpt-5", ("gpt-5",)], ids=["word", "list-of-one"])
def test_a_plain_alias_chooses_nothing(target: Any) -> None:
    made = drafted(world(*EVERY, aliases={"big": target}), "big")
    assert (shape(made.root), made.chosen) == ("work/gpt-5", False)
    assert made.step == "alias → gpt-5, exact name"


def test_a_combo_is_found_whatever_the_case() -> None:
    facts = world(*EVERY, combos=(combo("Team", "gpt-5", "claude-x", strategy="round_robin", attempts=3),))
    for name in ("Team", "team", "TEAM"):
        made = drafted(facts, name)
        assert shape(made.root) == ("combo:team", "round_robin", ["work/gpt-5", "max/claude-x"])
        assert (made.chosen, made.policy.attempts, made.step) == (True, 3, "combo Team")


def test_combos_nest_and_weights_are_the_members() -> None:
    inner = combo("inner", "gpt-5", "gpt-5-mini", strategy="random")
    outer = combo("outer", ComboMember(model="inner", weight=7), "claude-x", strategy="weighted")
    made = drafted(world(*EVERY, combos=(inner, outer)), "outer")
    assert isinstance(made.root, Group)
    assert [member.weight for member in made.root.members] == [7, 1]
    inside = ("combo:inner", "random", ["work/gpt-5", "work/gpt-5-mini"])
    assert shape(made.root) == ("combo:outer", "weighted", [inside, "max/claude-x"])


def test_an_alias_goes_before_a_combo_and_both_before_a_model() -> None:
    facts = world(*EVERY, aliases={"gpt-5": "claude-x"}, combos=(combo("gpt-5", "gpt-5-mini"),))
    assert found(plan(facts, "gpt-5")) == [("max", "claude-x")]
    facts = world(*EVERY, combos=(combo("gpt-5", "gpt-5-mini"),))
    assert found(plan(facts, "gpt-5")) == [("work", "gpt-5-mini")]
    assert found(plan(facts, "work/gpt-5")) == [("work", "gpt-5")]


def test_members_nobody_answers_are_left_out_and_told() -> None:
    made = drafted(world(*EVERY, combos=(combo("team", "gone", "gpt-5", "nobody/x"),)), "team")
    assert shape(made.root) == ("combo:team", "priority", ["work/gpt-5"])
    assert [(note.model, note.taken) for note in made.notes] == [("gone", False), ("nobody/x", False)]
    nothing = plan(world(*EVERY, combos=(combo("team", "gone"),)), "team")
    assert (nothing.targets, nothing.step) == ((), "no match")


def test_combos_belong_to_their_owner() -> None:
    mine, yours = (
        account("mine", owner_id="me", models=("m",)),
        account("yours", owner_id="you", models=("m",)),
    )
    facts = world(
        mine, yours, combos=(combo("team", "m", owner_id="me"), combo("Team", "yours/m", owner_id="you"))
    )
    assert found(plan(facts, "team", owners=("me",))) == [("mine", "m")]
    assert found(plan(facts, "team", owners=("you",))) == [("yours", "m")]
    assert plan(facts, "team", owners=("third",)).targets == ()
    assert "team" not in plan(facts, "tem", owners=("third",)).suggestions


def test_what_one_owner_calls_a_combo_changes_no_name_of_another() -> None:
    foreign = combo("gpt-5", "claude-x", owner_id="tenant")
    shared = combo("team", "gpt-5-mini")
    facts = world(*EVERY, combos=(foreign, shared, combo("Team", "llama3", owner_id="tenant")))

    def reached(name: str, *owners: str) -> Any:
        return shape(drafted(facts, name, owners=owners).root)

    assert reached("gpt-5", "local") == "work/gpt-5"
    assert reached("gpt-5", "tenant", "local") == ("combo:gpt-5@tenant", "priority", ["max/claude-x"])
    assert reached("team", "other", "local") == ("combo:team", "priority", ["work/gpt-5-mini"])
    assert reached("team", "tenant", "local") == ("combo:team@tenant", "priority", ["listed/llama3"])
    assert facts.seen_by(("local",)).combos == (shared,)
    assert facts.seen_by(("local", "tenant")) is facts


def test_the_embedded_model_is_in_no_combo_unless_named() -> None:
    combos = (combo("named", "smollm2-135m", "auto"), combo("wide", "gpt-9", "auto"))
    facts = world(LOCAL, OPENAI, combos=combos)
    assert found(plan(facts, "named")) == [("embedded", "smollm2-135m"), ("work", "gpt-5")]
    assert found(plan(facts, "wide")) == [("work", "gpt-5")]
    assert found(plan(world(LOCAL, combos=combos), "wide")) == [("embedded", "smollm2-135m")]


@pytest.mark.parametrize(
    "aliases, combos",
    [
        ({"a": "b", "b": "c", "c": "a"}, ()),
        ({"a": "b"}, (combo("b", "a"),)),
        ({}, (combo("a", "A"),)),
        ({"x": "a"}, (combo("a", "b"), combo("b", "x"))),
        ({"a": ("a", "b"), "b": "a"}, ()),
    ],
    ids=["aliases", "alias-and-combo", "itself", "three", "pool"],
)
def test_circles_end_and_are_told(aliases: Any, combos: Any) -> None:
    facts = world(
        *EVERY, account("any", patterns=("*",)) if combos else OPENAI, aliases=aliases, combos=combos
    )
    made = plan(facts, "a")
    if made.targets:
        assert combos == (combo("a", "A"),), "only what names itself means the model"
        return
    assert made.step == "circle"
    assert made.reasons
    assert all(way.count(" → ") >= 1 for way in made.reasons)
    assert circles(facts)


def test_a_name_may_stand_for_itself_among_others() -> None:
    facts = world(*EVERY, aliases={"gpt-5": ("gpt-5", "claude-x")}, combos=(combo("llama3", "llama3"),))
    assert found(plan(facts, "gpt-5")) == [("work", "gpt-5"), ("max", "claude-x")]
    assert found(plan(facts, "llama3")) == [("listed", "llama3")]
    assert circles(facts) == ()


def test_what_is_nested_too_deep_or_too_wide_ends() -> None:
    chain = {f"a{step}": f"a{step + 1}" for step in range(9)} | {"a9": "gpt-5"}
    assert plan(world(*EVERY, aliases=chain), "a0").targets == ()
    assert found(plan(world(*EVERY, aliases=chain), "a5")) == [("work", "gpt-5")]
    wide = tuple(combo(f"c{n}", "gpt-5", *(f"c{n + 1}" for _ in range(30))) for n in range(8))
    assert found(plan(world(*EVERY, combos=wide), "c0"))[0] == ("work", "gpt-5")


names = st.sampled_from(["a", "b", "c", "d", "gpt-5", "work/gpt-5", "none"])


@settings(max_examples=150, deadline=timedelta(seconds=5))
@given(
    st.dictionaries(names, names | st.lists(names, min_size=1, max_size=3).map(tuple), max_size=4),
    st.dictionaries(names, st.lists(names, min_size=1, max_size=3), max_size=4),
    names,
    st.booleans(),
)
def test_every_name_comes_to_an_end(aliases: Any, groups: Any, name: str, catch_all: bool) -> None:
    combos = tuple(combo(key, *members) for key, members in groups.items())
    accounts = (*EVERY, account("any", patterns=("*",))) if catch_all else EVERY
    facts = world(*accounts, aliases=aliases, combos=combos)
    made = plan(facts, name)
    assert bool(made.targets) == (made.step not in ("no match", "circle"))
    assert circles(facts) == circles(facts)
    again = drafted(facts, name)
    assert again is drafted(facts, name), "what depends on nothing else is kept"


def test_remarks_on_a_combo() -> None:
    held = combo("GPT-5", "gpt-5-mini", "gone", "gpt-5", "router/auto-router")
    facts = world(*EVERY, combos=(held,), routing=Routing(disabled_models=("auto-router",)))
    said = remarks(facts, held.name, held.config, owner_id=None)
    assert [sentence for sentence in said if "hides the model 'gpt-5' of work" in sentence]
    assert [sentence for sentence in said if "answers the member 'gone'" in sentence]
    assert [sentence for sentence in said if "switched off" in sentence]
    assert len(said) == 3
    assert remarks(facts, "fine", combo("fine", "gpt-5-mini").config, owner_id=None) == ()
