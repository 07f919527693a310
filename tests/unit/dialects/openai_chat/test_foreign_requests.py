"""Settings and tools of other dialects in Chat's terms, decided by what the target can take."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Text, ToolCall, ToolResult
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.errors import CallerError
from flowrouter.wire.json import loads

HI = (Message(role="user", parts=(Text(text="hi"),)),)
WEATHER = FunctionTool(name="get_weather", schema={"type": "object", "properties": {}})


def render(capabilities: Capabilities | None = None, **members: Any) -> Rendered:
    request = Request(**{"origin": "anthropic", "model": "m", "messages": HI, **members})
    return CODEC.render_request(request, "gpt", capabilities or Capabilities())


def body(capabilities: Capabilities | None = None, **members: Any) -> dict[str, Any]:
    return loads(render(capabilities, **members).body)


def lost(capabilities: Capabilities | None = None, **members: Any) -> list[str]:
    return [loss.path for loss in render(capabilities, **members).losses]


def test_sampling_goes_over_as_it_is() -> None:
    sampling = Sampling(temperature=0, top_p=0, seed=0, presence_penalty=0.5, frequency_penalty=-1, n=2)
    sent = body(sampling=sampling)
    assert {name: sent[name] for name in ("temperature", "top_p", "seed", "n")} == {
        "temperature": 0,
        "top_p": 0,
        "seed": 0,
        "n": 2,
    }
    assert lost(sampling=sampling) == []


def test_top_k_only_where_the_host_knows_it() -> None:
    sampling = Sampling(top_k=40)
    assert "top_k" not in body(sampling=sampling)
    assert lost(sampling=sampling) == ["top_k"]
    assert body(Capabilities(extensions=frozenset({"top_k"})), sampling=sampling)["top_k"] == 40


def test_what_the_host_rejects_is_left_out_and_told() -> None:
    strict = Capabilities(rejects=frozenset({"temperature", "stop", "user"}))
    members: dict[str, Any] = {"sampling": Sampling(temperature=0.5), "stop": ("END",), "user": "u"}
    assert body(strict, **members).keys() == {"model", "messages"}
    assert lost(strict, **members) == ["temperature", "stop_sequences", "metadata.user_id"]


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_the_cap_goes_under_the_host_s_name(field: Any) -> None:
    assert body(Capabilities(max_tokens_field=field), max_tokens=100)[field] == 100


def test_the_cap_is_held_within_what_the_model_takes() -> None:
    assert body(Capabilities(max_output=50), max_tokens=100)["max_tokens"] == 50
    assert lost(Capabilities(max_output=50), max_tokens=100) == ["max_tokens"]
    assert body(max_tokens=0)["max_tokens"] == 1


def test_four_stop_sequences_at_most() -> None:
    assert body(stop=("a", "b", "c", "d", "e"))["stop"] == ["a", "b", "c", "d"]
    assert lost(stop=("a", "b", "c", "d", "e")) == ["stop_sequences"]


def test_who_asks() -> None:
    assert body(user="u-1")["user"] == "u-1"
    assert body(metadata={"user_id": "u-2"})["user"] == "u-2"
    assert lost(metadata={"user_id": "u-2", "team": "x"}) == ["metadata"]
    assert body(Capabilities(extensions=frozenset({"metadata"})), metadata={"team": "x"})["metadata"] == {
        "team": "x"
    }


@pytest.mark.parametrize(
    ("asked", "sent", "losses"),
    [
        ("auto", None, []),
        ("standard_only", "default", []),
        ("flex", "flex", []),
        ("reserved", None, ["service_tier"]),
    ],
)
def test_service_tiers(asked: str, sent: str | None, losses: list[str]) -> None:
    assert body(service_tier=asked).get("service_tier") == sent
    assert lost(service_tier=asked) == losses


def test_streams_ask_for_usage() -> None:
    assert body(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body(Capabilities(stream_options=False), stream=True)
    assert "stream" not in body()


def test_foreign_fields_are_each_told_by_name() -> None:
    losses = render(extra={"container": "c_1", "betas": [], "mcp_servers": [1], "thing": {"a": None}}).losses
    assert [(loss.path, loss.kind) for loss in losses] == [
        ("container", "dropped"),
        ("mcp_servers", "dropped"),
    ]


@pytest.mark.parametrize(
    ("control", "capabilities", "members"),
    [
        (ReasoningControl(mode="effort", effort="high"), {}, {"reasoning_effort": "high"}),
        (ReasoningControl(mode="budget", budget=4000), {}, {"reasoning_effort": "medium"}),
        (
            ReasoningControl(mode="auto", effort="max"),
            {"efforts": ("low", "high")},
            {"reasoning_effort": "high"},
        ),
        (ReasoningControl(mode="auto"), {}, {}),
        (ReasoningControl(mode="off"), {}, {}),
        (ReasoningControl(mode="off"), {"efforts": ("none", "low")}, {"reasoning_effort": "none"}),
        (ReasoningControl(mode="off"), {"thinking_style": "effort"}, {"reasoning_effort": "minimal"}),
        (ReasoningControl(mode="effort", effort="high"), {"thinking_style": "none"}, {}),
        (ReasoningControl(mode="effort", effort="high"), {"thinking_style": "think_tag"}, {}),
        (ReasoningControl(mode="effort", effort="high"), {"rejects": frozenset({"reasoning_effort"})}, {}),
        (
            ReasoningControl(mode="budget", budget=4000),
            {"thinking_style": "compat_field", "extensions": frozenset({"reasoning"})},
            {"reasoning": {"max_tokens": 4000}},
        ),
        (
            ReasoningControl(mode="auto", display="omitted"),
            {"thinking_style": "compat_field", "extensions": frozenset({"reasoning"})},
            {"reasoning": {"enabled": True, "exclude": True}},
        ),
        (
            ReasoningControl(mode="off"),
            {"thinking_style": "compat_field", "extensions": frozenset({"thinking"})},
            {"thinking": {"type": "disabled"}},
        ),
        (
            ReasoningControl(mode="effort", effort="low"),
            {
                "thinking_style": "compat_field",
                "extensions": frozenset({"enable_thinking", "thinking_budget"}),
            },
            {"enable_thinking": True, "thinking_budget": 1024},
        ),
        (ReasoningControl(mode="auto"), {"thinking_style": "compat_field"}, {}),
    ],
)
def test_reasoning_is_asked_for_in_the_host_s_terms(
    control: ReasoningControl, capabilities: dict[str, Any], members: dict[str, Any]
) -> None:
    sent = body(Capabilities(**capabilities), reasoning=control)
    assert {name: value for name, value in sent.items() if name not in {"model", "messages"}} == members


def test_a_wish_for_reasoning_that_cannot_be_said_is_told() -> None:
    wish = ReasoningControl(mode="effort", effort="high")
    assert lost(Capabilities(thinking_style="none"), reasoning=wish) == ["thinking"]
    assert lost(Capabilities(thinking_style="compat_field"), reasoning=wish) == ["thinking"]
    assert lost(Capabilities(thinking_style="none"), reasoning=ReasoningControl(mode="off")) == []


SCHEMA = OutputFormat(kind="schema", schema={"type": "object"})


def test_structured_output() -> None:
    assert body(output=SCHEMA)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": {"type": "object"}},
    }
    assert body(output=OutputFormat(kind="json"))["response_format"] == {"type": "json_object"}
    assert "response_format" not in body(output=OutputFormat(kind="text"))


def test_structured_output_in_words_where_the_host_has_no_schema() -> None:
    sent = body(Capabilities(json_schema=False), output=SCHEMA, system=(Text(text="s"),))
    assert sent["response_format"] == {"type": "json_object"}
    assert '{"type":"object"}' in sent["messages"][0]["content"][1]["text"]
    bare = Capabilities(json_schema=False, json_object=False)
    assert "response_format" not in body(bare, output=SCHEMA)
    assert lost(bare, output=SCHEMA) == ["output_config.format"]


def test_function_tools() -> None:
    tools = (
        FunctionTool(name="a", description="d", schema={"properties": {"type": {}}}, strict=False),
        FunctionTool(name="b"),
    )
    first, second = body(tools=tools)["tools"]
    assert first == {
        "type": "function",
        "function": {
            "name": "a",
            "description": "d",
            "parameters": {"type": "object", "properties": {"type": {}}},
            "strict": False,
        },
    }
    assert second["function"]["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="required"), "required"),
        (
            ToolChoice(mode="tool", name="get_weather"),
            {"type": "function", "function": {"name": "get_weather"}},
        ),
    ],
)
def test_tool_choice(choice: ToolChoice, sent: Any) -> None:
    assert body(tools=(WEATHER,), tool_choice=choice)["tool_choice"] == sent


def test_no_parallel_calls() -> None:
    assert body(tools=(WEATHER,), parallel_tools=False)["parallel_tool_calls"] is False
    strict = Capabilities(rejects=frozenset({"parallel_tool_calls"}))
    assert "parallel_tool_calls" not in body(strict, tools=(WEATHER,), parallel_tools=False)
    assert lost(strict, tools=(WEATHER,), parallel_tools=False) == ["tool_choice.disable_parallel_tool_use"]


def test_without_tools_neither_choice_nor_parallel_flag_is_sent() -> None:
    sent = body(tool_choice=ToolChoice(mode="none"), parallel_tools=False)
    assert sent.keys() == {"model", "messages"}


def test_names_too_long_or_odd_are_fitted_and_restored_without_colliding() -> None:
    long = "mcp__server__" + "x" * 70
    tools = tuple(FunctionTool(name=name) for name in (long + "a", long + "b", "a.b", "ab"))
    history = (
        *HI,
        Message(role="assistant", parts=(ToolCall(id="1", name=long + "a", arguments="{}"),)),
        Message(role="user", parts=(ToolResult(call_id="1"),)),
    )
    result = render(tools=tools, messages=history, tool_choice=ToolChoice(mode="tool", name="a.b"))
    sent = loads(result.body)
    names = [tool["function"]["name"] for tool in sent["tools"]]
    assert len(set(names)) == 4
    assert all(len(name) <= 64 for name in names)
    assert names[3] == "ab"
    assert sent["messages"][1]["tool_calls"][0]["function"]["name"] == names[0]
    assert sent["tool_choice"]["function"]["name"] == names[2]
    assert result.edits.names == {names[0]: long + "a", names[1]: long + "b", names[2]: "a.b"}
    assert [loss.path for loss in result.losses] == ["tools[0].name", "tools[1].name", "tools[2].name"]


def test_of_two_tools_with_one_name_the_last_counts() -> None:
    tools = (FunctionTool(name="a", description="1"), WEATHER, FunctionTool(name="a", description="2"))
    sent = body(tools=tools)["tools"]
    assert [tool["function"].get("description") for tool in sent] == [None, "2"]
    assert lost(tools=tools) == ["tools[2]"]


GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}


def test_custom_tools_where_the_host_has_them() -> None:
    sent = body(
        tools=(CustomTool(name="patch", description="d", format=GRAMMAR),),
        tool_choice=ToolChoice(mode="tool", name="patch"),
    )
    assert sent["tools"][0]["custom"]["format"] == {
        "type": "grammar",
        "grammar": {"syntax": "lark", "definition": "start: /x/"},
    }
    assert sent["tool_choice"] == {"type": "custom", "custom": {"name": "patch"}}


def test_custom_tools_as_functions_with_one_string_elsewhere() -> None:
    history = (
        *HI,
        Message(role="assistant", parts=(ToolCall(id="1", name="patch", arguments="x\ny", kind="custom"),)),
        Message(role="user", parts=(ToolResult(call_id="1"),)),
    )
    plain = Capabilities(custom_tools=False)
    result = render(
        plain,
        tools=(CustomTool(name="patch", format=GRAMMAR),),
        messages=history,
        tool_choice=ToolChoice(mode="tool", name="patch"),
    )
    sent = loads(result.body)
    assert sent["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert "start: /x/" in str(sent["tools"][0])
    assert sent["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"input":"x\\ny"}'
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "patch"}}
    assert result.edits.custom == {"patch"}
    assert [loss.kind for loss in result.losses] == ["emulated"]


def test_hosted_tools_are_dropped_unless_forced() -> None:
    search = HostedTool(kind="web_search_20250305", name="web_search", config={}, origin="anthropic")
    assert lost(tools=(search, WEATHER)) == ["tools[0]"]
    assert "tools" not in body(tools=(search,), tool_choice=ToolChoice(mode="auto"))
    for choice in (ToolChoice(mode="tool", name="web_search"), ToolChoice(mode="required")):
        with pytest.raises(CallerError) as caught:
            render(tools=(search,), tool_choice=choice)
        assert caught.value.param == "tool_choice"


def test_a_model_without_tools() -> None:
    bare = Capabilities(tools=False)
    assert lost(bare, tools=(WEATHER,)) == ["tools"]
    with pytest.raises(CallerError):
        render(bare, tools=(WEATHER,), tool_choice=ToolChoice(mode="required"))


def test_a_subset_of_tools() -> None:
    tools = (WEATHER, FunctionTool(name="b"))
    choice = ToolChoice(mode="allowed", names=("b",), required=True)
    assert body(tools=tools, tool_choice=choice)["tool_choice"]["allowed_tools"]["mode"] == "required"
    narrowed = body(Capabilities(rejects=frozenset({"allowed_tools"})), tools=tools, tool_choice=choice)
    assert [tool["function"]["name"] for tool in narrowed["tools"]] == ["b"]
    assert narrowed["tool_choice"] == "required"


def test_marks_on_tools_and_on_the_whole_prompt_are_told() -> None:
    marked = FunctionTool(name="a", cache=CacheHint(ttl="1h"))
    assert lost(tools=(marked,), cache=CacheHint()) == ["tools[0].cache_control", "cache_control"]


def test_sampling_stays_out_while_the_model_reasons_where_that_is_refused() -> None:
    strict = Capabilities(
        thinking_style="effort", efforts=("none", "low", "high"), sampling_with_thinking=False
    )
    asked: dict[str, Any] = {"sampling": Sampling(temperature=0.2, top_p=0.9)}
    thinking = body(strict, reasoning=ReasoningControl(mode="effort", effort="high"), **asked)
    assert thinking["reasoning_effort"] == "high"
    assert not {"temperature", "top_p"} & thinking.keys()
    plain = body(strict, reasoning=ReasoningControl(mode="off"), **asked)
    assert plain["temperature"] == 0.2
