"""Reasoning for clients that drop what they do not know: remembered by owner, conversation and call."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.clock import SystemClock
from flowrouter.storage import MemoryStateStore
from tests.playbooks.stage import SSE, Performance, Script, account, play
from tests.playbooks.test_passthrough import CLAUDE
from tests.playbooks.test_translate import CLAUDE_ANSWER, THINKING, TOOLS

ASK: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "tools": TOOLS,
    "reasoning_effort": "low",
}
SIGNED = {"type": "thinking", "thinking": "Hmm", "signature": "vendor-signature"}


def bare_turn(first: Performance, *, said: str | None = None, call_id: str = "toolu_1") -> bytes:
    """Return the follow-up of a client that keeps only what Chat Completions names."""
    asked = [{"role": "user", "content": said or "hi"}]
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turn = [
        *asked,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": "ok"},
    ]
    assert first.status == 200
    return msgspec.json.encode({**ASK, "messages": turn})


def first_turn(state: MemoryStateStore, *, stream: bool = False) -> Performance:
    body = msgspec.json.encode({**ASK, "stream": stream})
    return play(
        "openai_chat", body, accounts=[CLAUDE], scripts=[Script(headers=SSE, steps=THINKING)], state=state
    )


def blocks_sent(body: bytes, state: MemoryStateStore, **options: Any) -> list[Any]:
    accounts = options.pop("accounts", [CLAUDE])
    result = play(
        "openai_chat", body, accounts=accounts, scripts=[Script(steps=[CLAUDE_ANSWER])], state=state
    )
    return msgspec.json.decode(result.requests[0].body)["messages"][1]["content"]


def test_a_client_that_drops_the_envelope_still_gets_its_reasoning_back() -> None:
    for stream in (False, True):
        state = MemoryStateStore(SystemClock())
        first = first_turn(state, stream=stream)
        assert blocks_sent(bare_turn(first), state)[0] == SIGNED


def test_another_conversation_or_call_finds_nothing() -> None:
    state = MemoryStateStore(SystemClock())
    first = first_turn(state)
    for body in (bare_turn(first, said="hello"), bare_turn(first, call_id="toolu_2")):
        assert blocks_sent(body, state)[0]["type"] == "tool_use"


def test_another_account_gets_none_of_it() -> None:
    state = MemoryStateStore(SystemClock())
    first = first_turn(state)
    sent = blocks_sent(bare_turn(first), state, accounts=[account("other", "anthropic")])
    assert "vendor-signature" not in str(sent)
