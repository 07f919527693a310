"""The translate lane: other dialect, stages, expand and collapse, sealed reasoning, receipts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.events import Event, PartDelta
from flowrouter.canonical.head import Head
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Text
from flowrouter.canonical.request import Request
from flowrouter.dialects import codec
from flowrouter.httpkit.caller import Caller
from flowrouter.plugins import Hooks
from tests.playbooks.stage import SSE, Performance, Script, account, play, reset
from tests.playbooks.test_passthrough import (
    ANSWER,
    ANTHROPIC_ASK,
    ANTHROPIC_EVENTS,
    ASK,
    ASK_STREAM,
    CHAT,
    CLAUDE,
    DONE,
    FINISH,
    HEL,
    LO,
    ROLE,
    SECOND,
    USAGE,
    WHOLE_STREAM,
)

CLAUDE_ANSWER = msgspec.json.encode(
    {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }
)  # fmt: skip
ANTHROPIC_WHOLE = b'{"model":"claude","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}'
CHAT_BACKUP = account("chat-backup", "openai_chat", priority=9)


def answer(result: Performance) -> Any:
    return msgspec.json.decode(result.body)


def test_chat_client_gets_an_answer_from_an_anthropic_upstream() -> None:
    result = play("openai_chat", ASK, accounts=[CLAUDE], scripts=[Script(steps=[CLAUDE_ANSWER])])
    told = answer(result)
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"]["content"] == "Hello"
    assert told["choices"][0]["finish_reason"] == "stop"
    assert told["usage"]["prompt_tokens"] == 9
    assert told["model"] == "m", "a plain name is echoed as asked"
    sent = msgspec.json.decode(result.requests[0].body)
    assert sent["max_tokens"] > 0
    assert result.requests[0].url.endswith("/v1/messages")
    assert result.row.lane == "translate"
    assert "zeta" in result.headers["x-flowrouter-losses"]


def test_anthropic_client_gets_an_answer_from_a_chat_upstream() -> None:
    result = play("anthropic", ANTHROPIC_WHOLE, accounts=[CHAT], scripts=[Script(steps=[ANSWER])])
    told = answer(result)
    assert told["type"] == "message"
    assert [(block["type"], block["text"]) for block in told["content"]] == [("text", "Hello")]
    assert told["stop_reason"] == "end_turn"
    assert (told["usage"]["input_tokens"], told["usage"]["output_tokens"]) == (9, 3)


def choice(index: int, message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", **message}, "finish_reason": finish}


CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (
            [choice(0, {"content": "Hello"}), choice(0, {"tool_calls": [CALL]}, "tool_calls")],
            ["text", "tool_use"],
        ),
        ([choice(1, {"tool_calls": [CALL]}, "tool_calls"), choice(0, {"content": "Hello"})], ["text"]),
    ],
    ids=["one-number-twice", "turned-round"],
)
def test_choices_of_an_odd_host_are_told_by_their_numbers(
    choices: list[dict[str, Any]], told: list[str]
) -> None:
    """Some hosts put text and calls of one answer into two choices of the same number."""
    whole = msgspec.json.encode({**msgspec.json.decode(ANSWER), "choices": choices})
    result = play("anthropic", ANTHROPIC_WHOLE, accounts=[CHAT], scripts=[Script(steps=[whole])])
    assert [block["type"] for block in answer(result)["content"]] == told


def test_streams_cross_over_both_ways() -> None:
    to_chat = play(
        "openai_chat", ASK_STREAM, accounts=[CLAUDE], scripts=[Script(headers=SSE, steps=ANTHROPIC_EVENTS)]
    )
    assert b'"content":"Hello"' in to_chat.body
    assert to_chat.body.endswith(DONE)
    to_claude = play(
        "anthropic", ANTHROPIC_ASK, accounts=[CHAT], scripts=[Script(headers=SSE, steps=WHOLE_STREAM)]
    )
    assert to_claude.body.startswith(b"event: message_start")
    assert to_claude.body.count(b"event: content_block_start") == 1
    assert to_claude.body.rstrip().endswith(b'data: {"type":"message_stop"}')
    assert (to_claude.row.input_tokens, to_claude.row.output_tokens) == (9, 3)


def test_a_cut_stream_ends_in_the_clients_error_form() -> None:
    result = play(
        "anthropic", ANTHROPIC_ASK, accounts=[CHAT], scripts=[Script(headers=SSE, steps=[ROLE, HEL, reset()])]
    )
    assert b"event: error" in result.body
    assert b"message_stop" not in result.body
    other = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=ANTHROPIC_EVENTS[:4])],
    )
    assert b'"error"' in other.body
    assert b"[DONE]" not in other.body


def test_fallback_may_change_the_dialect_and_then_names_who_answered() -> None:
    busy = Script(status=503, steps=[b'{"error":{"message":"busy"}}'])
    result = play(
        "anthropic", ANTHROPIC_WHOLE, accounts=[CLAUDE, CHAT_BACKUP], scripts=[busy, Script(steps=[ANSWER])]
    )
    told = answer(result)
    assert told["type"] == "message"
    assert told["model"] == "m-2026"
    assert [note["dialect"] for note in result.receipt["attempts"]] == ["anthropic", "openai_chat"]


def test_json_for_a_stream_is_expanded() -> None:
    for dialect, body, upstream, reply in (
        ("openai_chat", ASK_STREAM, CHAT, ANSWER),
        ("anthropic", ANTHROPIC_ASK, CLAUDE, CLAUDE_ANSWER),
        ("anthropic", ANTHROPIC_ASK, CHAT, ANSWER),
    ):
        result = play(dialect, body, accounts=[upstream], scripts=[Script(steps=[reply])])  # type: ignore[arg-type]
        assert result.headers["content-type"].startswith("text/event-stream")
        assert b"Hello" in result.body
        assert result.row.outcome == "ok"


def test_a_stream_for_json_is_collapsed() -> None:
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(headers=SSE, steps=WHOLE_STREAM)])
    told = answer(result)
    assert told["choices"][0]["message"]["content"] == "Hello"
    assert told["usage"]["total_tokens"] == 12


def test_a_cut_stream_for_json_fails_over() -> None:
    cut = Script(headers=SSE, steps=[ROLE, HEL])
    result = play("openai_chat", ASK, accounts=[CHAT, SECOND], scripts=[cut, cut, Script(steps=[ANSWER])])
    assert result.status == 200
    assert result.body == ANSWER


def test_reply_model_asked_edits_each_frame() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[account("real", "openai_chat", models=("real-name",))],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, USAGE, DONE])],
        aliases={"m": "real-name"},
        reply_model="asked",
    )
    assert result.row.lane == "translate"
    models = {frame["model"] for frame in frames(result.body)}
    assert models == {"m"}


class Shout:
    """A stage that edits both ways."""

    name = "shout"

    def applies(self, head: Head, caller: Caller) -> bool:
        return head.model == "m" and caller.owner_id == "local"

    def edit_request(self, request: Request) -> Request:
        extra = Message(role="user", parts=(Text(text="louder"),))
        return msgspec.structs.replace(request, messages=(*request.messages, extra))

    def edit_reply(self) -> Callable[[Event], list[Event]]:
        def edit(event: Event) -> list[Event]:
            return [PartDelta(event.index, event.text.upper())] if isinstance(event, PartDelta) else [event]

        return edit


def test_a_stage_takes_the_exchange_to_the_translate_lane_and_keeps_unknown_fields() -> None:
    result = play(
        "openai_chat", ASK, accounts=[CHAT], scripts=[Script(steps=[ANSWER])], hooks=Hooks(stages=(Shout(),))
    )
    sent = msgspec.json.decode(result.requests[0].body)
    assert sent["zeta"] == {"unknown": [1, 2.5]}
    assert sent["messages"][-1]["content"] in ("louder", [{"type": "text", "text": "louder"}])
    told = answer(result)
    assert told["choices"][0]["message"]["content"] == "HELLO"
    assert told["new_field"] == [1]


def test_plan_verdict_and_settlement_hooks_take_part() -> None:
    seen: list[Any] = []
    hooks = Hooks(
        plan_edits=(lambda plan, head, caller: msgspec.structs.replace(plan, targets=plan.targets[::-1]),),
        verdict_edits=(lambda verdict, problem, target: msgspec.structs.replace(verdict, failover=True),),
        listeners=(seen.append,),
    )
    refusal = Script(status=400, steps=[b'{"error":{"message":"no"}}'])
    result = play(
        "openai_chat", ASK, accounts=[CHAT, SECOND], scripts=[refusal, Script(steps=[ANSWER])], hooks=hooks
    )
    assert [request.url.split("/")[2] for request in result.requests] == ["second.test", "chat.test"]
    assert result.status == 200
    assert len(seen) == 1
    assert seen[0].row.id == "req_playbook"


THINKING = [
    ANTHROPIC_EVENTS[0],
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hmm"}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"vendor-signature"}}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":1}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":3}}\n\n',
    ANTHROPIC_EVENTS[-1],
]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def test_foreign_reasoning_state_travels_sealed_and_returns_to_its_target_only() -> None:
    ask = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": TOOLS,
        "reasoning_effort": "low",
    }
    first = play(
        "openai_chat",
        msgspec.json.encode(ask),
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=THINKING)],
    )
    message = answer(first)["choices"][0]["message"]
    assert message["reasoning_content"] == "Hmm"
    assert b"vendor-signature" not in first.body, "the signature itself never leaves in the clear"
    (sealed,) = message["reasoning_signatures"]
    assert sealed.startswith("flr1.")

    turn = [*ask["messages"], message, {"role": "tool", "tool_call_id": "toolu_1", "content": "ok"}]  # type: ignore[misc]
    body = msgspec.json.encode({**ask, "messages": turn})
    second = play("openai_chat", body, accounts=[CLAUDE], scripts=[Script(steps=[CLAUDE_ANSWER])])
    blocks = msgspec.json.decode(second.requests[0].body)["messages"][1]["content"]
    assert blocks[0] == {"type": "thinking", "thinking": "Hmm", "signature": "vendor-signature"}

    elsewhere = play(
        "openai_chat", body, accounts=[account("other", "anthropic")], scripts=[Script(steps=[CLAUDE_ANSWER])]
    )
    assert b"vendor-signature" not in elsewhere.requests[0].body
    assert b"flr1." not in elsewhere.requests[0].body
    same_dialect = play("openai_chat", body, accounts=[CHAT], scripts=[Script(steps=[ANSWER])])
    assert b"flr1." not in same_dialect.requests[0].body, "an envelope is never sent to a vendor"
    assert same_dialect.row.lane == "translate"


def frames(body: bytes) -> list[Any]:
    lines = [line for line in body.split(b"\n") if line.startswith(b"data: {")]
    return [msgspec.json.decode(line[6:]) for line in lines]


def test_the_receipt_tells_losses_attempts_and_usage() -> None:
    result = play("openai_chat", ASK, accounts=[CLAUDE], scripts=[Script(steps=[CLAUDE_ANSWER])])
    receipt = result.receipt
    assert receipt["complete"] is True
    assert receipt["lane"] == "translate"
    assert receipt["usage"]["input"] == 9
    assert [loss["path"] for loss in receipt["request_losses"]].count("zeta") == 1
    assert codec("openai_chat").name == "openai_chat"


def test_inline_thinking_of_local_models_becomes_reasoning_whole_and_streamed() -> None:
    upstream = msgspec.structs.replace(
        account("ollama", "openai_chat"), preset="ollama", dialects=("openai_chat",)
    )
    whole = ANSWER.replace(b'"content":"Hello"', b'"content":"<think>hm</think>\\n\\nHello"')
    result = play("anthropic", ANTHROPIC_WHOLE, accounts=[upstream], scripts=[Script(steps=[whole])])
    blocks = answer(result)["content"]
    assert [(block["type"], block.get("thinking") or block.get("text")) for block in blocks] == [
        ("thinking", "hm"),
        ("text", "Hello"),
    ]


def test_a_member_that_comes_late_in_a_stream_is_kept_when_it_is_collapsed() -> None:
    late = LO.replace(b'"choices"', b'"citations":["https://a.example"],"choices"')
    steps = [ROLE, HEL, late, FINISH, DONE]
    result = play("openai_chat", ASK, accounts=[CHAT], scripts=[Script(headers=SSE, steps=steps)])
    assert answer(result)["citations"] == ["https://a.example"]
