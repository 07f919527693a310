"""Requests of megabytes that have to be translated: whole at the provider, and few at a time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.conftest import Stand

PARAGRAPH = "The quick brown fox jumps over the lazy dog, twice. " * 40


def conversation(turns: int) -> list[dict[str, object]]:
    """About 4 KB a turn: what was asked, a call, its result."""
    told: list[dict[str, object]] = []
    for number in range(turns):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "read", "input": {"line": number}}
        told += [
            {"role": "user", "content": [{"type": "text", "text": f"{number}: {PARAGRAPH}"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "I look."}, call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": PARAGRAPH}]},
        ]  # fmt: skip
    return told


def ask(stand: Stand, model: str, messages: list[dict[str, object]]) -> tuple[int, dict[str, object]]:
    body = json.dumps({"model": model, "max_tokens": 9, "messages": messages}).encode()
    status, answer = stand.gateway.call("POST", "/v1/messages", body=body)
    return status, json.loads(answer)


def test_a_large_conversation_arrives_whole(stand: Stand) -> None:
    turns = 400
    before = len(stand.chat.calls)
    assert ask(stand, "chat/plain-model", conversation(turns))[0] == 200
    sent = stand.chat.calls[before].json["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"] * turns
    assert sent[-3]["content"] == f"{turns - 1}: {PARAGRAPH}"
    assert json.loads(sent[-2]["tool_calls"][0]["function"]["arguments"]) == {"line": turns - 1}
    assert sent[-1]["content"] == PARAGRAPH
    stand.gateway.assert_no_complaints()


def test_too_many_at_once_are_told_to_come_again(stand: Stand) -> None:
    large = conversation(1500)
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda _: ask(stand, "chat/plain-model", large), range(8)))
    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 3
    refused = [answer for status, answer in answers if status == 503]
    assert all("large requests" in str(answer) for answer in refused)
    assert ask(stand, "chat/plain-model", large)[0] == 200
    stand.gateway.assert_no_complaints()
