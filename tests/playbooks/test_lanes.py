"""Every client over every provider: nothing of the caller's leaves, streams end and stay awake."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.config import Timeouts
from flowrouter.plugins import Hooks
from flowrouter.wire.sse import SseParser
from tests.playbooks.stage import SSE, Performance, Script, account, play, reset
from tests.playbooks.test_endings import Broken
from tests.playbooks.test_gemini_door import STREAM as GOOGLE_STREAM
from tests.playbooks.test_passthrough import ANTHROPIC_EVENTS, WHOLE_STREAM

SLOW = Timeouts(head_grace=5.0, heartbeat=10.0)
HEADERS = {
    "authorization": "Bearer canary-bearer",
    "x-goog-api-key": "canary-google",
    "api-key": "canary-azure",
    "cookie": "canary-cookie",
    "x-stainless-os": "canary-sdk",
    "x-forwarded-for": "canary-address",
    "originator": "canary-originator",
    "user-agent": "canary-agent",
}
SAID = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
TEXT = {"type": "output_text", "text": "Hello", "annotations": []}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress"}
USAGE = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}


def _event(number: int, kind: str, **members: Any) -> bytes:
    told = msgspec.json.encode({"type": kind, "sequence_number": number, **members})
    return b"event: " + kind.encode() + b"\ndata: " + told + b"\n\n"


RESPONSES_STREAM = [
    _event(0, "response.created", response={**RESPONSE, "output": []}),
    _event(1, "response.in_progress", response={**RESPONSE, "output": []}),
    _event(2, "response.output_item.added", output_index=0, item={**SAID, "content": []}),
    _event(
        3, "response.content_part.added", item_id="msg_1", output_index=0, content_index=0,
        part={**TEXT, "text": ""},
    ),
    _event(
        4, "response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta="Hello",
        logprobs=[],
    ),
    _event(
        5, "response.output_text.done", item_id="msg_1", output_index=0, content_index=0, text="Hello",
        logprobs=[],
    ),
    _event(6, "response.content_part.done", item_id="msg_1", output_index=0, content_index=0, part=TEXT),
    _event(7, "response.output_item.done", output_index=0, item={**SAID, "content": [TEXT]}),
    _event(
        8, "response.completed",
        response={**RESPONSE, "status": "completed", "output": [{**SAID, "content": [TEXT]}], "usage": USAGE},
    ),
]  # fmt: skip

STREAMS: dict[Dialect, list[bytes]] = {
    "openai_chat": WHOLE_STREAM,
    "anthropic": ANTHROPIC_EVENTS,
    "openai_responses": RESPONSES_STREAM,
    "gemini": GOOGLE_STREAM,
}
HI = [{"role": "user", "content": "hi"}]
ASKS: dict[Dialect, Any] = {
    "openai_chat": {"model": "m", "messages": HI, "stream": True, "stream_options": {"include_usage": True}},
    "anthropic": {"model": "m", "messages": HI, "stream": True, "max_tokens": 10},
    "openai_responses": {"model": "m", "input": "hi", "stream": True},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
LANES = [(client, vendor) for client in ASKS for vendor in STREAMS]
NAMES = [f"{client}-{vendor}" for client, vendor in LANES]


def ask(client: Dialect, vendor: Dialect, *scripts: Script, framing: str = "sse", **more: Any) -> Performance:
    address: dict[str, Any] = {"headers": HEADERS, "framing": framing}
    if client == "gemini":
        address |= {"model": "m", "stream": True}
    return play(
        client,
        msgspec.json.encode(ASKS[client]),
        accounts=more.pop("accounts", [account("vendor", vendor)]),
        scripts=scripts,
        address=address,
        **more,
    )


@pytest.mark.parametrize("client, vendor", LANES, ids=NAMES)
def test_no_canary_of_the_caller_leaves(client: Dialect, vendor: Dialect) -> None:
    result = ask(client, vendor, Script(headers=SSE, steps=STREAMS[vendor]))
    assert result.row.outcome == "ok"
    (request,) = result.requests
    names = dict(request.headers)
    told = request.url.encode() + request.body + str([*names, *names.values()]).encode()
    assert b"canary" not in told
    assert b"canary" not in result.body + result.receipt_text


@pytest.mark.parametrize("vendor", STREAMS)
def test_in_one_dialect_every_byte_passes(vendor: Dialect) -> None:
    wire = b"".join(STREAMS[vendor])
    for step in (1, 11, 333):
        pieces = [wire[place : place + step] for place in range(0, len(wire), step)]
        result = ask(vendor, vendor, Script(headers=SSE, steps=pieces))
        assert result.body == wire
        assert (result.row.lane, result.row.outcome) == ("passthrough", "ok")
        assert result.requests[0].body == msgspec.json.encode(ASKS[vendor])


@pytest.mark.parametrize("client, vendor", LANES, ids=NAMES)
def test_a_stream_that_breaks_off_never_ends_cleanly(client: Dialect, vendor: Dialect) -> None:
    cut = STREAMS[vendor][: 5 if vendor == "anthropic" else -1]
    if vendor == "openai_chat":
        cut = STREAMS[vendor][:3]
    result = ask(client, vendor, Script(headers=SSE, steps=[*cut, reset()]))
    assert result.row.outcome == "partial"
    assert b"error" in result.body
    for clean in (b"[DONE]", b"message_stop", b"response.completed", b'"finishReason":"STOP"'):
        assert clean not in result.body


@pytest.mark.parametrize("client, vendor", LANES, ids=NAMES)
def test_between_the_commits_only_signs_of_life_leave_and_another_may_answer(
    client: Dialect, vendor: Dialect
) -> None:
    steps = STREAMS[vendor]
    silent = Script(
        headers=SSE,
        steps=[steps[0] if vendor in ("anthropic", "openai_responses") else b": hi\n\n", 31.0, reset()],
    )
    accounts = [account("vendor", vendor), account("second", vendor, priority=2)]
    result = ask(
        client, vendor, silent, Script(headers=SSE, steps=[12.0, *steps]), accounts=accounts, timeouts=SLOW
    )
    assert result.row.outcome == "ok"
    assert len(result.asked) == 2
    early = [piece for at, piece in result.sent if at < 24.0]
    assert early
    assert all(not piece.strip() or piece.startswith(b":") for piece in early)
    assert result.body.count(b"Hello") >= 1 or b"Hel" in result.body


@pytest.mark.parametrize("client, vendor", LANES, ids=NAMES)
def test_behind_the_content_a_silence_is_filled_in_the_dialects_form(
    client: Dialect, vendor: Dialect
) -> None:
    steps = STREAMS[vendor]
    at = {"openai_chat": 2, "anthropic": 4, "openai_responses": 5, "gemini": 1}[vendor]
    quiet = ask(client, vendor, Script(headers=SSE, steps=[*steps[:at], 35.0, *steps[at:]]), timeouts=SLOW)
    even = ask(client, vendor, Script(headers=SSE, steps=steps), timeouts=SLOW)
    beats = [piece for moment, piece in quiet.sent if 0 < moment < 35]
    assert len(beats) == 3
    form = {"anthropic": b"event: ping", "gemini": b"\n"}.get(client, b":")
    assert all(piece.startswith(form) for piece in beats)
    rest = b"".join(piece for moment, piece in quiet.sent if not 0 < moment < 35)
    assert rest == even.body


def test_a_missing_terminal_is_supplied_where_the_finish_is_known() -> None:
    cut = ask("openai_chat", "openai_chat", Script(headers=SSE, steps=WHOLE_STREAM[:-1]))
    assert cut.body == b"".join(WHOLE_STREAM)
    claude = ask("anthropic", "anthropic", Script(headers=SSE, steps=ANTHROPIC_EVENTS[:-1]))
    assert claude.body.count(b"message_stop") == 2
    assert (cut.row.outcome, claude.row.outcome) == ("ok", "ok")


def test_a_responses_stream_without_its_last_event_fails_in_its_own_form() -> None:
    result = ask("openai_responses", "openai_responses", Script(headers=SSE, steps=RESPONSES_STREAM[:-1]))
    kept = b"".join(RESPONSES_STREAM[:-1])
    assert result.body.startswith(kept)
    (last,) = [line for line in result.body[len(kept) :].splitlines() if line.startswith(b"data: ")]
    told = msgspec.json.decode(last[6:])
    assert (told["type"], told["response"]["id"]) == ("response.failed", "resp_1")
    assert told["response"]["output"][0]["content"][0]["text"] == "Hello"


@pytest.mark.parametrize("model, patient", [("gemini-2.5-pro", True), ("gemini-2.0-flash", False)])
def test_a_model_that_reasons_unasked_may_think_long(model: str, patient: bool) -> None:
    script = Script(headers=SSE, steps=[100.0, *GOOGLE_STREAM])
    result = play(
        "gemini",
        msgspec.json.encode(ASKS["gemini"]),
        accounts=[account("vendor", "gemini")],
        scripts=[script, script],
        address={"model": model, "stream": True},
    )
    assert (result.row.outcome == "ok") is patient


@pytest.mark.parametrize("client", ASKS)
def test_a_defect_of_ours_in_the_middle_ends_the_stream_in_its_own_form(client: Dialect) -> None:
    for framing in ("sse", "array") if client == "gemini" else ("sse",):
        result = ask(
            client,
            "openai_chat",
            Script(headers=SSE, steps=WHOLE_STREAM),
            hooks=Hooks(stages=(Broken(),)),
            framing=framing,
        )
        assert (result.row.outcome, result.row.status) == ("partial", 200)
        assert b"Hel" in result.body
        told = _told(result.body, framing)
        assert "the gateway failed" in str(told[-1])
        assert len([event for event in told if event.get("type") == "response.created"]) <= 1
        numbers = [event["sequence_number"] for event in told if "sequence_number" in event]
        assert numbers == list(range(len(numbers)))


def _told(body: bytes, framing: str) -> list[Any]:
    """Return the JSON payloads of a stream."""
    if framing == "array":
        return msgspec.json.decode(body)
    frames = SseParser().feed(body)
    return [msgspec.json.decode(frame.data) for frame in frames if frame.data and frame.data != b"[DONE]"]


NAMELESS = [{"type": "tool_use", "id": f"t{name}", "name": name, "input": {}} for name in ("draw", "")]


@pytest.mark.parametrize("client", ["anthropic", "openai_chat"])
def test_a_call_without_a_name_is_no_tool_of_the_log(client: Dialect) -> None:
    whole = {
        "type": "message",
        "id": "i",
        "role": "assistant",
        "model": "m",
        "content": NAMELESS,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "stop_reason": "tool_use",
    }
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    result = play(
        client,
        msgspec.json.encode(body),
        accounts=[account("vendor", "anthropic")],
        scripts=[Script(steps=[msgspec.json.encode(whole)])],
    )
    assert (result.status, result.row.tools) == (200, "draw")
