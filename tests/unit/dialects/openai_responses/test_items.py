"""Single items to parts and back."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.parts import Opaque, Provenance, Reasoning, Text, ToolCall, ToolResult
from flowrouter.dialects.openai_responses.items import bare_name, full_name, parse_item, render_item

STATE = "gAAAAAB-state"


def call(**members: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}", **members}


def thought(**members: Any) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [], "encrypted_content": STATE, **members}


ITEMS = {
    "call": call(id="fc_1", status="completed"),
    "call in a namespace": call(namespace="crm"),
    "call without arguments": {"type": "function_call", "call_id": "c", "name": "n"},
    "call with null arguments": call(arguments=None),
    "call with an object": call(arguments={"b": 1, "a": [None]}),
    "call without id": {"type": "function_call", "name": "n", "arguments": ""},
    "call with an empty id": call(call_id=""),
    "custom call": {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "*** Begin\n"},
    "result": {"type": "function_call_output", "call_id": "c", "output": "22 C"},
    "result of parts": {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": ""}]},
    "result of nothing": {"type": "function_call_output", "call_id": "c", "output": []},
    "result by name": {"type": "function_call_output", "call_id": None, "name": "n", "namespace": "s", "output": ""},
    "custom result": {"type": "custom_tool_call_output", "call_id": "c", "output": "ok", "id": "x"},
    "reasoning": thought(id="rs_1", status=None),
    "reasoning without state": thought(encrypted_content=None, id="rs_2"),
    "reasoning in two parts": thought(summary=[{"type": "summary_text", "text": t} for t in "ab"]),
    "reasoning with an odd summary": thought(summary=[{"type": "summary_text", "text": "a", "x": 1}, 5]),
    "reasoning in full": thought(content=[{"type": "reasoning_text", "text": "a"}]),
    "reasoning in full only": {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "a"}]},
    "reasoning without summary": {"type": "reasoning", "encrypted_content": STATE},
}  # fmt: skip


@pytest.mark.parametrize("item", ITEMS.values(), ids=list(ITEMS))
def test_item_returns_as_it_came(item: dict[str, Any]) -> None:
    part = parse_item(item)
    assert isinstance(part, ToolCall | ToolResult | Reasoning)
    assert render_item(part) == item


def test_call_in_a_namespace_has_one_name() -> None:
    part = parse_item(call(namespace="crm"))
    assert isinstance(part, ToolCall)
    assert part.name == "crm__find"
    assert full_name(None, "find") == bare_name("crm", "find") == bare_name("crm", "crm__find") == "find"


def test_custom_call_keeps_its_text() -> None:
    part = parse_item(ITEMS["custom call"])
    assert isinstance(part, ToolCall)
    assert (part.kind, part.arguments) == ("custom", "*** Begin\n")


def test_object_arguments_become_text() -> None:
    part = parse_item(ITEMS["call with an object"])
    assert isinstance(part, ToolCall)
    assert (part.arguments, part.shape) == ('{"b":1,"a":[null]}', ("object",))


def test_result_content() -> None:
    part = parse_item(ITEMS["result"])
    assert isinstance(part, ToolResult)
    assert (part.call_id, part.content, part.shape) == ("c", (Text(text="22 C"),), "string")


def test_state_is_a_signature_and_ours_is_sealed() -> None:
    issuer = Provenance(dialect="openai_responses", family="gpt")
    native = parse_item(thought(), provenance=issuer)
    ours = parse_item(thought(encrypted_content="flr1.abc"))
    assert isinstance(native, Reasoning)
    assert isinstance(ours, Reasoning)
    assert (native.signature, native.sealed, native.provenance) == (STATE, None, issuer)
    assert (ours.signature, ours.sealed) == (None, "flr1.abc")
    assert "encrypted_content" not in render_item(ours)


def test_text_of_reasoning() -> None:
    summary = parse_item(ITEMS["reasoning in two parts"])
    full = parse_item(thought(summary=[{"text": "short"}], content=[{"text": "long"}]))
    assert isinstance(summary, Reasoning)
    assert isinstance(full, Reasoning)
    assert (summary.text, summary.field) == ("a\n\nb", None)
    assert (full.text, full.field) == ("long", "content")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "id": "ws_1", "action": {"z": 1, "a": 2}},
        {"type": "function_call", "arguments": "{}"},
        {"type": "function_call_output", "output": {"a": 1}},
        {"type": 5},
        {"id": "msg_1"},
    ],
    ids=["hosted", "nameless-call", "object-output", "odd-type", "reference"],
)
def test_anything_else_stays_whole(item: dict[str, Any]) -> None:
    assert parse_item(item) == Opaque(payload=item, origin="openai_responses")
