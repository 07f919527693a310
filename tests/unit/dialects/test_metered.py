"""What else is billed, read from each dialect's own usage object, whole and streamed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import UsageUpdate
from flowrouter.canonical.metered import Metered, stated_cost
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.usage import Usage, merge
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.wire.sse import SseParser

MADE = Provenance(dialect="openai_chat", family="any", account_id="any")


def metered(dialect: Dialect, usage: Usage | None) -> Metered:
    assert usage is not None
    return codec(dialect).metered(usage)


def whole(dialect: Dialect, reply: dict[str, Any]) -> Metered:
    response = codec(dialect).parse_response(msgspec.json.encode(reply), MADE)
    return metered(dialect, response.usage)


def streamed(dialect: Dialect, *frames: tuple[str | None, dict[str, Any]]) -> Metered:
    decoder, parser = codec(dialect).decoder(DecodeOptions(provenance=MADE)), SseParser()
    usage: Usage | None = None
    for name, data in frames:
        text = (f"event: {name}\n" if name else "").encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"
        for frame in parser.feed(text):
            for event in decoder.feed(frame):
                if isinstance(event, UsageUpdate):
                    usage = merge(usage, event.usage)
    return metered(dialect, usage)


CHAT: dict[str, Any] = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m", "service_tier": "flex",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 4},
        "completion_tokens_details": {"audio_tokens": 3, "image_tokens": 1},
        "cost": 0.00125,
    },
}  # fmt: skip
RESPONSE: dict[str, Any] = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "service_tier": "priority",
    "output": [
        {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "web_search_call", "id": "w2", "status": "completed", "action": {"type": "open_page", "url": "u"}},
        {"type": "message", "id": "m1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "a", "annotations": []}]},
    ],
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "cost_in_usd_ticks": 37_756_000},
}  # fmt: skip
CLAUDE: dict[str, Any] = {
    "id": "a", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "a"}],
    "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {
        "input_tokens": 10, "output_tokens": 5, "service_tier": "standard", "speed": "fast",
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    },
}  # fmt: skip
GEMINI: dict[str, Any] = {
    "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "a"}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 30, "cachedContentTokenCount": 8, "candidatesTokenCount": 9, "totalTokenCount": 39,
        "serviceTier": "flex",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "AUDIO", "tokenCount": 20}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 8}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 9}],
    },
}  # fmt: skip
EXPECTED: dict[Dialect, Metered] = {
    "openai_chat": Metered(
        audio_input=4, audio_output=3, image_output=1, tier="flex", cost=Decimal("0.00125")
    ),
    "openai_responses": Metered(searches=1, tier="priority", cost=Decimal("0.0037756")),
    "anthropic": Metered(searches=2, tier="fast"),
    "gemini": Metered(audio_input=20, audio_cached=8, image_output=9, tier="flex"),
}
REPLIES: dict[Dialect, dict[str, Any]] = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSE,
    "anthropic": CLAUDE,
    "gemini": GEMINI,
}


@pytest.mark.parametrize("dialect", EXPECTED)
def test_of_a_whole_reply(dialect: Dialect) -> None:
    assert whole(dialect, REPLIES[dialect]) == EXPECTED[dialect]


def test_of_a_stream() -> None:
    chunk = {**CHAT, "object": "chat.completion.chunk"}
    first = {
        **chunk,
        "usage": None,
        "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}],
    }
    assert streamed("openai_chat", (None, first), (None, {**chunk, "choices": []})) == EXPECTED["openai_chat"]
    created = (
        "response.created",
        {"type": "response.created", "response": {**RESPONSE, "usage": None, "output": []}},
    )
    completed = ("response.completed", {"type": "response.completed", "response": RESPONSE})
    assert streamed("openai_responses", created, completed) == EXPECTED["openai_responses"]
    started = (
        "message_start",
        {"type": "message_start", "message": {**CLAUDE, "content": [], "stop_reason": None}},
    )
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
    assert streamed("anthropic", started, ("message_delta", delta)) == EXPECTED["anthropic"]
    assert streamed("gemini", (None, GEMINI)) == EXPECTED["gemini"]


@pytest.mark.parametrize("dialect", EXPECTED)
def test_odd_values_are_nothing(dialect: Dialect) -> None:
    odd = {
        "prompt_tokens_details": {"audio_tokens": "many"}, "completion_tokens_details": [], "input_tokens_details": 1,
        "server_tool_use": None, "service_tier": 3, "speed": {}, "serviceTier": None, "promptTokensDetails": [1, {}],
        "cost": "free", "cost_in_usd_ticks": True,
    }  # fmt: skip
    assert codec(dialect).metered(Usage(origin=dialect, raw=odd)) == Metered()
    assert codec(dialect).metered(Usage(origin=dialect)) == Metered()


@pytest.mark.parametrize(
    ("raw", "cost"),
    [
        ({}, None),
        ({"cost": 0}, "0"),
        ({"cost": 0.1}, "0.1"),
        ({"cost": -1}, None),
        ({"cost": float("nan")}, None),
        ({"cost": float("inf")}, None),
        ({"cost": {"total_cost": 0.006, "input_tokens_cost": 0.001}}, "0.006"),
        ({"cost": 0.95, "is_byok": False, "cost_details": {"upstream_inference_cost": 19}}, "0.95"),
        ({"cost": 0.95, "is_byok": True, "cost_details": {"upstream_inference_cost": 19}}, "19.95"),
        ({"cost": 0.95, "is_byok": True, "cost_details": None}, "0.95"),
        ({"cost_in_usd_ticks": 200_000_000}, "0.02"),
    ],
)  # fmt: skip
def test_what_providers_state(raw: dict[str, Any], cost: str | None) -> None:
    assert stated_cost(raw) == (None if cost is None else Decimal(cost))
