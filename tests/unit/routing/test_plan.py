"""From a model's name to targets: which rule finds it, in which order, and why the rest are left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.routing import AccountFacts, Facts, Plan, build_plan
from flowrouter.routing.names import Asked, draft, leads_somewhere
from flowrouter.routing.order import order
from flowrouter.routing.signals import Calm


def account(name: str, **fields: Any) -> AccountFacts:
    defaults: dict[str, Any] = {
        "id": f"id-{name}",
        "preset": "custom-openai",
        "owner_id": "local",
        "dialects": ("openai_chat",),
        "models": (),
    }
    return AccountFacts(name=name, **(defaults | fields))


def plan(*accounts: AccountFacts, model: str, aliases: dict[str, str] | None = None, **options: Any) -> Plan:
    options.setdefault("dialect", "openai_chat")
    facts = Facts(accounts=accounts, aliases=aliases or {})
    if "owners" in options:
        return order(draft(facts, Asked(model=model, **options)), Calm())
    return build_plan(facts, model, **options)


def found(made: Plan) -> list[tuple[str, str]]:
    return [(target.account, target.model) for target in made.targets]


ROUTER = account(
    "router", preset="openrouter", models=("openai/gpt-oss-120b", "auto-router", "anthropic/claude-x")
)
OPENAI = account("work", preset="openai", preset_aliases=("oai",), models=("gpt-5", "gpt-5-mini"))
CLAUDE = account("max", preset="anthropic", models=("claude-x",), dialects=("anthropic",))
LISTED = account("listed", patterns=("llama3", "qwen*", "vendor/*"), models=("ignored",))
LOCAL = account("embedded", preset="local", models=("smollm2-135m",), reserved=True)
EVERY = (ROUTER, OPENAI, CLAUDE, LISTED)


@pytest.mark.parametrize(
    "model, expected, step",
    [
        ("gpt-5", [("work", "gpt-5")], "exact name"),
        ("openai/gpt-oss-120b", [("router", "openai/gpt-oss-120b")], "exact name"),
        ("openai/gpt-5", [("work", "gpt-5")], "account or preset prefix"),
        ("work/gpt-5", [("work", "gpt-5")], "account or preset prefix"),
        ("oai/gpt-5", [("work", "gpt-5")], "account or preset prefix"),
        ("work/not-listed-yet", [("work", "not-listed-yet")], "account or preset prefix"),
        ("openrouter/openai/gpt-oss-120b", [("router", "openai/gpt-oss-120b")], "account or preset prefix"),
        ("router/openai/gpt-oss-120b", [("router", "openai/gpt-oss-120b")], "account or preset prefix"),
        ("anthropic/claude-x", [("router", "anthropic/claude-x")], "exact name"),
        ("max/claude-x", [("max", "claude-x")], "account or preset prefix"),
        ("llama3", [("listed", "llama3")], "exact name"),
        ("qwen3:8b", [("listed", "qwen3:8b")], "glob"),
        ("vendor/x/y", [("listed", "vendor/x/y")], "glob"),
        ("listed/qwen3", [("listed", "qwen3")], "account or preset prefix"),
    ],
)
def test_steps(model: str, expected: list[tuple[str, str]], step: str) -> None:
    made = plan(*EVERY, model=model)
    assert found(made) == expected
    assert made.step == step


@pytest.mark.parametrize(
    "model",
    [
        "listed/gpt-5",
        "ignored",
        "gpt-5 ",
        "GPT-5",
        "work/",
        "/gpt-5",
        "nobody/gpt-5",
        "",
        "/",
        "*",
        "qwe",
        "gpt-*",
    ],
)
def test_names_nobody_answers(model: str) -> None:
    made = plan(*EVERY, model=model)
    assert made.targets == ()
    assert made.step == "no match"


def test_a_manual_list_binds_and_a_live_one_is_then_ignored() -> None:
    assert found(plan(LISTED, model="ignored")) == []
    assert found(plan(LISTED, model="listed/ignored")) == []


def test_the_accounts_order_decides_within_a_step() -> None:
    first, second, glob = (
        account("a", models=("m",)),
        account("b", patterns=("m",)),
        account("c", patterns=("m*",)),
    )
    assert found(plan(glob, second, first, model="m")) == [("b", "m"), ("a", "m")]


def test_an_accounts_name_beats_a_presets() -> None:
    named = account("openai", preset="custom-openai", models=None)
    assert found(plan(OPENAI, named, model="openai/gpt-5")) == [("openai", "gpt-5")]


def test_a_preset_prefix_reaches_all_its_accounts() -> None:
    second = account("home", preset="openai", models=None)
    assert found(plan(OPENAI, second, model="openai/x")) == [("work", "x"), ("home", "x")]


def test_the_clients_own_dialect_is_preferred() -> None:
    both = account("both", models=("m",), dialects=("openai_chat", "anthropic"))
    assert [target.dialect for target in plan(both, CLAUDE, model="m", dialect="anthropic").targets] == [
        "anthropic"
    ]
    assert [target.dialect for target in plan(OPENAI, model="gpt-5", dialect="anthropic").targets] == [
        "openai_chat"
    ]


@pytest.mark.parametrize(
    "aliases, model, expected",
    [
        ({"fast": "gpt-5-mini"}, "fast", [("work", "gpt-5-mini")]),
        ({"fast": "work/gpt-5-mini"}, "fast", [("work", "gpt-5-mini")]),
        ({"fast": "quick", "quick": "gpt-5-mini"}, "fast", [("work", "gpt-5-mini")]),
        ({"claude-x": "gpt-5"}, "claude-x", [("work", "gpt-5")]),
        ({"gpt-5": "gpt-5-mini", "gpt-5-mini": "gpt-5"}, "gpt-5", [("work", "gpt-5-mini")]),
        ({"gpt-5": "gpt-5-mini", "gpt-5-mini": "gpt-5"}, "gpt-5-mini", [("work", "gpt-5")]),
        ({"gpt-5": "gpt-5"}, "gpt-5", [("work", "gpt-5")]),
        ({"a": "b", "b": "c", "c": "a"}, "a", []),
        ({"fast": "gone"}, "fast", []),
        ({"x/y": "gpt-5"}, "x/y", [("work", "gpt-5")]),
        ({"fast": "qwen9"}, "fast", [("listed", "qwen9")]),
    ],
)
def test_aliases(aliases: dict[str, str], model: str, expected: list[tuple[str, str]]) -> None:
    made = plan(*EVERY, model=model, aliases=aliases)
    assert found(made) == expected
    assert made.asked == model


def test_an_alias_is_told() -> None:
    assert plan(*EVERY, model="fast", aliases={"fast": "gpt-5"}).step == "alias → gpt-5, exact name"


def test_catch_all_comes_last_and_only_for_unknown_names() -> None:
    every, unknown = account("every", patterns=("*",)), account("new", models=None)
    assert found(plan(every, unknown, OPENAI, model="gpt-5")) == [("work", "gpt-5")]
    made = plan(every, unknown, OPENAI, model="who-knows")
    assert found(made) == [("every", "who-knows"), ("new", "who-knows")]
    assert made.step == "catch-all"


def test_catch_all_beside_listed_names() -> None:
    both = account("both", patterns=("m", "*"))
    assert plan(both, model="m").step == "exact name"
    assert plan(both, model="n").step == "catch-all"
    assert plan(both, model="both/n").step == "account or preset prefix"


def test_auto_is_the_first_model_of_each() -> None:
    assert found(plan(*EVERY, model="auto")) == [
        ("router", "openai/gpt-oss-120b"),
        ("work", "gpt-5"),
        ("max", "claude-x"),
        ("listed", "llama3"),
    ]
    listed = account("globs", patterns=("b*",), models=("a1", "b1", "b2"))
    assert found(plan(listed, model="auto")) == [("globs", "b1")]
    assert found(plan(account("any", patterns=("*",)), model="auto")) == [("any", "auto")], "it always works"
    assert found(plan(account("new", models=None), model="auto")) == [("new", "auto")]
    named = account("named", models=("auto",))
    assert found(plan(OPENAI, named, model="auto")) == [("named", "auto")]


def test_the_embedded_model_answers_its_own_name_beside_others() -> None:
    assert found(plan(LOCAL, OPENAI, model="smollm2-135m")) == [("embedded", "smollm2-135m")]
    assert found(plan(LOCAL, OPENAI, model="local/smollm2-135m")) == [("embedded", "smollm2-135m")]
    assert found(plan(LOCAL, OPENAI, model="auto")) == [("work", "gpt-5")]
    assert found(plan(LOCAL, OPENAI, model="local/gpt-5")) == []
    assert found(plan(LOCAL, OPENAI, model="who-knows")) == []
    assert found(plan(LOCAL, account("every", patterns=("*",)), model="x")) == [("every", "x")]


@pytest.mark.parametrize("model", ["auto", "gpt-5", "openai/gpt-5"])
def test_the_embedded_model_stands_in_while_it_is_alone(model: str) -> None:
    made = plan(LOCAL, model=model)
    assert found(made) == [("embedded", "smollm2-135m")]
    assert made.step == "auto"


@pytest.mark.parametrize("broken", [{"problem": "the key does not open"}, {"dialects": ()}, {"models": None}])
@pytest.mark.parametrize("model", ["auto", "gpt-5"])
def test_the_embedded_model_never_stands_in_for_a_broken_account(broken: dict[str, Any], model: str) -> None:
    made = plan(LOCAL, account("work", **broken), model=model)
    assert "embedded" not in [target.account for target in made.targets]


def test_disabled_accounts_do_not_count_as_others() -> None:
    assert found(plan(LOCAL, account("found", enabled=False), model="auto")) == [("embedded", "smollm2-135m")]


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"enabled": False}, "disabled"),
        ({"problem": "its key cannot be opened"}, "its key cannot be opened"),
        ({"dialects": ()}, "dialect"),
    ],
)
def test_accounts_left_out_are_named_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    out = account("out", models=("gpt-5",), **{"enabled": True, **fields})
    made = plan(out, OPENAI, model="gpt-5")
    assert found(made) == [("work", "gpt-5")]
    assert [(note.account, note.taken) for note in made.notes] == [("work", True), ("out", False)]
    assert reason in made.notes[1].reason
    assert [note.account for note in plan(out, model="gpt-5").notes] == ["out"]


def test_owners_see_their_own_accounts() -> None:
    mine, yours = (
        account("mine", owner_id="me", models=("m",)),
        account("yours", owner_id="you", models=("m",)),
    )
    assert found(plan(mine, yours, model="m", owners=("me",))) == [("mine", "m")]
    assert found(plan(mine, yours, model="m")) == [("mine", "m"), ("yours", "m")]
    other = plan(yours, model="yours/m", owners=("me",))
    assert (other.targets, other.notes, other.suggestions) == ((), (), ())


def test_suggestions() -> None:
    assert plan(*EVERY, model="gpt5").suggestions[0] == "gpt-5"
    assert "claude-x" in plan(*EVERY, model="claude-y").suggestions
    assert plan(*EVERY, model="fastt", aliases={"fast": "gpt-5"}).suggestions == ("fast",)
    assert plan(*EVERY, model="zzzzzz").suggestions == ()
    assert all("*" not in name for name in plan(*EVERY, model="qwem").suggestions)


def test_absurdly_long_names_are_not_compared() -> None:
    assert plan(*EVERY, model="gpt-5" * 1_000_000).suggestions == ()


def test_ids_with_brackets() -> None:
    odd = account("odd", patterns=("model[free]",))
    assert found(plan(odd, model="model[free]")) == [("odd", "model[free]")]
    assert found(plan(odd, model="odd/model[free]")) == [("odd", "model[free]")]


ids = st.lists(
    st.sampled_from(["m", "gpt-5", "auto", "openai", "a", "x:free", "m(high)", "m-high"]), min_size=1
).map("/".join)
names = st.sampled_from(["a", "b", "openai"])
catalogues = st.lists(
    st.builds(
        account,
        names,
        preset=st.sampled_from(["openai", "openrouter"]),
        models=st.none() | st.lists(ids, max_size=4).map(tuple),
        patterns=st.lists(ids | st.sampled_from(["*", "m*", "a/*"]), max_size=2).map(tuple),
        reserved=st.sampled_from([False, False, True]),
        enabled=st.sampled_from([True, True, False]),
    ),
    max_size=4,
    unique_by=lambda held: held.name,
).map(tuple)


@given(catalogues)
def test_no_catalogue_id_changes_its_meaning(accounts: tuple[AccountFacts, ...]) -> None:
    """Whoever writes an id as a provider lists it reaches exactly the accounts that list it."""
    for name in {name for held in accounts if held.enabled for name in held.names}:
        made = plan(*accounts, model=name)
        listing = [(held.name, name) for held in accounts if held.enabled and name in held.names]
        assert found(made) == listing
        assert made.step == "exact name"


@given(catalogues, ids, st.dictionaries(ids, ids, max_size=3))
def test_plans_hold_together(accounts: tuple[AccountFacts, ...], model: str, aliases: dict[str, str]) -> None:
    made = plan(*accounts, model=model, aliases=aliases)
    usable = {held.id for held in accounts if held.enabled}
    assert all(target.account_id in usable and target.model for target in made.targets)
    assert [note.account for note in made.notes if note.taken] == [target.account for target in made.targets]
    assert bool(made.targets) == (made.step not in ("no match", "circle"))
    assert leads_somewhere(Facts(accounts=accounts, aliases=aliases), model) == bool(made.targets)
    order = [held.id for held in accounts]
    places = [order.index(target.account_id) for target in made.targets]
    assert places == sorted(places)


@given(catalogues, ids)
def test_reserved_accounts_stand_in_alone_or_not_at_all(
    accounts: tuple[AccountFacts, ...], model: str
) -> None:
    made = plan(*accounts, model=model)
    reserved = {held.id for held in accounts if held.reserved}
    if made.step in ("auto", "catch-all") and any(target.account_id in reserved for target in made.targets):
        assert all(held.reserved for held in accounts if held.enabled)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-code/m", [("a", "m")]),
        ("claude-code/fast", [("a", "m")]),
        ("claude-code/b/x/y", [("b", "x/y")]),
        ("claude-code/own", [("b", "claude-code/own")]),
        ("claude-code/unheard-of", [("b", "unheard-of")]),
        ("claude-code/", [("b", "claude-code/")]),
    ],
    ids=["listed", "alias", "prefixed", "somebodys-own-name", "caught", "nothing-behind"],
)
def test_the_prefix_of_claude_codes_list_is_taken_off(model: str, expected: list[tuple[str, str]]) -> None:
    accounts = (
        account("a", models=("m",)),
        account("b", models=("claude-code/own",), patterns=("claude-code/own", "*")),
    )
    assert found(plan(*accounts, model=model, aliases={"fast": "m"})) == expected
