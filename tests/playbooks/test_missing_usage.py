"""Numbers a dialect requires and a provider did not give: estimated, marked, and no more than those."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.wire.json import dumps, loads
from tests.playbooks.stage import SSE, Performance, Script, account, play

HOST = account("host", "openai_chat")
SAID = {
    "index": 0,
    "finish_reason": "stop",
    "message": {"role": "assistant", "content": "four words of text"},
}


def ask(usage: dict[str, Any] | None, *, dialect: Dialect = "openai_responses") -> Performance:
    body: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "created": 9,
        "model": "m",
        "choices": [SAID],
    }
    if usage is not None:
        body["usage"] = usage
    asked = {"model": "m", "input": "what is there to say"}
    if dialect == "anthropic":
        asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "what is it"}]}
    return play(dialect, dumps(asked), accounts=[HOST], scripts=[Script(steps=[dumps(body)])])


def test_a_responses_client_always_gets_counts() -> None:
    performance = ask(None)
    usage = loads(performance.body)["usage"]
    assert usage["input_tokens"] > 0
    assert usage["output_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert performance.row.usage_estimated


def test_so_does_its_stream() -> None:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 9, "model": "m"}
    told = [{"index": 0, "delta": {"content": "four words of text"}, "finish_reason": "stop"}]
    steps = [b"data: %b\n\n" % dumps({**chunk, "choices": told}), b"data: [DONE]\n\n"]
    performance = play(
        "openai_responses",
        dumps({"model": "m", "input": "hi", "stream": True}),
        accounts=[HOST],
        scripts=[Script(headers=dict(SSE), steps=steps)],
    )
    last = loads(performance.body.strip().rpartition(b"data: ")[2])
    assert last["type"] == "response.completed"
    assert last["response"]["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("dialect", ["openai_responses", "anthropic"])
def test_only_what_was_not_counted_is_estimated(dialect: Dialect) -> None:
    performance = ask({"completion_tokens": 77}, dialect=dialect)
    usage = loads(performance.body)["usage"]
    assert usage["output_tokens"] == 77
    assert usage["input_tokens"] > 0
    assert performance.row.usage_estimated
    performance = ask({"prompt_tokens": 88}, dialect=dialect)
    usage = loads(performance.body)["usage"]
    assert usage["input_tokens"] == 88
    assert usage["output_tokens"] > 0


def test_what_was_counted_in_full_is_left_alone() -> None:
    performance = ask({"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5})
    usage = loads(performance.body)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (5, 0)
    assert not performance.row.usage_estimated


def test_a_messages_stream_begins_with_an_estimate_that_a_count_replaces() -> None:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 9, "model": "m"}
    text = {**chunk, "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    counted = {
        **chunk,
        "choices": [],
        "usage": {"prompt_tokens": 70, "completion_tokens": 3, "total_tokens": 73},
    }
    frames = [b"data: " + dumps(one) + b"\n\n" for one in (text, counted)]
    asked = {
        "model": "m",
        "max_tokens": 9,
        "stream": True,
        "messages": [{"role": "user", "content": "what is it"}],
    }
    script = Script(headers=SSE, steps=[*frames, b"data: [DONE]\n\n"])
    performance = play("anthropic", dumps(asked), accounts=[HOST], scripts=[script])
    sent = [loads(line[6:]) for line in performance.body.splitlines() if line.startswith(b"data: ")]
    first, last = (
        sent[0]["message"]["usage"],
        next(event["usage"] for event in sent if event["type"] == "message_delta"),
    )
    assert 0 < first["input_tokens"] < 20
    assert (last["input_tokens"], last["output_tokens"]) == (70, 3)
    assert performance.row.usage_estimated is False
