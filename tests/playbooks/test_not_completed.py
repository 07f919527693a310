"""What never goes on elsewhere: calls, signed reasoning, answers of a form, and what a policy forbids."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy, mint
from flowrouter.settings.routing import Routing
from tests.playbooks.stage import SSE, Performance, Script, account, play
from tests.playbooks.test_completion import case, chain
from tests.support.breaks import (
    CLIENTS,
    UPSTREAMS,
    Told,
    answer,
    body_for,
    broken,
    judge,
    perform,
    read,
    wire,
)
from tests.support.stories import STORIES

STORY = STORIES["english"]


def without_completion(result: Performance, why: str, client: str = "openai_chat") -> Told:
    told = read(client, result.body)
    assert told.failed
    assert not told.ended
    assert len(result.requests) == 1
    assert why in result.receipt["not_completed"]
    assert result.row.outcome == "partial"
    return told


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"n": 2}, "choices"),
        ({"logprobs": True}, "probabilities"),
        ({"response_format": {"type": "json_object"}}, "form"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}},
            "form",
        ),
    ],
    ids=["choices", "logprobs", "json", "schema"],
)  # fmt: skip
def test_what_was_asked_for_can_forbid_it(members: dict[str, Any], why: str) -> None:
    without_completion(perform(case(), members=members), why)


TOOLS: dict[str, Any] = {
    "tools": [{"type": "function", "function": {"name": "fire", "parameters": {"type": "object"}}}]
}


@pytest.mark.parametrize("first", UPSTREAMS)
def test_calls_are_never_made_twice(first: Dialect) -> None:
    """Cut anywhere in an answer of text and a call: one call, whole, or none."""
    events = answer(first, "I will fire.", call='{"at":"dawn","times":60}', seed=3)
    for place in range(1, 40):
        this = case("openai_chat", first, first, place=place / 40)
        again = wire(first, answer(first, "I will fire.", call='{"at":"noon"}', ident="second", seed=4))
        result = perform(
            this,
            first=broken(wire(first, events), this),
            scripts=chain_of(broken(wire(first, events), this), Script(headers=SSE, steps=again)),
            members=TOOLS,
        )
        told = read("openai_chat", result.body)
        assert told.ended != told.failed
        if told.ended:
            assert told.calls in (['{"at":"noon"}'], ['{"at":"dawn","times":60}'])
            assert told.text == "I will fire."
        assert len([call for call in told.calls if call.endswith("}")]) <= 1
        parts = result.exchange.attempts
        if any("dawn" in call or call.startswith('{"at":"d') for call in told.calls):
            assert len(parts) == 1, "a call had begun"


def chain_of(first: Script, second: Script) -> Any:
    return {"first": first, "second": second}


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "openai_completions"])
def test_a_cut_inside_a_call_ends_with_an_error(client: str) -> None:
    events = answer("anthropic", "I will fire.", call='{"at":"dawn","times":60}', seed=3)
    frames = wire("anthropic", events)
    place = next(i for i, frame in enumerate(frames) if b"input_json_delta" in frame)
    tools: dict[str, Any] = {}
    result = perform(
        case(client, "anthropic"), first=Script(headers=SSE, steps=frames[: place + 2]), members=tools
    )
    # For Google's clients a call bears a mark, which stands before it as reasoning does.
    told = without_completion(result, "signed" if "gemini" in client else "tool_call", client)
    assert told.text == "I will fire."


def test_a_cut_inside_reasoning_ends_with_an_error() -> None:
    frames = wire("openai_chat", answer("openai_chat", STORY, reasoning="Let me think about the keeper."))
    place = next(i for i, frame in enumerate(frames) if b"reasoning" in frame)
    result = perform(case(), first=Script(headers=SSE, steps=frames[: place + 2]))
    without_completion(result, "reasoning")


def test_signed_reasoning_is_nobody_elses() -> None:
    events = answer("anthropic", STORY, reasoning="Let me think.")
    ended = next(i for i, event in enumerate(events) if isinstance(event, e.PartEnd))
    events.insert(ended, e.SignatureDelta(0, "c2lnbmVk"))
    this = case("anthropic", "anthropic", "anthropic")
    result = perform(this, first=broken(wire("anthropic", events), this))
    without_completion(result, "signed", "anthropic")


def test_unsigned_reasoning_is_told_once() -> None:
    this = case(place=0.8)
    start = wire("openai_chat", answer("openai_chat", STORY, reasoning="Let me think."))
    again = wire("openai_chat", answer("openai_chat", STORY, reasoning="Hm, sixty waves.", ident="second"))
    result = perform(this, scripts=chain_of(broken(start, this), Script(headers=SSE, steps=again)))
    assert judge(this, result).text == STORY
    assert b"Hm" not in result.body


@pytest.mark.parametrize("policy", ["complete", "error"])
def test_the_key_says_what_becomes_of_broken_answers(policy: Any) -> None:
    minted = mint()
    row = GatewayKey(
        id="k", name="k", owner_id="local", token_hash=minted.token_hash, shown="flr_",
        policy=KeyPolicy(completion=policy),
    )  # fmt: skip
    this = case()
    scripts = chain(
        this, lambda _: Script(headers=SSE, steps=wire("openai_chat", answer("openai_chat", STORY)))
    )
    other: Any = "error" if policy == "complete" else "complete"
    result = play(
        "openai_chat",
        body_for(this),
        accounts=[account("first", "openai_chat"), account("second", "openai_chat", priority=2)],
        scripts=scripts,
        keys=[row],
        address={"headers": {"authorization": f"Bearer {minted.token}"}},
        routing=Routing(completion=other),
    )
    if policy == "error":
        without_completion(result, "policy")
    else:
        assert judge(this, result).ended


def test_the_setting_says_what_becomes_of_broken_answers() -> None:
    without_completion(perform(case(), routing=Routing(completion="error")), "policy")


def test_attempts_are_limited() -> None:
    result = perform(case(), routing=Routing(attempts=1))
    without_completion(result, "no target is left")
