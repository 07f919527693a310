"""Names through the pipeline: combos, pools, mappings, efforts and conditions, down to what providers get."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.gateway.ports import StoredCombo
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy, mint
from flowrouter.settings.routing import (
    ComboConfig,
    ComboMember,
    Conditions,
    MappingRule,
    Routing,
    Strategy,
)
from tests.playbooks.stage import SSE, Performance, Script, account, play
from tests.playbooks.test_passthrough import ANSWER, WHOLE_STREAM
from tests.playbooks.test_translate import CLAUDE_ANSWER

FIRST = account("first", "openai_chat", models=("small", "large"))
SECOND = account("second", "openai_chat", models=("other",))
CLAUDE = account("claude", "anthropic", models=("claude-a",))
GOOD = Script(steps=[ANSWER])
BROKEN = Script(status=503, steps=[b'{"error":{"message":"overloaded"}}'])


def combo(*members: str | ComboMember, strategy: Strategy = "priority") -> ComboConfig:
    made = tuple(each if isinstance(each, ComboMember) else ComboMember(model=each) for each in members)
    return ComboConfig(members=made, strategy=strategy)


def ask(model: str, *scripts: Script, routing: Routing | None = None, **more: Any) -> Performance:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more.pop("body", {})}
    accounts = more.pop("accounts", (FIRST, SECOND, CLAUDE))
    dialect = more.pop("dialect", "openai_chat")
    return play(
        dialect,
        msgspec.json.encode(body),
        accounts=accounts,
        scripts=scripts,
        routing=routing or Routing(),
        **more,
    )


def sent(result: Performance) -> list[tuple[str, str]]:
    models = [msgspec.json.decode(request.body)["model"] for request in result.requests]
    return list(zip(result.asked, models, strict=True))


def told(result: Performance) -> tuple[int, str, str]:
    error = msgspec.json.decode(result.body)["error"]
    return result.status, error["code"], error["message"]


def test_a_combo_goes_on_to_its_next_member_in_another_dialect() -> None:
    routing = Routing(combos={"Team": combo("small", "claude-a")})
    result = ask("team", BROKEN, Script(steps=[CLAUDE_ANSWER]), routing=routing)
    assert result.status == 200
    assert sent(result)[0] == ("first", "small")
    assert sent(result)[-1] == ("claude", "claude-a")
    assert result.headers["x-flowrouter-target"] == "claude/claude-a"
    assert result.exchange.step == "combo Team"
    assert msgspec.json.decode(result.body)["model"] != "team", "the reply says who answered"


def test_a_combo_streams_like_a_model() -> None:
    routing = Routing(combos={"team": combo("large", "other")})
    script = Script(headers=dict(SSE), steps=list(WHOLE_STREAM))
    result = ask("team", script, routing=routing, body={"stream": True})
    assert (result.status, sent(result)) == (200, [("first", "large")])
    assert b"Hel" in result.body
    assert result.ended


def test_an_alias_pool_is_a_combo_without_a_name_of_its_own() -> None:
    result = ask("big", BROKEN, GOOD, aliases={"big": ("large", "other")})
    assert (result.status, sent(result)) == (200, [("first", "large"), ("second", "other")])


@pytest.mark.parametrize(
    "agent, thinking, expected",
    [("claude-cli/2.1", False, "small"), ("claude-cli/2.1", True, "large"), ("curl/8", True, "claude-a")],
)
def test_a_mapping_reads_agent_and_body(agent: str, thinking: bool, expected: str) -> None:
    cli = "claude-cli/*"
    rules = (
        MappingRule(model="claude-*", to="first/large", when=Conditions(user_agent=cli, thinking=True)),
        MappingRule(model="claude-*", to="first/small", when=Conditions(user_agent=cli)),
    )
    body = {"reasoning_effort": "high"} if thinking else {}
    script = Script(steps=[CLAUDE_ANSWER]) if expected == "claude-a" else GOOD
    address = {"headers": {"user-agent": agent}}
    result = ask("claude-a", script, routing=Routing(mapping=rules), body=body, address=address)
    assert (result.status, sent(result)[0][1]) == (200, expected)


def test_a_member_for_small_requests_is_left_out_of_large_ones() -> None:
    small = ComboMember(model="small", when=Conditions(max_tokens=100))
    routing = Routing(combos={"team": combo(small, "large"), "only": combo(small)})
    assert sent(ask("team", GOOD, routing=routing)) == [("first", "small")]
    long = {"messages": [{"role": "user", "content": "word " * 500}]}
    assert sent(ask("team", GOOD, routing=routing, body=long)) == [("first", "large")]
    status, code, message = told(ask("only", routing=routing, body=long))
    assert (status, code) == (400, "no_member_fits")
    assert "small is meant for up to 100 tokens" in message


def test_keys_choose_by_their_tags() -> None:
    team = ComboMember(model="large", when=Conditions(tags=("team",)))
    routing = Routing(combos={"best": combo(team, "small")})
    for tags, model in ((("team", "x"), "large"), ((), "small")):
        minted = mint()
        key = GatewayKey(
            id="k",
            name="k",
            owner_id="local",
            token_hash=minted.token_hash,
            shown="flr_",
            policy=KeyPolicy(tags=tags),
        )
        address = {"headers": {"authorization": f"Bearer {minted.token}"}}
        assert sent(ask("best", GOOD, routing=routing, keys=[key], address=address)) == [("first", model)]


def test_a_tenants_combo_is_the_tenants() -> None:
    """Whoever may make combos cannot lead other people's requests elsewhere."""
    theirs = StoredCombo(id="c", name="large", owner_id="tenant", config=combo("other"))
    for owner, answered in (("local", ("first", "large")), ("tenant", ("second", "other"))):
        minted = mint()
        key = GatewayKey(id="k", name="k", owner_id=owner, token_hash=minted.token_hash, shown="flr_")
        address = {"headers": {"authorization": f"Bearer {minted.token}"}}
        result = ask("large", GOOD, keys=[key], address=address, stored=(theirs,))
        assert sent(result) == [answered]


