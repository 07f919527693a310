"""What names stand for by themselves: efforts, patterns, families, what stands in, several accounts."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.providers import catalog, profiles
from flowrouter.routing.facts import is_glob
from flowrouter.routing.finding import length
from flowrouter.routing.tree import Group
from flowrouter.settings.routing import Routing
from tests.unit.routing.worlds import (
    EVERY,
    OPENAI,
    account,
    combo,
    drafted,
    found,
    plan,
    shape,
    world,
)  # fmt: skip


@pytest.mark.parametrize(
    "model, expected, effort",
    [
        ("gpt-5(high)", ("work", "gpt-5"), "high"),
        ("gpt-5(HIGH)", ("work", "gpt-5"), "high"),
        ("gpt-5-high", ("work", "gpt-5"), "high"),
        ("work/gpt-5(low)", ("work", "gpt-5"), "low"),
        ("work/gpt-5-minimal", ("work", "gpt-5"), "minimal"),
        ("openai/gpt-5-mini(auto)", ("work", "gpt-5-mini"), "auto"),
        ("qwen3(none)", ("listed", "qwen3"), "none"),
        ("work/gpt-5-max", ("work", "gpt-5-max"), None),
        ("listed/qwen3-high", ("listed", "qwen3-high"), None),
        ("qwen3-high", ("listed", "qwen3-high"), None),
    ],
)
def test_an_effort_behind_the_name(model: str, expected: tuple[str, str], effort: str | None) -> None:
    (target,) = plan(world(*EVERY), model).targets
    assert ((target.account, target.model), target.effort) == (expected, effort)


def test_an_effort_that_the_model_is_not_known_to_have_is_no_suffix() -> None:
    assert plan(world(*EVERY), "gpt-5-max").targets == ()
    assert plan(world(*EVERY), "gpt-5(huge)").targets == ()
    assert "gpt-5" in plan(world(*EVERY), "gpt-5-max").suggestions


def test_an_effort_goes_to_every_member() -> None:
    facts = world(*EVERY, combos=(combo("team", "gpt-5(low)", "claude-x"),), aliases={"deep": "gpt-5(high)"})
    assert [target.effort for target in plan(facts, "team").targets] == ["low", None]
    assert [target.effort for target in plan(facts, "team(high)").targets] == ["high", "high"]
    assert [target.effort for target in plan(facts, "deep").targets] == ["high"]
    assert found(plan(facts, "team-minimal")) == [("work", "gpt-5")], "only where the effort is known"


def catalogue_ids() -> list[str]:
    """Return every model id that presets and profiles name."""
    listed = [name for preset in catalog.packaged() for name in preset.models.static]
    rows = [glob for row in profiles.packaged_rows() for glob in row.match]
    return sorted({*listed, *(glob.replace("*", "x") for glob in rows if "[" not in glob)})


@pytest.mark.parametrize("preset", [preset.id for preset in catalog.packaged() if preset.id != "local"])
def test_no_catalogue_id_changes_its_meaning(preset: str) -> None:
    """Beside every shorter name it could be read as, an id means itself."""
    ids = catalogue_ids()
    assert len(ids) > 100
    more = [f"{name}{ending}" for name in ids for ending in ("-high", "-none", "(low)", "-max")]
    held = account("held", preset=preset, models=tuple(ids + more), dialects=("openai_chat", "anthropic"))
    facts = world(held)
    for name in (*ids, *more):
        (target,) = plan(facts, name).targets
        assert (target.model, target.effort) == (name, None)
        (target,) = plan(facts, f"held/{name}").targets
        assert (target.model, target.effort) == (name, None)


globs = st.text("ab-*", min_size=1, max_size=6)


@given(
    st.lists(st.lists(globs, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4),
    st.text("ab-", min_size=1, max_size=6),
)
def test_the_longest_pattern_wins(lists: list[tuple[str, ...]], name: str) -> None:
    accounts = [account(f"a{place}", patterns=patterns) for place, patterns in enumerate(lists)]
    made = plan(world(*accounts), name)
    if made.step != "glob":
        assert (
            not any(
                fnmatchcase(name, glob)
                for held in accounts
                for glob in held.patterns
                if is_glob(glob) and glob != "*"
            )
            or made.step == "exact name"
        )
        return
    fitting = {
        held.name: max(
            (length(g) for g in held.patterns if is_glob(g) and g != "*" and fnmatchcase(name, g)), default=-1
        )
        for held in accounts
    }
    longest = max(fitting.values())
    assert {account for account, _ in found(made)} == {
        held for held, size in fitting.items() if size == longest
    }


def test_patterns_heed_no_case() -> None:
    assert found(plan(world(*EVERY), "Qwen3:8B")) == [("listed", "Qwen3:8B")]


@pytest.mark.parametrize(
    "model, preset, listed",
    [
        ("claude-sonnet-4-5", "anthropic", ("claude-sonnet-4-5-20250929",)),
        ("claude-3-7-sonnet-latest", "anthropic", ("claude-3-7-sonnet-20250219",)),
        ("gpt-5-2025-08-07", "openai", ("gpt-5",)),
        ("gemini-3-pro", "gemini", None),
        ("o4-mini", "openai", None),
        ("grok-5", "xai", None),
    ],
)
def test_families(model: str, preset: str, listed: tuple[str, ...] | None) -> None:
    held = account("held", preset=preset, models=listed)
    other = account("other", preset="mistral", models=None)
    made = plan(world(other, held), model)
    assert (found(made), made.step) == ([("held", model)], "family of models")


@pytest.mark.parametrize("model", ["claude-sonet-4-5", "gpt-5 ", "claude-*", "o-none", "gpt-oss-20b"])
def test_a_mistake_is_not_taken_for_a_family(model: str) -> None:
    facts = world(account("a", preset="anthropic", models=("claude-sonnet-4-5",)), OPENAI)
    assert plan(facts, model).targets == ()


def test_the_default_model_stands_in_before_accounts_that_take_anything() -> None:
    every = account("every", patterns=("*",))
    facts = world(*EVERY, every, routing=Routing(default_model="gpt-5"))
    made = plan(facts, "who-knows")
    assert (found(made), made.chosen) == ([("work", "gpt-5")], True)
    assert made.step == "default model → gpt-5, exact name"
    assert [target.effort for target in plan(facts, "who-knows(high)").targets] == ["high"]
    gone = world(*EVERY, every, routing=Routing(default_model="nobody/x"))
    assert found(plan(gone, "who-knows")) == [("every", "nobody/x")], "a default is a name like any other"
    nothing = world(*EVERY, routing=Routing(default_model="nobody/x"))
    assert (plan(nothing, "gpt-6").targets, plan(nothing, "gpt-6").suggestions[0]) == ((), "gpt-5")


def test_what_takes_anything_is_asked_without_the_suffix() -> None:
    (target,) = plan(world(account("every", patterns=("*",))), "who-knows(high)").targets
    assert (target.model, target.effort) == ("who-knows", "high")


def test_equals_take_turns_and_priority_goes_before() -> None:
    accounts = (
        account("a", preset="openai", models=("m",), weight=3),
        account("b", preset="openai", models=("m",)),
        account("c", preset="openai", models=("m",), priority=2),
    )
    assert shape(drafted(world(*accounts), "m").root) == ("accounts:a+b+c", "priority", ["a/m", "b/m", "c/m"])
    made = drafted(world(*accounts, routing=Routing(rotation="weighted")), "m")
    assert shape(made.root) == (
        "accounts:a+b+c",
        "priority",
        [("accounts:a+b", "weighted", ["a/m", "b/m"]), "c/m"],
    )
    assert isinstance(made.root, Group)
    assert [leaf.weight for leaf in made.root.leaves()] == [3, 1, 1]
    assert not made.chosen, "it is the same model wherever it is asked"


def test_a_preset_may_have_a_rotation_of_its_own() -> None:
    accounts = (
        account("a", preset="openai", models=("m",)),
        account("b", preset="groq", models=("m",)),
        account("c", preset="openai", models=("m",)),
    )
    made = drafted(world(*accounts, routing=Routing(rotations={"openai": "round_robin"})), "m")
    assert shape(made.root) == (
        "accounts:a+c+b",
        "priority",
        [("accounts:a+c", "round_robin", ["a/m", "c/m"]), "b/m"],
    )


def test_a_group_of_many_accounts_has_a_short_name() -> None:
    crowd = [account(f"account-number-{n}", models=("m",)) for n in range(50)]
    root = drafted(world(*crowd, routing=Routing(rotation="round_robin")), "m").root
    assert isinstance(root, Group)
    assert len(root.name) <= 100
