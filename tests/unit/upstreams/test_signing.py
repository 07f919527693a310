"""Reasoning comes back as it was issued, to the account and family that issued it, or is refused."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.upstreams.plain import ANTHROPIC_TOOL, messages
from tests.upstreams import ScriptedUpstream

THINK: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [ANTHROPIC_TOOL]}
ASK = {"role": "user", "content": "use the tool in three steps"}


def answered(content: list[dict[str, Any]]) -> dict[str, Any]:
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "18"}
        for block in content
        if block["type"] == "tool_use"
    ]
    return {"role": "user", "content": results}


def first_step(up: ScriptedUpstream, model: str = "claude-haiku-4-5", **fields: Any) -> list[dict[str, Any]]:
    content = messages(up, model=model, messages=[ASK], **{**THINK, **fields}).json["content"]
    assert content[0]["type"] == "thinking"
    assert content[-1]["type"] == "tool_use"
    return content


def replay(up: ScriptedUpstream, content: list[dict[str, Any]], **fields: Any) -> Any:
    history = [ASK, {"role": "assistant", "content": content}, answered(content)]
    return messages(up, **{"model": "claude-haiku-4-5", "messages": history, **THINK, **fields})


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-haiku-4-5+redacted"])
def test_three_steps_with_everything_replayed(up: ScriptedUpstream, model: str) -> None:
    history: list[dict[str, Any]] = [ASK]
    for _ in range(3):
        content = messages(up, model=model, messages=history, **THINK).json["content"]
        history += [{"role": "assistant", "content": content}, answered(content)]
    last = messages(up, model=model, messages=history, **THINK).json
    assert last["stop_reason"] == "end_turn"
    assert last["content"][-1]["text"] == "get_weather said: 18"
    up.assert_all_valid()


def test_a_later_version_of_the_family_takes_the_seal(up: ScriptedUpstream) -> None:
    assert replay(up, first_step(up), model="claude-haiku-4-5-20251001").status == 200


def altered(content: list[dict[str, Any]]) -> None:
    content[0]["thinking"] += "!"


def resigned(content: list[dict[str, Any]]) -> None:
    content[0]["signature"] = "Eq" + content[0]["signature"][2:][::-1]


def swapped(content: list[dict[str, Any]]) -> None:
    content[0], content[1] = content[1], content[0]


def opaque_altered(content: list[dict[str, Any]]) -> None:
    content[1]["data"] = "A" + content[1]["data"][1:]


def beginning_dropped(content: list[dict[str, Any]]) -> None:
    del content[0]


TAMPERINGS: list[tuple[str, Callable[[list[dict[str, Any]]], None], str]] = [
    ("claude-haiku-4-5", altered, "messages.1.content.0: Invalid `signature` in `thinking` block"),
    ("claude-haiku-4-5", resigned, "messages.1.content.0: Invalid `signature` in `thinking` block"),
    (
        "claude-haiku-4-5",
        beginning_dropped,
        "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
    ),
    ("claude-haiku-4-5+redacted", swapped, "messages.1.content.0: Invalid `data`"),
    ("claude-haiku-4-5+redacted", opaque_altered, "messages.1.content.1: Invalid `data`"),
    ("claude-haiku-4-5+redacted", beginning_dropped, "messages.1.content.0: Invalid `data`"),
]


@pytest.mark.parametrize(("model", "tamper", "words"), TAMPERINGS)
def test_tampering_is_found_out(
    up: ScriptedUpstream, model: str, tamper: Callable[[list[dict[str, Any]]], None], words: str
) -> None:
    content = copy.deepcopy(first_step(up, model))
    tamper(content)
    response = replay(up, content)
    assert response.status == 400
    assert words in response.message


def test_another_family_or_account_is_refused(up: ScriptedUpstream) -> None:
    content = first_step(up)
    for fields in ({"model": "claude-opus-4-5"}, {"key": "key-2"}):
        response = replay(up, content, **fields)
        assert response.status == 400
        assert "Invalid `signature`" in response.message


def test_adaptive_thinking_may_come_back_without_its_blocks(up: ScriptedUpstream) -> None:
    content = first_step(up, "claude-opus-5", thinking={"type": "adaptive"})
    bare = [block for block in content if block["type"] == "tool_use"]
    assert replay(up, bare, model="claude-opus-5", thinking={"type": "adaptive"}).status == 200


def test_omitted_thinking_is_still_sealed(up: ScriptedUpstream) -> None:
    shown = {"thinking": {"type": "adaptive", "display": "omitted"}}
    content = first_step(up, "claude-opus-5", **shown)
    assert content[0]["thinking"] == ""
    assert replay(up, content, model="claude-opus-5", **shown).status == 200
    content[0]["signature"] = "B" + content[0]["signature"][1:]
    assert replay(up, content, model="claude-opus-5", **shown).status == 400


def test_finished_turns_may_lose_their_thinking(up: ScriptedUpstream) -> None:
    content = [block for block in first_step(up) if block["type"] == "tool_use"]
    history = [ASK, {"role": "assistant", "content": content}, answered(content)]
    history += [{"role": "assistant", "content": "18"}, {"role": "user", "content": "thanks"}]
    response = messages(up, model="claude-haiku-4-5", messages=history, **THINK)
    assert response.status == 200, response.body
