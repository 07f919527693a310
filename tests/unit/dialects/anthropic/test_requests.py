"""Parsing Anthropic requests, and writing them back for an Anthropic upstream."""

import json

import msgspec
import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import Document, Image, Opaque, Reasoning, Text, ToolCall, ToolResult
from flowrouter.canonical.request import ReasoningControl
from flowrouter.canonical.tools import FunctionTool, HostedTool
from flowrouter.dialects.anthropic import CODEC
from flowrouter.errors import CallerError
from tests.unit.dialects.anthropic.build import judge, parse, rows
from tests.upstreams.signing import seal

SIG = "EqQBCkYIBRgC"


def again(request, **capabilities):
    rendered = CODEC.render_request(request, request.model, Capabilities(**capabilities))
    return json.loads(rendered.body), rows(rendered.losses)


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks):
    return {"role": "assistant", "content": list(blocks)}


USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}


def test_the_model_is_replaced_and_nothing_else():
    body = {"model": "alias", "max_tokens": 0, "messages": [user({"type": "text", "text": "Hi"})], "x": None}
    rendered = CODEC.render_request(CODEC.parse_request(json.dumps(body).encode()), "real", Capabilities())
    assert json.loads(rendered.body) == {**body, "model": "real"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [user("Hi")]}, "messages[0].content[0]"),
        ({"messages": [user({"text": "Hi"})]}, "messages[0].content[0].type"),
        ({"messages": [user({"type": "text", "text": 1})]}, "messages[0].content[0].text"),
        ({"messages": [user({"type": "image"})]}, "messages[0].content[0].source"),
        (
            {"messages": [user({**RESULT, "content": [{"type": "text"}]})]},
            "messages[0].content[0].content[0].text",
        ),
        ({"messages": [assistant({**USE, "name": None})]}, "messages[0].content[0].name"),
        ({"model": " "}, "model"),
        ({"model": 3}, "model"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": True}, "temperature"),
        ({"stop_sequences": ["a", 1]}, "stop_sequences[1]"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]}, "system[0]"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": ""}]}, "tools[0].name"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"budget_tokens": 1}}, "thinking.type"),
    ],
)
def test_the_field_at_fault_is_named(members, param):
    with pytest.raises(CallerError) as caught:
        parse(**members)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert param in caught.value.message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_the_callers_error(body):
    with pytest.raises(CallerError):
        CODEC.parse_request(body)


def test_lone_surrogates_and_bad_utf8_do_not_crash():
    body = b'{"model":"m","messages":[{"role":"user","content":"a\\ud83d b \xff"}]}'
    assert CODEC.parse_request(body).messages[0].parts == (Text(text="a\ufffd b \ufffd"),)


def test_blocks_become_parts():
    request = parse(
        messages=[
            user(
                {"type": "image", "source": {"type": "url", "url": "https://i.example/a.png"}},
                {
                    "type": "document",
                    "source": {"type": "content", "content": "whole"},
                    "citations": {"enabled": True},
                },
                {"type": "search_result", "source": "https://d.example", "title": "T", "content": []},
                {"type": "image", "source": {"type": "hologram"}},
                {"type": "container_upload", "file_id": "f"},
            ),
            assistant(
                {"type": "thinking", "thinking": "Hm", "signature": SIG},
                {"type": "thinking", "thinking": "Gw", "signature": "flr1.payload"},
                {"type": "redacted_thinking", "data": "D"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"b": 1, "a": [1.5, None]}},
            ),
            user({**RESULT, "is_error": True}),
        ]
    )
    media, spoken, answered = (message.parts for message in request.messages)
    assert [type(part) for part in media] == [Image, Document, Document, Opaque, Opaque]
    assert media[1].citations is True
    assert media[2].source.url == "https://d.example"
    assert spoken == (
        Reasoning(text="Hm", signature=SIG),
        Reasoning(text="Gw", sealed="flr1.payload"),
        Reasoning(redacted="D"),
        ToolCall(id="t1", name="f", arguments='{"b":1,"a":[1.5,null]}'),
    )
    assert answered == (ToolResult(call_id="t1", content=(Text(text="ok"),), is_error=True, shape="string"),)


