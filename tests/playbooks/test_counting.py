"""Counting tokens: the provider's number if it gives one, else ours; nothing odd is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account
from flowrouter.canonical.dialect import Dialect
from flowrouter.config import Timeouts
from flowrouter.gateway.counting import Count, Counter
from flowrouter.gateway.envelopes import PREFIX
from flowrouter.gateway.exchange import Inbound
from flowrouter.routing import build_plan
from tests.playbooks.stage import Script, ScriptedTransport, VirtualClock, VirtualLoop, account, reset, world

CLAUDE = account("claude", "anthropic")
ASK = b'{"model":"claude","messages":[{"role":"user","content":"how many are these?"}]}'


GOOGLE = account("google", "gemini")
CHAT = account("chat", "openai_chat")
GEMINI_ASK = b'{"contents":[{"role":"user","parts":[{"text":"how many are these?"}]}],"xNew":1.0}'


def count(
    *scripts: Script,
    body: bytes = ASK,
    cancel_after: float | None = None,
    dialect: Dialect = "anthropic",
    accounts: Sequence[Account] = (CLAUDE,),
    model: str | None = None,
) -> tuple[Any, Any]:
    """Return the count (None: cancelled) and the transport."""
    transport, loop = ScriptedTransport(scripts), VirtualLoop()

    async def perform() -> Count | None:
        present = world(*accounts)
        counter = Counter(transport, clock=VirtualClock(), timeouts=Timeouts())
        plan = build_plan(present.facts, model or "claude", dialect=dialect)
        inbound = Inbound(
            request_id="req_count",
            dialect=dialect,
            operation="generate",
            endpoint="/v1/messages/count_tokens",
            headers={},
            body=body,
            wall=0.0,
            started=0.0,
            model=model,
        )
        work = asyncio.create_task(counter.count(inbound, plan, present))
        if cancel_after is not None:
            loop.call_later(cancel_after, work.cancel)
        await asyncio.wait([work])
        return None if work.cancelled() else work.result()

    try:
        return loop.run_until_complete(perform()), transport
    finally:
        loop.close()


def estimated(found: Count) -> bool:
    number = msgspec.json.decode(found.body or b"{}")["input_tokens"]
    return found.target is None and found.problem is None and number > 0


def test_the_providers_count_is_passed_on() -> None:
    found, transport = count(Script(steps=[b'{"input_', b'tokens": 12, "new": 1}']))
    assert found.body == b'{"input_tokens": 12, "new": 1}'
    assert found.target.account == "claude"
    assert transport.replies[0].closed


@pytest.mark.parametrize(
    "steps",
    [[b"<html>login</html>"], [b"{}"], [b'{"input_tokens":"many"}'], [], [b'{"input_', reset()], [500.0]],
)
def test_an_answer_that_is_no_count_is_replaced_by_our_estimate(steps: list[Any]) -> None:
    found, transport = count(Script(steps=steps))
    assert estimated(found)
    assert transport.replies[0].closed


def test_a_client_that_leaves_ends_the_upstream_call() -> None:
    found, transport = count(Script(steps=[500.0]), cancel_after=3)
    assert found is None
    assert transport.replies[0].closed


def test_a_refused_request_comes_back_as_said() -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"messages: too odd"}}'
    found, _ = count(Script(status=400, steps=[body]))
    assert (found.body, found.problem.status) == (body, 400)


@pytest.mark.parametrize("said", [b"<html>no</html>", b"", b'{"error":{"message":"secret-of-claude"}}'])
def test_a_refusal_that_may_not_pass_is_told_in_our_words(said: bytes) -> None:
    found, _ = count(Script(status=400, steps=[said]))
    assert found.body == b""
    assert found.problem.status == 400
    assert "secret-of-claude" not in found.problem.message


def test_sealed_reasoning_is_never_shown_to_a_vendor() -> None:
    sealed = ASK.replace(
        b'"messages":[',
        b'"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"%s"}]},'
        % (PREFIX + "AAAA").encode(),
    )
    found, transport = count(Script(steps=[b'{"input_tokens":1}']), body=sealed)
    assert transport.requests == []
    assert estimated(found)


def test_googles_client_over_google_sends_its_own_bytes() -> None:
    reply = b'{"totalTokens": 12, "new": 1}'
    found, transport = count(
        Script(steps=[reply]), body=GEMINI_ASK, dialect="gemini", accounts=[GOOGLE], model="gemini-x"
    )
    (sent,) = transport.requests
    assert sent.url == "http://google.test/v1beta/models/gemini-x:countTokens"
    assert (sent.body, found.body, found.target.account) == (GEMINI_ASK, reply, "google")


def test_a_name_inside_the_body_follows_the_address() -> None:
    inside = b'{"generateContentRequest":{"model":"models/google/gemini-x",' + GEMINI_ASK[1:] + b"}"
    _, transport = count(
        Script(steps=[b'{"totalTokens":1}']),
        body=inside,
        dialect="gemini",
        accounts=[GOOGLE],
        model="google/gemini-x",
    )
    sent = msgspec.json.decode(transport.requests[0].body)["generateContentRequest"]
    assert sent == {"model": "models/gemini-x", **msgspec.json.decode(GEMINI_ASK)}


@pytest.mark.parametrize("before", [(), (CHAT,)], ids=["alone", "behind a host that counts nothing"])
def test_a_count_is_asked_in_the_providers_own_dialect(before: tuple[Account, ...]) -> None:
    found, transport = count(Script(steps=[b'{"totalTokens":12}']), accounts=[*before, GOOGLE])
    (sent,) = transport.requests
    assert sent.url.endswith("/models/claude:countTokens")
    assert b"how many are these?" in sent.body
    assert found.body == b'{"input_tokens":12}'
    assert found.target.account == "google"
    other, asked = count(
        Script(steps=[b'{"input_tokens":7}']), body=GEMINI_ASK, dialect="gemini", model="claude"
    )
    assert asked.requests[0].url.endswith("/v1/messages/count_tokens")
    assert "max_tokens" not in msgspec.json.decode(asked.requests[0].body)
    assert other.body == b'{"totalTokens":7}'


def test_a_translated_count_that_is_refused_is_estimated() -> None:
    refusal = Script(status=400, steps=[b'{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}'])
    found, _ = count(refusal, accounts=[GOOGLE])
    assert estimated(found)


def test_the_next_account_is_asked_before_anything_is_estimated() -> None:
    found, transport = count(
        Script(status=503, steps=[b"busy"]), Script(steps=[b'{"totalTokens":3}']), accounts=[CLAUDE, GOOGLE]
    )
    assert len(transport.requests) == 2
    assert found.body == b'{"input_tokens":3}'
