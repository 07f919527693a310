"""Requests that need no model are answered here, in every dialect and form, and cost nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fold import fold
from flowrouter.canonical.parts import Provenance, Text
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.settings.routing import Bypass, IntentRule, Routing
from flowrouter.wire.sse import SseParser
from tests.playbooks.stage import Performance, Script, account, play
from tests.playbooks.test_passthrough import ANSWER

CHAT = account("chat", "openai_chat")
ON = Routing(bypass=Bypass(enabled=True))
ASKS: dict[str, Any] = {
    "openai_chat": {"messages": [{"role": "user", "content": "Warmup"}]},
    "openai_responses": {"input": "Warmup"},
    "anthropic": {
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Warmup"}]}],
    },
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Warmup"}]}]},
    "openai_completions": {"prompt": "Warmup"},
}


def ask(dialect: Any, body: Any, *, stream: bool = False, routing: Routing = ON, **more: Any) -> Performance:
    if dialect == "gemini":
        more["address"] = {"model": "m", "stream": stream, **more.pop("address", {})}
    else:
        body = {"model": "m", "stream": stream, **body}
    scripts = more.pop("scripts", ())
    return play(
        dialect, msgspec.json.encode(body), accounts=(CHAT,), scripts=scripts, routing=routing, **more
    )


def is_booked_as_bypass(result: Performance, rule: str = "warmup") -> None:
    row = result.row
    assert (result.status, result.requests) == (200, [])
    assert (row.outcome, row.preset, row.account_id, row.attempts) == ("ok", "bypass", None, ())
    assert (row.cost_pusd, row.charge_pusd) == (0, 0)
    assert (row.input_tokens, row.output_tokens, row.usage_estimated) == (1, 1, True)
    assert result.headers["x-flowrouter-bypass"] == rule
    assert result.receipt["summary"] == f"answered here without a model, by the bypass rule {rule}"
    assert result.ended


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_a_whole_answer_is_one_of_the_dialect(dialect: Dialect) -> None:
    result = ask(dialect, ASKS[dialect])
    is_booked_as_bypass(result)
    own = Provenance(dialect=dialect, family="m", account_id="x")
    response = codec(dialect).parse_response(result.body, own)
    (choice,) = response.choices
    assert [part.text for part in choice.parts if isinstance(part, Text)] == ["OK"]
    assert choice.finish == "stop"
    assert response.model == "m"
    assert response.usage is not None
    assert (response.usage.total_input, response.usage.total_output) == (1, 1)


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_a_stream_is_one_of_the_dialect(dialect: Dialect) -> None:
    result = ask(dialect, ASKS[dialect], stream=True)
    is_booked_as_bypass(result)
    assert result.headers["content-type"].startswith("text/event-stream")
    own = Provenance(dialect=dialect, family="m", account_id="x")
    decoder, parser = codec(dialect).decoder(DecodeOptions(provenance=own)), SseParser()
    frames = [*parser.feed(result.body), *parser.close()]
    response = fold([*(event for frame in frames for event in decoder.feed(frame)), *decoder.close()])
    (choice,) = response.choices
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == "OK"
    assert choice.finish == "stop"


def test_geminis_array_form_is_kept() -> None:
    result = ask("gemini", ASKS["gemini"], stream=True, address={"framing": "array"})
    assert "OK" in str(msgspec.json.decode(result.body))


def test_legacy_completions() -> None:
    result = ask("openai_completions", ASKS["openai_completions"])
    is_booked_as_bypass(result)
    assert msgspec.json.decode(result.body)["choices"][0]["text"] == "OK"


def test_off_by_default() -> None:
    result = ask("openai_chat", ASKS["openai_chat"], routing=Routing(), scripts=[Script(steps=[ANSWER])])
    assert len(result.requests) == 1
    assert "x-flowrouter-bypass" not in result.headers


def test_a_title_behind_a_prefill_goes_on_from_it() -> None:
    messages = [{"role": "user", "content": "mend the parser now"}, {"role": "assistant", "content": "{"}]
    result = ask("anthropic", {"max_tokens": 9, "messages": messages})
    is_booked_as_bypass(result, "title_prefill")
    text = "{" + msgspec.json.decode(result.body)["content"][0]["text"]
    assert msgspec.json.decode(text) == {"isNewTopic": True, "title": "mend the parser"}


def test_a_configured_pattern_and_answer() -> None:
    routing = Routing(bypass=Bypass(enabled=True, patterns=("^ping$",), answer="pong"))
    result = ask("openai_chat", {"messages": [{"role": "user", "content": "ping"}]}, routing=routing)
    is_booked_as_bypass(result, "patterns[0]")
    assert msgspec.json.decode(result.body)["choices"][0]["message"]["content"] == "pong"


def test_an_answer_that_is_not_kept_says_so() -> None:
    body = msgspec.json.decode(ask("openai_responses", {"input": "Warmup", "store": True}).body)
    assert body["store"] is False


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
def test_a_request_with_a_history_elsewhere_goes_to_a_model(name: str) -> None:
    result = ask("openai_responses", {"input": "Warmup", name: "resp_unknown"})
    assert "x-flowrouter-bypass" not in result.headers


def test_a_private_warm_up_needs_nobody_either() -> None:
    routing = Routing(bypass=Bypass(enabled=True), intents=(IntentRule(name="all", pattern="."),))
    is_booked_as_bypass(ask("openai_chat", ASKS["openai_chat"], routing=routing))


def test_embeddings_are_never_bypassed() -> None:
    body = {"input": "Warmup", "messages": [{"role": "user", "content": "Warmup"}]}
    vectors = b'{"object":"list","data":[],"model":"m","usage":{"prompt_tokens":1}}'
    result = ask("openai_chat", body, operation="embeddings", scripts=[Script(steps=[vectors])])
    assert len(result.requests) == 1
