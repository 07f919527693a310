"""Reasoning state through every client over every vendor that signs: echoed in envelopes, or dropped.

Each client is asked once, its history is written as that client writes it, and the vendor must get its own
state back: by the envelopes the client echoes, or, where it keeps only what it knows, from memory.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fold import fold
from flowrouter.canonical.parts import Provenance
from flowrouter.clock import SystemClock
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.storage import MemoryStateStore
from flowrouter.wire.sse import SseParser
from tests.playbooks.stage import Performance, Script, account, play

SIGNATURE = base64.b64encode(b"signed by the vendor, to come back as it is").decode()
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}

_CALLS = [("call_a", "look", {"n": 1}), ("call_b", "touch", {"n": 2})]

REPLIES: dict[Dialect, Any] = {
    "anthropic": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hmm", "signature": SIGNATURE},
            {"type": "text", "text": "I look. "},
            *({"type": "tool_use", "id": i, "name": name, "input": args} for i, name, args in _CALLS),
        ],
        "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 3},
    },
    "openai_responses": {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": SIGNATURE,
             "summary": [{"type": "summary_text", "text": "Hmm"}]},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "I look. ", "annotations": []}]},
            *({"type": "function_call", "id": f"fc_{i}", "call_id": i, "name": name, "status": "completed",
               "arguments": msgspec.json.encode(args).decode()} for i, name, args in _CALLS),
        ],
        "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
    },
    "gemini": {
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "Hmm", "thought": True}, {"text": "I look. "},
            *({"functionCall": {"name": name, "args": args},
               **({"thoughtSignature": SIGNATURE} if name == "look" else {})} for _, name, args in _CALLS),
        ]}}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
        "modelVersion": "m", "responseId": "r_1",
    },
}  # fmt: skip


def _chat(turns: list[Any]) -> Any:
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for _, name, _ in _CALLS]
    asked = [{"role": "user", "content": "go on"}]
    return {"model": "m", "messages": [*asked, *turns], "tools": tools, "reasoning_effort": "low"}


def _claude(turns: list[Any]) -> Any:
    tools = [{"name": name, "input_schema": SCHEMA} for _, name, _ in _CALLS]
    messages = [{"role": "user", "content": "go on"}, *turns]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    return {"model": "m", "max_tokens": 4096, "messages": messages, "tools": tools, "thinking": thinking}


def _items(turns: list[Any]) -> Any:
    tools = [{"type": "function", "name": name, "parameters": SCHEMA} for _, name, _ in _CALLS]
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]}
    body = {"model": "m", "input": [asked, *turns], "tools": tools, "store": False}
    return {**body, "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"}}


def _google(turns: list[Any]) -> Any:
    declared = [{"name": name, "parametersJsonSchema": SCHEMA} for _, name, _ in _CALLS]
    contents = [{"role": "user", "parts": [{"text": "go on"}]}, *turns]
    config = {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024}}
    return {
        "contents": contents,
        "tools": [{"functionDeclarations": declared}],
        "generationConfig": config,
    }


ASKS: dict[Dialect, Callable[[list[Any]], Any]] = {
    "openai_chat": _chat,
    "anthropic": _claude,
    "openai_responses": _items,
    "gemini": _google,
}


def _chat_turns(reply: Any, kept: bool) -> list[Any]:
    said = reply["choices"][0]["message"]
    if not kept:
        said = {name: said[name] for name in ("role", "content", "tool_calls")}
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in said["tool_calls"]]
    return [said, *results]


def _claude_turns(reply: Any, kept: bool) -> list[Any]:
    blocks = [block for block in reply["content"] if kept or "thinking" not in block["type"]]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "ok"}
        for block in blocks
        if block["type"] == "tool_use"
    ]
    return [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]


def _items_turns(reply: Any, kept: bool) -> list[Any]:
    items = [item for item in reply["output"] if kept or item["type"] != "reasoning"]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "ok"}
        for item in items
        if item["type"] == "function_call"
    ]
    return [*items, *results]


def _google_turns(reply: Any, kept: bool) -> list[Any]:
    parts = reply["candidates"][0]["content"]["parts"]
    if not kept:
        parts = [_without(part, "thoughtSignature") for part in parts if not part.get("thought")]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [
        {"functionResponse": {"id": call["id"], "name": call["name"], "response": {"result": "ok"}}}
        for call in calls
    ]
    return [{"role": "model", "parts": parts}, {"role": "user", "parts": results}]


def _google_turns_without_ids(reply: Any, kept: bool) -> list[Any]:
    said, told = _google_turns(reply, kept)
    parts = [
        {**part, "functionCall": _without(part["functionCall"], "id")} if "functionCall" in part else part
        for part in said["parts"]
        if part.get("text") != ""
    ]
    results = [{"functionResponse": _without(part["functionResponse"], "id")} for part in told["parts"]]
    return [{"role": "model", "parts": parts}, {"role": "user", "parts": results}]


def _without(value: Any, name: str) -> Any:
    return {key: held for key, held in value.items() if key != name}


def _strings(reply: Any, kept: bool) -> list[Any]:
    """Tell the assistant's words as a plain string, as clients do that write their own history."""
    turns = _items_turns(reply, kept)
    return [
        {"role": "assistant", "content": item["content"][0]["text"]} if item["type"] == "message" else item
        for item in turns
    ]


ECHOES: dict[str, tuple[Dialect, Callable[[Any, bool], list[Any]]]] = {
    "chat": ("openai_chat", _chat_turns),
    "claude": ("anthropic", _claude_turns),
    "responses": ("openai_responses", _items_turns),
    "responses-strings": ("openai_responses", _strings),
    "gemini": ("gemini", _google_turns),
    "gemini-without-ids": ("gemini", _google_turns_without_ids),
}
PAIRS = [(echo, vendor) for echo, (client, _) in ECHOES.items() for vendor in REPLIES if client != vendor]
NAMES = [f"{echo}-{vendor}" for echo, vendor in PAIRS]