def test_options_find_their_canonical_place():
    request = parse(
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"effort": "low"},
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        tools=[{"name": "f", "strict": False}, {"type": "bash_20250124", "name": "bash"}],
        metadata={"user_id": "u", "team": "t"},
        cache_control={"type": "ephemeral", "ttl": "1h", "scope": "global"},
    )
    assert request.reasoning is not None
    assert (request.reasoning.mode, request.reasoning.budget, request.reasoning.effort) == (
        "budget",
        2048,
        "low",
    )
    assert request.tool_choice is not None
    assert (request.tool_choice.mode, request.parallel_tools) == ("required", False)
    assert request.tools[0] == FunctionTool(name="f", strict=False)
    assert isinstance(request.tools[1], HostedTool)
    assert (request.user, request.metadata) == ("u", {"team": "t"})
    assert request.cache is not None
    assert (request.cache.ttl, request.cache.extra) == ("1h", {"scope": "global"})


@pytest.mark.parametrize(
    ("thinking", "mode"),
    [("adaptive", "auto"), ("disabled", "off"), ("between_tools", "auto"), ("enabled", "budget")],
)
def test_thinking_modes(thinking, mode):
    request = parse(thinking={"type": thinking})
    assert request.reasoning is not None
    assert request.reasoning.mode == mode


def test_reasoning_of_others_is_not_sent_to_the_vendor():
    request = parse(
        messages=[
            user({"type": "text", "text": "Hi"}),
            assistant(
                {"type": "thinking", "thinking": "unsigned", "signature": ""},
                {"type": "thinking", "thinking": "ours", "signature": "flr1.x"},
                {"type": "thinking", "thinking": "theirs", "signature": SIG},
                {"type": "text", "text": "Yo"},
            ),
            assistant({"type": "thinking", "thinking": "alone", "signature": ""}),
        ]
    )
    body, losses = again(request)
    assert [block.get("thinking", "-") for block in body["messages"][1]["content"]] == ["theirs", "-"]
    assert len(body["messages"]) == 2
    assert losses == [
        ("messages[1].content[0]", "dropped"), ("messages[1].content[1]", "dropped"),
        ("messages[2].content[0]", "dropped"),
    ]  # fmt: skip


def test_hosts_that_want_their_reasoning_back_get_it_unsigned():
    blocks = ({"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Yo"})
    request = parse(messages=[user({"type": "text", "text": "Hi"}), assistant(*blocks)])
    body, losses = again(request, reasoning_echo="always")
    assert body["messages"][1]["content"] == list(blocks)
    assert losses == []


def test_manual_thinking_goes_where_its_blocks_had_to():
    request = parse(
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 2048},
        messages=[
            user({"type": "text", "text": "Hi"}),
            assistant({"type": "thinking", "thinking": "x", "signature": "flr1.x"}, USE),
            user(RESULT),
        ],
    )
    body, losses = again(request)
    assert "thinking" not in body
    assert losses == [("messages[1].content[0]", "dropped"), ("thinking", "dropped")]


def test_manual_thinking_without_a_lost_block_is_the_clients_own_affair():
    request = parse(
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 2048},
        messages=[user({"type": "text", "text": "Hi"}), assistant(USE), user(RESULT)],
    )
    assert "thinking" in again(request)[0]


def test_system_messages_move_into_the_users_turn_only_where_the_model_takes_none():
    turns = [
        user({"type": "text", "text": "Go"}),
        assistant(USE),
        {"role": "system", "content": "Be brief."},
        user(RESULT, {"type": "text", "text": "And?"}),
        {"role": "system", "content": "Last."},
    ]
    request = parse(messages=turns)
    assert again(request)[0]["messages"] == turns
    body, losses = again(request, mid_system=False)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "user"]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text", "text"]
    assert body["messages"][2]["content"][1]["text"] == "<system-reminder>\nBe brief.\n</system-reminder>"
    assert body["messages"][3]["content"][0]["text"] == "<system-reminder>\nLast.\n</system-reminder>"
    assert losses == [("messages[*]", "emulated")]


def test_a_reasoning_control_put_in_later_is_planned_for_the_model():
    request = msgspec.structs.replace(
        parse(max_tokens=9000, output_config={"format": {"type": "json_schema", "schema": {}}}),
        reasoning=ReasoningControl(mode="effort", effort="low"),
    )
    body, _ = again(request, thinking_style="manual")
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": {}}}
    body, _ = again(request, thinking_style="adaptive")
    assert (body["thinking"], body["output_config"]["effort"]) == ({"type": "adaptive"}, "low")


def test_a_thinking_loop_survives_the_vendors_own_check():
    signature = seal("Hm", family="any-model", account="a")
    request = parse(
        model="any-model",
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 2048},
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
        messages=[
            user({"type": "text", "text": "Hi"}),
            assistant({"type": "thinking", "thinking": "Hm", "signature": signature}, USE),
            user(RESULT),
        ],
    )
    judge(CODEC.render_request(request, "any-model", Capabilities()))
