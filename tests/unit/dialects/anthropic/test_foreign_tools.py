"""Tools, tool choice and answer forms of other dialects."""

import json

import pytest

from flowrouter.canonical.parts import ToolCall, ToolResult
from flowrouter.canonical.request import OutputFormat, ReasoningControl
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.errors import CallerError
from tests.unit.dialects.anthropic.build import WEATHER, body_of, chat, render, rows, say

TIME = FunctionTool(name="get_time", schema={"type": "object", "properties": {}})
PERSON = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}


def tool(name: str, **members) -> FunctionTool:
    return FunctionTool(name=name, **members)


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (ToolChoice(mode="auto"), None, {"type": "auto"}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (ToolChoice(mode="tool", name="get_time"), None, {"type": "tool", "name": "get_time"}),
        (ToolChoice(mode="none"), None, {"type": "none"}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="auto"), True, {"type": "auto"}),
    ],
)
def test_tool_choice(choice, parallel, expected):
    body = body_of(chat(tools=(WEATHER, TIME), tool_choice=choice, parallel_tools=parallel))
    assert body.get("tool_choice") == expected


@pytest.mark.parametrize(("required", "kind"), [(True, "any"), (False, "auto")])
def test_allowed_tools_are_the_only_ones_offered(required, kind):
    choice = ToolChoice(mode="allowed", names=("get_time",), required=required)
    rendered = render(chat(tools=(WEATHER, TIME), tool_choice=choice))
    body = json.loads(rendered.body)
    assert [tool["name"] for tool in body["tools"]] == ["get_time"]
    assert body["tool_choice"] == {"type": kind}
    assert rows(rendered.losses) == [("tool_choice", "emulated")]


def test_no_tools_no_choice():
    body = body_of(chat(tool_choice=ToolChoice(mode="auto"), parallel_tools=False))
    assert not {"tools", "tool_choice"} & body.keys()


def test_one_call_at_a_time_where_only_the_history_has_tools():
    history = (say("user", "Hi"), say("assistant", ToolCall(id="c1", name="f", arguments="{}")))
    output = OutputFormat(kind="schema", name="person", schema=PERSON)
    asked = chat(*history, output=output, parallel_tools=False)
    body = body_of(asked, json_schema=False)
    assert [tool["name"] for tool in body["tools"]] == ["f", "structured_answer"]
    assert body["tool_choice"]["disable_parallel_tool_use"] is True


@pytest.mark.parametrize("schema", [None, {}, {"properties": {}}])
def test_a_tool_without_schema_or_type_takes_an_object(schema):
    body = body_of(chat(tools=(tool("ping", schema=schema),)))
    assert body["tools"][0]["input_schema"] == {"type": "object", "properties": {}}


def test_names_that_do_not_fit_are_changed_everywhere_and_changed_back():
    long_a, long_b = "mcp__server__" + "x" * 60 + "_a", "mcp__server__" + "x" * 60 + "_b"
    request = chat(
        say("user", "Go"),
        say("assistant", ToolCall(id="1", name=long_a, arguments="{}")),
        say("tool", ToolResult(call_id="1")),
        tools=(tool(long_a), tool(long_b), tool("files.read/all")),
        tool_choice=ToolChoice(mode="tool", name=long_b),
    )
    rendered = render(request)
    body = json.loads(rendered.body)
    names = [tool["name"] for tool in body["tools"]]
    assert len(set(names)) == 3
    assert all(len(name) <= 64 for name in names)
    assert body["tool_choice"]["name"] == names[1]
    assert body["messages"][1]["content"][0]["name"] == names[0]
    assert [rendered.edits.names[name] for name in names] == [long_a, long_b, "files.read/all"]


def test_of_two_tools_with_one_name_the_last_stays():
    rendered = render(chat(tools=(tool("a", description="old"), tool("a", description="new"))))
    assert [tool["description"] for tool in json.loads(rendered.body)["tools"]] == ["new"]
    assert rows(rendered.losses) == [("tools[0]", "dropped")]


def test_tools_that_only_the_history_knows_are_declared_and_may_not_be_called():
    turns = (
        say("user", "Go"),
        say("assistant", ToolCall(id="1", name="old.tool", arguments="{}")),
        say("tool", ToolResult(call_id="1")),
    )
    rendered = render(chat(*turns))
    body = json.loads(rendered.body)
    assert [tool["name"] for tool in body["tools"]] == [body["messages"][1]["content"][0]["name"]]
    assert body["tool_choice"] == {"type": "none"}
    assert ("tools", "emulated") in rows(rendered.losses)


def test_a_custom_tool_becomes_a_function_and_its_calls_too():
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a+/"}}
    request = chat(
        say("user", "Go"),
        say("assistant", ToolCall(id="1", name="patch", arguments="*** Begin", kind="custom")),
        say("tool", ToolResult(call_id="1")),
        tools=(CustomTool(name="patch", description="Applies a patch.", format=grammar),),
        tool_choice=ToolChoice(mode="tool", name="patch", custom=True),
    )
    rendered = render(request)
    body = json.loads(rendered.body)
    assert body["tools"][0]["input_schema"]["properties"] == {"input": {"type": "string"}}
    assert "start: /a+/" in body["tools"][0]["description"]
    assert body["messages"][1]["content"][0]["input"] == {"input": "*** Begin"}
    assert rendered.edits.custom == frozenset({"patch"})


