"""Losses are told where and how the client itself would say it, and the owner's policy decides."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities, Unsupported
from flowrouter.canonical.dialect import DIALECTS, Dialect
from flowrouter.canonical.field_names import FIELD_NAMES
from flowrouter.canonical.history import settle
from flowrouter.canonical.loss import Loss, anywhere, rule_id
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.places import place_of, places
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool
from flowrouter.errors import CallerError

TEXT, PICTURE = Text(text="a"), Image(source=Source(kind="url", url="https://a.example/b.png"))
CALL = ToolCall(id="c1", name="f", arguments="{}")


def losses(
    *messages: Message, origin: Dialect = "openai_chat", unsupported: Unsupported = "auto", **members: Any
) -> Losses:
    request = Request(origin=origin, model="m", messages=messages, **members)
    target: Dialect = "gemini" if origin != "gemini" else "anthropic"
    return Losses(request, target=target, capabilities=Capabilities(unsupported=unsupported))


def said(*parts: Part, **members: Any) -> Message:
    return Message(role="assistant", parts=parts, **members)


def paths(gathered: Losses, *parts: Part) -> list[str]:
    return [gathered.path(part) for part in parts]


def test_chat_keeps_calls_and_reasoning_beside_the_content() -> None:
    thought, envelope = Reasoning(text="t", field="reasoning"), Reasoning(sealed="flr1.x")
    refusal, other = Refusal(text="no"), ToolCall(id="c2", name="g", arguments="{}")
    old = ToolCall(id="c3", name="h", arguments="{}", kind="legacy")
    parts = (thought, envelope, TEXT, PICTURE, refusal, CALL, other, old)
    assert paths(losses(said(), said(*parts)), *parts) == [
        "messages[1].reasoning",
        "messages[1].reasoning_signatures",
        "messages[1].content[0]",
        "messages[1].content[1]",
        "messages[1].refusal",
        "messages[1].tool_calls[0]",
        "messages[1].tool_calls[1]",
        "messages[1].function_call",
    ]


def test_chat_results_are_messages() -> None:
    inner = Text(text="r")
    result = ToolResult(call_id="c1", content=(inner,), shape="string")
    assert paths(losses(Message(role="tool", parts=(result,))), result, inner) == [
        "messages[0]",
        "messages[0].content",
    ]


def test_anthropic_keeps_all_in_the_content() -> None:
    inner = Text(text="r")
    result = ToolResult(call_id="c1", content=(inner,))
    block = Text(text="in a document")
    document = Document(source=Source(kind="content", parts=(block,)))
    alone = Text(text="as a string")
    gathered = losses(
        said(TEXT, CALL), Message(role="user", parts=(result, document)), said(alone, shape="string"),
        origin="anthropic",
    )  # fmt: skip
    assert paths(gathered, TEXT, CALL, result, inner, document, block, alone) == [
        "messages[0].content[0]",
        "messages[0].content[1]",
        "messages[1].content[0]",
        "messages[1].content[0].content[0]",
        "messages[1].content[1]",
        "messages[1].content[1].source.content[0]",
        "messages[2].content",
    ]


def test_responses_items_are_the_parts_but_for_messages() -> None:
    inner, item = Text(text="r"), Opaque(payload={"type": "x"}, origin="openai_responses")
    inside = Opaque(payload={"type": "y"}, origin="openai_responses")
    result = ToolResult(call_id="c1", content=(inner,))
    gathered = losses(
        said(TEXT, inside, place="input[0]"), said(CALL, place="input[1]"), said(result, place="input[2]"),
        said(item, place="input[3]", shape="absent"), origin="openai_responses", system=(PICTURE,),
        system_shape="string",
    )  # fmt: skip
    assert paths(gathered, TEXT, inside, CALL, result, inner, item, PICTURE) == [
        "input[0].content[0]",
        "input[0].content[1]",
        "input[1]",
        "input[2]",
        "input[2].output[0]",
        "input[3]",
        "instructions",
    ]
    only = losses(said(TEXT, place="input", shape="string"), origin="openai_responses")
    assert only.path(TEXT) == "input"


def test_a_gemini_signature_stands_where_the_part_it_signs_does() -> None:
    signature, alone = Reasoning(signature="s", call_id="c1"), Reasoning(signature="s", field="part")
    thought = Reasoning(text="hm")
    parts = (thought, signature, CALL, alone, TEXT)
    gathered = losses(said(*parts, place="contents[4]"), origin="gemini", system=(PICTURE,))
    assert paths(gathered, *parts, PICTURE) == [
        "contents[4].parts[0]",
        "contents[4].parts[1]",
        "contents[4].parts[1]",
        "contents[4].parts[2]",
        "contents[4].parts[3]",
        "systemInstruction.parts[0]",
    ]


@pytest.mark.parametrize("origin", DIALECTS)
def test_a_few_places_are_found_where_all_of_them_say(origin: Dialect) -> None:
    inner = Text(text="inside")
    parts = (Reasoning(text="hm"), TEXT, CALL, ToolResult(call_id="c1", content=(inner,)))
    request = Request(
        origin=origin,
        model="m",
        system=(Text(text="be brief"),),
        system_shape="list",
        messages=(said(*parts), said(*parts[:2])),
    )
    known = places(request)
    for part in (*request.system, *parts[2:]):
        assert place_of(part, request) == known[id(part)]
    assert place_of(inner, request) is None
    assert place_of(Text(text="of our own"), request) is None


def test_a_renewed_call_is_known_by_its_id() -> None:
    gathered = losses(said(CALL))
    assert gathered.path(ToolCall(id="c1", name="other", arguments="")) == "messages[0].tool_calls[0]"
    assert gathered.path(Text(text="of our own")) == "messages"


def test_settling_keeps_the_places_of_what_it_renames() -> None:
    call = ToolCall(id="c 1", name="f", arguments="{}")
    signature = Reasoning(signature="s", call_id="c 1")
    result = ToolResult(call_id="c 1", content=(TEXT,))
    turns = (
        said(signature, call, place="contents[1]"),
        Message(role="user", parts=(result,), place="contents[2]"),
    )
    gathered = losses(*turns, origin="gemini")
    settled = settle(turns, told=gathered)
    assert [loss.path for loss in settled.losses] == ["contents[1].parts[0].functionCall.id"]
    renewed = [part for message in settled.messages for part in message.parts]
    assert all(new is not old for new, old in zip(renewed, (signature, call, result), strict=True))
    assert paths(gathered, *renewed) == [
        "contents[1].parts[0]",
        "contents[1].parts[0]",
        "contents[2].parts[0]",
    ]


def test_tools_of_groups_have_a_place_of_their_own() -> None:
    gathered = losses(origin="gemini")
    tool = FunctionTool(name="f", place="tools[0].functionDeclarations[3]")
    assert gathered.tool(2, tool) == "tools[0].functionDeclarations[3]"
    assert gathered.tool(2, FunctionTool(name="f")) == "tools[2]"


@pytest.mark.parametrize("origin", DIALECTS)
def test_every_dialect_names_the_members_of_calls_and_tools(origin: Dialect) -> None:
    wanted = {"call.id", "call.name", "call.arguments", "tool.name", "tool.schema", "tool.strict"}
    assert wanted <= FIELD_NAMES[origin].keys()
    assert "output.schema" in FIELD_NAMES[origin]


def test_unknown_members_are_counted_and_empty_ones_are_none() -> None:
    gathered = losses()
    for _ in range(3):
        gathered.unknown({"mood": 1, "type": "x", "none": None, "caller": {"type": "direct"}}, "messages[*]")
    gathered.unknown({"store": False, "stop": [], "deep": {"er": None}})
    assert gathered.all() == (
        Loss(path="messages[*].mood", kind="dropped", reason="unknown to gemini (3 times)"),
        Loss(path="store", kind="dropped", reason="unknown to gemini"),
    )


def test_what_only_labels_an_item_of_responses_is_no_loss() -> None:
    gathered = losses(origin="openai_responses")
    gathered.unknown({"id": "rs_1", "item": {"id": "msg_1", "status": "completed", "phase": "x"}}, "input[*]")
    assert [loss.path for loss in gathered.all()] == ["input[*].phase"]


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(CallerError) as caught:
        losses().refuse("n", "one answer only")
    assert (caught.value.param, caught.value.code, caught.value.status) == ("n", "unsupported_value", 400)


def test_by_policy_a_refusal_becomes_a_loss() -> None:
    gathered = losses(unsupported="drop")
    gathered.refuse("n", "one answer only")
    assert gathered.all() == (Loss(path="n", kind="dropped", reason="one answer only"),)


def test_by_policy_any_dropped_value_refuses_but_a_changed_one_does_not() -> None:
    gathered = losses(unsupported="refuse")
    gathered.change("temperature", "clamped")
    gathered.emulate("response_format", "in words")
    assert len(gathered.all()) == 2
    gathered.drop("seed", "no such control")
    gathered.drop("user", "no such label")
    with pytest.raises(CallerError, match="and 1 more") as caught:
        gathered.all()
    assert caught.value.param == "seed"


def test_a_field_the_target_answers_400_to_is_told_in_the_clients_words() -> None:
    request = Request(origin="gemini", model="m")
    strict = Capabilities(rejects=frozenset({"seed", "parallel_tool_calls"}))
    gathered = Losses(request, target="openai_chat", capabilities=strict)
    assert gathered.rejected("seed")
    assert gathered.rejected("parallel_tool_calls", path="elsewhere")
    assert not gathered.rejected("temperature")
    assert [loss.path for loss in gathered.rows] == ["generationConfig.seed", "elsewhere"]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("logit_bias", "openai_chat>anthropic:logit_bias:dropped"),
        ("messages[3].content[12].detail", "openai_chat>anthropic:messages[].content[].detail:dropped"),
        ("messages[*].name", "openai_chat>anthropic:messages[].name:dropped"),
    ],
    ids=["top", "numbered", "starred"],
)
def test_a_rule_is_the_same_for_every_place(path: str, rule: str) -> None:
    loss = Loss(path=path, kind="dropped", reason="whatever")
    assert rule_id(loss, "openai_chat", "anthropic") == rule
    assert anywhere(anywhere(path)) == anywhere(path)
