"""Rate limits of keys on a request's way: each dialect's refusal, places given back whatever happens, tokens corrected."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.config import Timeouts
from tests.playbooks.stage import SSE, House, Performance, Script, account, live, reset
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, CHAT, DONE, FINISH, HEL, ROLE, USAGE
from tests.playbooks.test_translate import CLAUDE_ANSWER
from tests.support.gateway_keys import HeldKey

CLAUDE = account("claude", "anthropic")
GOOD = Script(steps=[ANSWER])
GEMINI_ASK = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
ANTHROPIC_ASK = b'{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}'
RESPONSES_ASK = b'{"model":"m","input":"hi","store":false}'


def tell(story: Any, key: HeldKey, *scripts: Script, **more: Any) -> Any:
    more.setdefault("accounts", [CHAT])
    return live(story, scripts=scripts, keys=[key.row], **more)


def told(result: Performance) -> Any:
    return msgspec.json.decode(result.body)["error"]


def twice(key: HeldKey, dialect: Dialect, body: bytes, **address: Any) -> tuple[Performance, Performance]:
    """Ask twice in a row, the second time beyond the limit."""

    async def story(house: House) -> tuple[Performance, Performance]:
        await asyncio.sleep(20)  # a minute begins with the stage; 40 s of it are left
        first = await house.ask(dialect, body, headers=key.headers, **address)
        return first, await house.ask(dialect, body, headers=key.headers, **address)

    return tell(story, key, GOOD)


def test_openai_hears_429_in_its_own_shape() -> None:
    first, second = twice(HeldKey(limits={"requests_per_minute": 1}), "openai_chat", ASK)
    assert first.status == 200
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert second.status == 429
    error = told(second)
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert "'laptop' may make 1 request a minute" in error["message"]
    wait = int(second.headers["retry-after"])
    assert 0 < wait <= 60
    assert second.headers["x-should-retry"] == "true"
    assert second.headers["x-ratelimit-reset-requests"] == f"{wait}s"
    assert not second.requests
    assert second.rows[0].error_type == "rate_limit_exceeded"


def test_responses_and_completions_hear_it_as_openai_does() -> None:
    for dialect, body in (
        ("openai_responses", RESPONSES_ASK),
        ("openai_completions", b'{"model":"m","prompt":"hi"}'),
    ):
        first, second = twice(HeldKey(limits={"requests_per_minute": 1}), dialect, body)  # type: ignore[arg-type]
        assert (first.status, second.status) == (200, 429)
        assert told(second)["code"] == "rate_limit_exceeded"
        assert second.headers["x-ratelimit-remaining-requests"] == "0"


def test_anthropic_hears_429_in_its_own_shape() -> None:
    first, second = twice(
        HeldKey(limits={"requests_per_day": 1, "tokens_per_day": 9_000}), "anthropic", ANTHROPIC_ASK
    )
    assert first.status == 200
    assert first.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert first.headers["anthropic-ratelimit-tokens-limit"] == "9000"
    assert second.status == 429
    assert told(second)["type"] == "rate_limit_error"
    assert second.headers["x-should-retry"] == "false", "hours are nothing to wait for"
    assert int(second.headers["retry-after"]) > 60
    assert not any(name.startswith("x-ratelimit") for name in second.headers)


def test_google_hears_it_in_the_errors_details() -> None:
    first, second = twice(
        HeldKey(limits={"requests_per_minute": 1}), "gemini", GEMINI_ASK, model="m", stream=False
    )
    assert (first.status, second.status) == (200, 429)
    error = told(second)
    assert error["status"] == "RESOURCE_EXHAUSTED"
    delays = [each["retryDelay"] for each in error["details"] if each["@type"].endswith("RetryInfo")]
    assert len(delays) == 1
    assert 0 < float(delays[0].removesuffix("s")) <= 60
    assert not any("ratelimit" in name for name in (*first.headers, *second.headers))


def test_a_keys_headers_are_ours_never_the_providers() -> None:
    theirs = Script(
        steps=[ANSWER], headers={"content-type": "application/json", "x-ratelimit-remaining-requests": "4999"}
    )

    async def story(house: House) -> Performance:
        return await house.ask("openai_chat", ASK, headers=key.headers)

    key = HeldKey(limits={"requests_per_minute": 5})
    assert tell(story, key, theirs).headers["x-ratelimit-remaining-requests"] == "4"
    key = HeldKey()
    assert not any("ratelimit" in name for name in tell(story, key, theirs).headers)


def test_all_operations_count() -> None:
    key = HeldKey(limits={"requests_per_minute": 1})

    async def story(house: House) -> tuple[Performance, Performance]:
        first = await house.ask("openai_chat", ASK, headers=key.headers)
        body = b'{"model":"m","input":["a"]}'
        return first, await house.ask("openai_chat", body, operation="embeddings", headers=key.headers)

    first, second = tell(story, key, GOOD)
    assert (first.status, second.status) == (200, 429)


SLOW_STREAM = Script(headers=SSE, before=1.0, steps=[ROLE, 5.0, HEL, 3.0, FINISH, DONE])
BROKEN_STREAM = Script(headers=SSE, before=1.0, steps=[ROLE, HEL, reset()])


@pytest.mark.parametrize(
    ("script", "body", "leave"),
    [
        (Script(before=2.0, steps=[ANSWER]), ASK, None),
        (SLOW_STREAM, ASK_STREAM, None),
        (SLOW_STREAM, ASK_STREAM, 0.5),
        (SLOW_STREAM, ASK_STREAM, 3.0),
        (SLOW_STREAM, ASK_STREAM, 7.0),
        (BROKEN_STREAM, ASK_STREAM, None),
        (Script(status=500, steps=[b"{}"]), ASK, None),
        (Script(status=400, steps=[b'{"error":{"message":"no"}}']), ASK, None),
        (Script(headers=SSE, before=500.0), ASK_STREAM, None),
    ],
    ids=["whole", "stream", "left early", "left late", "left in the midst", "cut", "500", "400", "timeout"],
)
def test_a_place_is_given_back_whatever_happens(script: Script, body: bytes, leave: float | None) -> None:
    key = HeldKey(limits={"concurrent": 1})

    async def story(house: House) -> Performance:
        first = asyncio.create_task(house.ask("openai_chat", body, headers=key.headers, cancel_after=leave))
        await asyncio.sleep(0.25)
        assert house.limits.in_flight(key.row.id) <= 1
        await first
        assert house.limits.in_flight(key.row.id) == 0
        await asyncio.sleep(300)  # a failed account has done its pause
        return await house.ask("openai_chat", ASK, headers=key.headers)

    again = (script,) if script.status == 500 else ()
    last = tell(
        story, key, script, *again, *again, GOOD, GOOD, GOOD, timeouts=Timeouts(first_event=20, stall=20)
    )
    assert last.status != 429


def test_who_finds_no_place_is_refused_at_once() -> None:
    key = HeldKey(limits={"concurrent": 2})

    async def story(house: House) -> list[Performance]:
        asks = [house.ask("openai_chat", ASK, headers=key.headers) for _ in range(3)]
        return list(await asyncio.gather(*asks))

    slow = Script(before=5.0, steps=[ANSWER])
    results = tell(story, key, slow, slow)
    assert sorted(result.status for result in results) == [200, 200, 429]
    refused = next(result for result in results if result.status == 429)
    assert "2 requests in flight" in told(refused)["message"]
    assert (refused.headers["retry-after"], refused.headers["x-should-retry"]) == ("1", "true")
    assert refused.headers["x-request-id"]


def test_tokens_are_corrected_by_what_the_provider_reports() -> None:
    key = HeldKey(limits={"tokens_per_day": 100_000})

    async def story(house: House) -> list[int]:
        left: list[int] = []
        for _ in range(3):
            result = await house.ask("openai_chat", ASK_STREAM, headers=key.headers)
            left.append(int(result.headers["x-ratelimit-remaining-tokens"]))
            await asyncio.sleep(1)
        return left

    usage = USAGE  # says what it used
    first, second, third = tell(
        story, key, *[Script(headers=SSE, steps=[ROLE, HEL, FINISH, usage, DONE])] * 3
    )
    said = msgspec.json.decode(usage.removeprefix(b"data: ").strip())["usage"]
    used = said["prompt_tokens"] + said["completion_tokens"]
    assert first - second == second - third == used
    assert 100_000 - first > used, "the estimate was higher, and was given back"


def test_a_request_that_nobody_answered_used_no_tokens() -> None:
    key = HeldKey(limits={"tokens_per_day": 100_000})

    async def story(house: House) -> tuple[Performance, Performance]:
        first = await house.ask("openai_chat", ASK, headers=key.headers)
        return first, await house.ask("openai_chat", ASK, headers=key.headers)

    no = Script(status=400, steps=[b'{"error":{"message":"no"}}'])
    first, second = tell(story, key, no, no)
    assert first.status == second.status == 400
    name = "x-ratelimit-remaining-tokens"
    assert first.headers[name] == second.headers[name]


def test_limits_hold_on_the_translate_lane_too() -> None:
    key = HeldKey(limits={"requests_per_minute": 1})

    async def story(house: House) -> tuple[Performance, Performance]:
        first = await house.ask("openai_chat", ASK, headers=key.headers)
        return first, await house.ask("openai_chat", ASK, headers=key.headers)

    first, second = tell(story, key, Script(steps=[CLAUDE_ANSWER]), accounts=[CLAUDE])
    assert (first.status, second.status) == (200, 429)