def turn(
    client: Dialect,
    turns: list[Any],
    vendor: Dialect,
    state: MemoryStateStore,
    *,
    stream: bool = False,
    answer: bytes | None = None,
    **more: Any,
) -> Performance:
    google = client == "gemini"
    address = {"model": "m", "stream": stream} if google else None
    asked = ASKS[client](turns) | ({} if google else {"stream": stream})
    return play(
        client,
        msgspec.json.encode(asked),
        accounts=[more.pop("account", None) or account("vendor", vendor)],
        scripts=[Script(steps=[answer or msgspec.json.encode(REPLIES[vendor])])],
        state=state,
        address=address,
        **more,
    )


@pytest.mark.parametrize("kept", [True, False], ids=["echoed", "dropped"])
@pytest.mark.parametrize("echo, vendor", PAIRS, ids=NAMES)
def test_a_vendor_gets_its_state_back(echo: str, vendor: Dialect, kept: bool) -> None:
    client, write = ECHOES[echo]
    state = MemoryStateStore(SystemClock())
    first = turn(client, [], vendor, state)
    assert first.status == 200, first.body
    assert SIGNATURE.encode() not in first.body
    said = write(msgspec.json.decode(first.body), kept)
    # What is echoed must not need memory; what is dropped has nothing else.
    second = turn(client, said, vendor, MemoryStateStore(SystemClock()) if kept else state)
    assert second.status == 200, second.body
    assert second.requests[0].body.count(SIGNATURE.encode()) == 1
    assert b"flr1." not in second.requests[0].body
    assert b"ZmxyMS" not in second.requests[0].body
    # The loop goes on: what was remembered is still found two answers later.
    third = turn(client, [*said, *write(msgspec.json.decode(second.body), kept)], vendor, state)
    assert third.requests[0].body.count(SIGNATURE.encode()) == 2


@pytest.mark.parametrize("echo, vendor", PAIRS, ids=NAMES)
def test_another_conversation_gets_none_of_it(echo: str, vendor: Dialect) -> None:
    client, write = ECHOES[echo]
    state = MemoryStateStore(SystemClock())
    said = write(msgspec.json.decode(turn(client, [], vendor, state).body), False)
    altered = msgspec.json.decode(msgspec.json.encode(said).replace(b"I look.", b"I leap."))
    assert SIGNATURE.encode() not in turn(client, altered, vendor, state).requests[0].body


def folded(client: Dialect, stream: bytes) -> Any:
    """Return the whole answer that a client puts together from a stream."""
    spoken, parser = codec(client), SseParser()
    decoder = spoken.decoder(DecodeOptions(provenance=Provenance(dialect=client, family="m", account_id="a")))
    frames = [*parser.feed(stream), *parser.close()]
    events = [event for frame in frames for event in decoder.feed(frame)]
    reply = fold([*events, *decoder.close()])
    return msgspec.json.decode(spoken.render_response(reply, EncodeOptions()).body)


@pytest.mark.parametrize("kept", [True, False], ids=["echoed", "dropped"])
@pytest.mark.parametrize("echo, vendor", PAIRS, ids=NAMES)
def test_a_vendor_gets_its_state_back_from_a_client_that_streams(
    echo: str, vendor: Dialect, kept: bool
) -> None:
    client, write = ECHOES[echo]
    state = MemoryStateStore(SystemClock())
    first = turn(client, [], vendor, state, stream=True)
    assert SIGNATURE.encode() not in first.body
    said = write(folded(client, first.body), kept)
    second = turn(client, said, vendor, MemoryStateStore(SystemClock()) if kept else state)
    assert second.status == 200, second.body
    assert second.requests[0].body.count(SIGNATURE.encode()) == 1


UNSIGNED = msgspec.json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "I look. ",
                    "tool_calls": [
                        {
                            "id": f"call_{name}",
                            "type": "function",
                            "function": {"name": name, "arguments": "{}"},
                        }
                        for _, name, _ in _CALLS
                    ],
                },
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    }
)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("echo", ["claude", "gemini", "gemini-without-ids"])
def test_a_step_of_a_vendor_that_signs_nothing_is_no_400_at_one_that_does(echo: str, stream: bool) -> None:
    """A client's own vendor would miss its state in that step, so the next body must not pass as it is."""
    client, write = ECHOES[echo]
    state = MemoryStateStore(SystemClock())
    first = turn(client, [], "openai_chat", state, stream=stream, answer=UNSIGNED)
    told = folded(client, first.body) if stream else msgspec.json.decode(first.body)
    calls = first.body.count(b'"look"'), first.body.count(b'"touch"')
    assert calls == (1, 1)
    second = turn(client, write(told, True), client, state)
    assert second.status == 200, second.body
    sent = second.requests[0].body
    assert (second.row.lane, b"flr1." in sent, b"ZmxyMS" in sent) == ("translate", False, False)
    if client == "gemini":
        assert sent.count(b"skip_thought_signature_validator") == 1
    else:
        assert "thinking" not in msgspec.json.decode(sent)
    back = turn(client, write(told, True), "openai_chat", state, answer=UNSIGNED)
    messages = msgspec.json.decode(back.requests[0].body)["messages"]
    assert [call["id"] for call in messages[1]["tool_calls"]] == [
        message["tool_call_id"] for message in messages[2:]
    ]
    assert "reasoning" not in str(messages)