def test_a_switched_off_model_is_refused_and_asks_nobody() -> None:
    routing = Routing(disabled_models=("large",), combos={"team": combo("large", "other")})
    status, code, message = told(ask("large", routing=routing))
    assert (status, code) == (403, "model_disabled")
    assert "routing.disabled_models" in message
    assert sent(ask("team", GOOD, routing=routing)) == [("second", "other")]


def test_a_circle_is_an_honest_error() -> None:
    status, code, message = told(ask("a", aliases={"a": "b", "b": "a"}))
    assert (status, code) == (404, "model_circle")
    assert "a → b → a" in message


def test_the_closest_names_are_told() -> None:
    routing = Routing(combos={"team-fast": combo("small")})
    status, code, message = told(ask("team-fst", routing=routing))
    assert (status, code) == (404, "model_not_found")
    assert "'team-fast'" in message


# Efforts


@pytest.mark.parametrize(
    "account_of, model, member",
    [
        (account("gpt", "openai_chat", models=("gpt-5",)), "gpt-5(low)", ("reasoning_effort",)),
        (account("gpt", "openai_chat", models=("gpt-5",)), "gpt-5-low", ("reasoning_effort",)),
        (account("resp", "openai_responses", models=("gpt-5",)), "resp/gpt-5(low)", ("reasoning", "effort")),
        (
            account("max", "anthropic", models=("claude-opus-4-6",)),
            "claude-opus-4-6(low)",
            ("output_config", "effort"),
        ),
    ],
    ids=["chat", "chat-dash", "responses", "anthropic"],
)
def test_an_effort_behind_the_name_goes_before_the_requests_own(
    account_of: Any, model: str, member: Any
) -> None:
    script = Script(status=400, steps=[b'{"error":{"message":"enough"}}'])
    done = ask(model, script, accounts=(account_of,), body={"reasoning_effort": "high"})
    value: Any = msgspec.json.decode(done.requests[0].body)
    assert value["model"] in account_of.models
    for name in member:
        value = value[name]
    assert value == "low"


def test_an_effort_for_geminis_own_client() -> None:
    google = account("google", "gemini", models=("gemini-3-pro-preview",))
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    script = Script(
        status=400, steps=[b'{"error":{"code":400,"message":"enough","status":"INVALID_ARGUMENT"}}']
    )
    done = play(
        "gemini",
        msgspec.json.encode(body),
        accounts=(google,),
        scripts=(script,),
        address={"model": "gemini-3-pro-preview(low)", "stream": False},
    )
    sent_body = msgspec.json.decode(done.requests[0].body)
    assert sent_body["generationConfig"]["thinkingConfig"]["thinkingLevel"].lower() == "low"
    assert "gemini-3-pro-preview:" in done.requests[0].url
    assert sent_body["contents"] == body["contents"]


def test_without_an_effort_the_bytes_stay() -> None:
    result = ask("first/large", GOOD, body={"reasoning_effort": "high", "zeta": [1]})
    assert b'"reasoning_effort":"high","zeta":[1]' in result.requests[0].body
    assert result.row.lane == "passthrough"
