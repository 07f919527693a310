"""What a key may use: models, accounts and dialects, whatever road a name takes to them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.api import models
from flowrouter.settings.routing import ComboConfig, ComboMember, Conditions, MappingRule, Routing
from tests.playbooks.stage import House, Performance, Script, account, live, play, world
from tests.playbooks.test_passthrough import ANSWER
from tests.support.gateway_keys import HeldKey

A = account("one", "openai_chat", models=("claude-a", "gpt-b"))
B = account("two", "openai_chat", models=("claude-a", "gpt-c"), priority=2)
ANY = account("any", "openai_chat", models=("*",), priority=3)
CLAUDE = account("vendor", "anthropic", models=("claude-z",))
GOOD = Script(steps=[ANSWER])
ROUTING = Routing(
    combos={
        "team": ComboConfig(members=(ComboMember(model="gpt-b"), ComboMember(model="claude-a"))),
    },
    default_model="gpt-c",
    mapping=(MappingRule(model="claude-mapped", to="gpt-b"),),
)
OPTIONS: dict[str, Any] = {
    "accounts": (A, B),
    "routing": ROUTING,
    "combos": ROUTING.combos,
    "aliases": {"claude-alias": "gpt-b", "fast": "gpt-b"},
}


def ask(model: str, key: HeldKey, *, dialect: Any = "openai_chat", **more: Any) -> Performance:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    if dialect == "anthropic":
        body["max_tokens"] = 9
    options = {**OPTIONS, **more}
    return play(
        dialect,
        msgspec.json.encode(body),
        scripts=[GOOD],
        keys=[key.row],
        address={"headers": key.headers},
        **options,
    )


def asked(result: Performance) -> tuple[int, list[str]]:
    return result.status, result.asked


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        ("claude-a", (200, ["one"])),
        ("one/claude-a", (200, ["one"])),
        ("CLAUDE-A", (403, [])),  # not a name anybody lists: the default model stands in, which is no claude
        ("gpt-b", (403, [])),
        ("two/gpt-c", (403, [])),
        ("fast", (403, [])),
        ("claude-alias", (200, ["one"])),  # named by its owner, whatever it stands for
        ("claude-mapped", (200, ["one"])),
        ("claude-unheard-of", (403, [])),  # the default model stands in, which is out of scope
        ("claude-code/gpt-b", (403, [])),
        ("team", (200, ["one"])),  # its other members are left out
    ],
)
def test_models_in_and_out_of_scope(model: str, outcome: tuple[int, list[str]]) -> None:
    result = ask(model, HeldKey(models=("claude-*",)))
    assert asked(result) == outcome
    if result.status == 403:
        error = msgspec.json.decode(result.body)["error"]
        assert (error["code"], error["param"]) == ("model_not_allowed", "model")
        assert "'laptop'" in error["message"]
        assert "models claude-*" in error["message"]
        assert result.headers["x-should-retry"] == "false"
    elif model == "team":
        assert b'"claude-a"' in result.requests[0].body


def test_a_combo_in_scope_grants_its_members() -> None:
    result = ask("team", HeldKey(models=("team",)))
    assert asked(result) == (200, ["one"])
    assert b'"gpt-b"' in result.requests[0].body
    assert ask("gpt-b", HeldKey(models=("team",))).status == 403


def test_accounts_bind_whatever_was_asked() -> None:
    assert asked(ask("claude-a", HeldKey(accounts=("two",)))) == (200, ["two"])
    assert asked(ask("claude-a", HeldKey(accounts=("custom-open*",)))) == (200, ["one"])
    for model in ("gpt-b", "one/claude-a", "fast", "claude-alias"):
        result = ask(model, HeldKey(accounts=("two",), models=("*",)))
        assert asked(result) == (403, [])
        assert "at accounts two" in msgspec.json.decode(result.body)["error"]["message"]


def test_an_account_that_takes_any_name_opens_no_door() -> None:
    accounts = (A, ANY)
    key = HeldKey(models=("claude-*",))
    assert asked(ask("claude-new", key, accounts=accounts, routing=Routing())) == (200, ["any"])
    assert asked(ask("gpt-new", key, accounts=accounts, routing=Routing())) == (403, [])


def test_a_refusal_suggests_only_what_the_key_may_use() -> None:
    result = ask("claude-aa", HeldKey(models=("claude-*",)), routing=Routing())
    message = msgspec.json.decode(result.body)["error"]["message"]
    assert result.status == 404
    assert "claude-a" in message
    hidden = ask("gpt-bb", HeldKey(models=("claude-*",)), routing=Routing())
    assert "gpt-b'" not in msgspec.json.decode(hidden.body)["error"]["message"]


@pytest.mark.parametrize(
    ("dialect", "kind"), [("openai_chat", "permission_error"), ("anthropic", "permission_error")]
)
def test_dialects_in_and_out_of_scope(dialect: str, kind: str) -> None:
    other = "anthropic" if dialect == "openai_chat" else "openai_chat"
    result = ask("claude-a", HeldKey(dialects=(other,)), dialect=dialect)
    assert asked(result) == (403, [])
    error = msgspec.json.decode(result.body)["error"]
    assert error["type"] == kind
    assert f"may not speak {dialect}; its scope is {other}" in error["message"]
    assert ask("claude-a", HeldKey(dialects=(dialect,)), dialect=dialect).status == 200


def test_google_hears_a_refusal_in_its_own_words() -> None:
    key = HeldKey(models=("claude-*",))
    result = play(
        "gemini",
        b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}',
        scripts=[],
        keys=[key.row],
        address={"headers": key.headers, "model": "gpt-b", "stream": False},
        **OPTIONS,
    )
    assert (result.status, msgspec.json.decode(result.body)["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_fallbacks_and_turns_stay_in_scope() -> None:
    broken = Script(status=500, steps=[b"{}"])
    options = {**OPTIONS, "routing": Routing(rotation="round_robin")}

    async def story(house: House) -> list[str]:
        body = msgspec.json.encode({"model": "claude-a", "messages": [{"role": "user", "content": "hi"}]})
        for _ in range(4):
            await house.ask("openai_chat", body, headers=key.headers)
        return house.asked

    key = HeldKey(accounts=("two",))
    told = live(story, scripts=[broken, GOOD, GOOD, GOOD, GOOD, GOOD], keys=[key.row], **options)
    assert set(told) == {"two"}


def test_lists_show_what_the_key_may_use() -> None:
    seen = world(A, B, CLAUDE, routing=ROUTING, combos=ROUTING.combos, aliases=OPTIONS["aliases"])

    def names(**policy: Any) -> list[str]:
        return [entry.id for entry in models.entries(seen, HeldKey(**policy).row.policy)]

    assert names() == ["claude-a", "claude-alias", "claude-z", "fast", "gpt-b", "gpt-c", "team"]
    assert names(models=("claude-*",)) == ["claude-a", "claude-alias", "claude-z", "team"]
    assert names(models=("gpt-*",)) == ["claude-alias", "fast", "gpt-b", "gpt-c", "team"]
    assert names(accounts=("two",)) == ["claude-a", "gpt-c", "team"]
    assert names(models=("team",)) == ["team"]
    assert names(models=("nothing",)) == []
    entry = next(
        each for each in models.entries(seen, HeldKey(accounts=("two",)).row.policy) if each.id == "claude-a"
    )
    assert entry.accounts == ("two",)


def test_one_model_out_of_scope_is_not_there() -> None:
    from flowrouter.errors import CallerError

    seen, policy = world(A, B), HeldKey(models=("claude-*",)).row.policy
    assert models.single(seen, "openai_chat", "claude-a", policy=policy)["id"] == "claude-a"
    assert models.single(seen, "openai_chat", "one/claude-a", policy=policy)["id"] == "one/claude-a"
    for name in ("gpt-b", "one/gpt-b"):
        with pytest.raises(CallerError) as caught:
            models.single(seen, "openai_chat", name, policy=policy)
        assert caught.value.status == 404


def test_tags_of_the_key_choose_the_member() -> None:
    routing = Routing(
        combos={
            "team": ComboConfig(
                members=(
                    ComboMember(model="gpt-b", when=Conditions(tags=("night",))),
                    ComboMember(model="gpt-c"),
                )
            )
        }
    )
    tagged = ask("team", HeldKey(tags=("night",)), routing=routing, combos=routing.combos)
    plain = ask("team", HeldKey(), routing=routing, combos=routing.combos)
    assert (tagged.asked, plain.asked) == (["one"], ["two"])