def test_a_hosted_tool_of_another_vendor_is_dropped_unless_it_was_forced():
    hosted = HostedTool(kind="file_search", config={"type": "file_search"}, origin="openai_responses")
    rendered = render(chat(tools=(hosted, WEATHER)))
    assert [tool["name"] for tool in json.loads(rendered.body)["tools"]] == ["get_weather"]
    assert rows(rendered.losses) == [("tools[0]", "dropped")]
    with pytest.raises(CallerError, match="forced") as caught:
        render(chat(tools=(hosted, WEATHER), tool_choice=ToolChoice(mode="tool", name="file_search")))
    assert caught.value.param == "tools[0]"


def test_a_model_that_calls_no_tools_refuses_them():
    with pytest.raises(CallerError, match="calls no tools"):
        render(chat(tools=(WEATHER,)), tools=False)


def test_a_strict_tool_is_closed_where_the_model_can_be_held_to_it():
    strict = tool("save", schema=PERSON, strict=True)
    held = body_of(chat(tools=(strict,)))["tools"][0]
    assert held["strict"] is True
    assert held["input_schema"]["additionalProperties"] is False
    assert "minimum: 0" in held["input_schema"]["properties"]["age"]["description"]
    loose = render(chat(tools=(strict,)), json_schema=False)
    assert json.loads(loose.body)["tools"][0] == {"name": "save", "input_schema": PERSON}
    assert rows(loose.losses) == [("tools[0].function.strict", "dropped")]


def test_an_answer_schema_goes_into_the_output_config():
    output = OutputFormat(kind="schema", name="person", schema=PERSON, strict=True)
    rendered = render(chat(output=output))
    sent = json.loads(rendered.body)["output_config"]["format"]
    assert sent["type"] == "json_schema"
    assert sent["schema"]["additionalProperties"] is False
    assert rows(rendered.losses) == [("response_format.json_schema.schema", "changed")]


def test_an_answer_schema_is_emulated_by_a_forced_tool():
    output = OutputFormat(kind="schema", name="person", schema=PERSON, description="A person.")
    rendered = render(chat(output=output), json_schema=False)
    body = json.loads(rendered.body)
    assert body["tools"] == [
        {"name": "structured_answer", "description": "A person.", "input_schema": PERSON}
    ]
    assert body["tool_choice"] == {"type": "tool", "name": "structured_answer"}
    assert rendered.edits.answer_tool == "structured_answer"
    assert rows(rendered.losses) == [("response_format", "emulated")]


def test_beside_real_tools_the_answer_tool_is_one_of_several():
    output = OutputFormat(kind="schema", schema=PERSON)
    rendered = render(chat(output=output, tools=(WEATHER, tool("structured_answer"))), json_schema=False)
    body = json.loads(rendered.body)
    assert [tool["name"] for tool in body["tools"]][2] == rendered.edits.answer_tool == "structured_answer_0"
    assert body["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    ("output", "members"),
    [
        (OutputFormat(kind="json"), {}),
        (OutputFormat(kind="schema", schema={"type": "array", "items": {"type": "string"}}), {}),
        (
            OutputFormat(kind="schema", schema=PERSON),
            {"tools": (WEATHER,), "tool_choice": ToolChoice(mode="required")},
        ),
    ],
)
def test_other_answer_forms_are_asked_for_in_words(output, members):
    rendered = render(
        chat(say("system", "Be kind."), say("user", "Hi"), output=output, **members), json_schema=False
    )
    system = json.loads(rendered.body)["system"]
    assert system[0] == {"type": "text", "text": "Be kind."}
    assert "JSON" in system[1]["text"]
    assert rows(rendered.losses) == [("response_format", "emulated")]


def test_plain_text_output_needs_nothing():
    rendered = render(chat(output=OutputFormat(kind="text")))
    assert json.loads(rendered.body).keys() == {"model", "max_tokens", "messages"}


def test_a_forced_tool_switches_thinking_off_and_stays_forced():
    control = ReasoningControl(mode="effort", effort="high")
    for style in ("manual", "adaptive", "both"):
        rendered = render(
            chat(tools=(WEATHER,), tool_choice=ToolChoice(mode="required"), reasoning=control),
            thinking_style=style,
        )
        body = json.loads(rendered.body)
        assert body["tool_choice"] == {"type": "any"}
        assert "thinking" not in body
        assert rows(rendered.losses) == [("reasoning_effort", "dropped")]


def test_custom_tools_of_one_request_are_not_those_of_another():
    """Two tools, so that what gathers them is made once, and not for the class of all requests."""
    first = render(chat(tools=(CustomTool(name="patch"), CustomTool(name="draw"))))
    assert first.edits.custom == frozenset({"patch", "draw"})
    assert render(chat(tools=(CustomTool(name="write"),))).edits.custom == frozenset({"write"})
    assert render(chat(tools=(WEATHER,))).edits.custom == frozenset()
