"""Tools and tool choice of other dialects in this one's terms."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.errors import CallerError
from tests.unit.dialects.openai_responses.build import body, lost, render, said, user

FIND = FunctionTool(name="find", schema={"type": "object", "properties": {"q": {"type": "string"}}})
PATCH = CustomTool(
    name="patch",
    description="Edits.",
    format={"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}},
)
SEARCH = HostedTool(
    kind="web_search_20250305",
    name="web_search",
    config={"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.org"]},
    origin="anthropic",
)
SEARCHES = Capabilities(hosted=frozenset({"web_search"}))


def test_functions_are_flat_and_not_strict_unless_asked() -> None:
    strict = FunctionTool(name="b", strict=True, description="", schema={})
    assert body(tools=(FIND, strict))["tools"] == [
        {"type": "function", "name": "find", "parameters": FIND.schema, "strict": False},
        {
            "type": "function",
            "name": "b",
            "description": "",
            "parameters": {"type": "object"},
            "strict": True,
        },
    ]
    assert body(tools=(FunctionTool(name="c"),))["tools"][0]["parameters"] == {
        "type": "object",
        "properties": {},
    }


def test_custom_tools_go_over_flat() -> None:
    assert body(tools=(PATCH,))["tools"] == [
        {
            "type": "custom",
            "name": "patch",
            "description": "Edits.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
        }
    ]
    assert not render(tools=(PATCH,)).edits


def test_custom_tools_as_functions() -> None:
    rendered = render(Capabilities(custom_tools=False), tools=(PATCH,))
    (tool,) = body(Capabilities(custom_tools=False), tools=(PATCH,))["tools"]
    assert tool["type"] == "function"
    assert "start: x" in tool["parameters"]["properties"]["input"]["description"]
    assert rendered.edits.custom == frozenset({"patch"})
    assert [(loss.path, loss.kind) for loss in rendered.losses] == [("tools[0]", "emulated")]


def test_names_fit_and_come_back() -> None:
    long = FunctionTool(name="mcp__" + "x" * 80)
    dotted = FunctionTool(name="a.b")
    rendered = render(tools=(long, dotted), tool_choice=ToolChoice(mode="tool", name="a.b"))
    names = [tool["name"] for tool in body(tools=(long, dotted))["tools"]]
    assert all(len(name) <= 64 for name in names)
    assert {rendered.edits.names[name] for name in names} == {long.name, "a.b"}
    assert [loss.path for loss in rendered.losses] == ["tools[0].name", "tools[1].name"]


def test_of_two_with_one_name_the_last_counts() -> None:
    second = FunctionTool(name="find", description="newer")
    (tool,) = body(tools=(FIND, second))["tools"]
    assert tool["description"] == "newer"
    assert lost(tools=(FIND, second)) == ["tools[1]"]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="required"), "required"),
        (ToolChoice(mode="tool", name="find"), {"type": "function", "name": "find"}),
        (ToolChoice(mode="tool", name="patch"), {"type": "custom", "name": "patch"}),
        (
            ToolChoice(mode="allowed", names=("find", "patch"), required=True),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "find"}, {"type": "custom", "name": "patch"}],
            },
        ),
    ],
    ids=["auto", "none", "required", "function", "custom", "allowed"],
)
def test_choice(choice: ToolChoice, wire: Any) -> None:
    assert body(tools=(FIND, PATCH), tool_choice=choice)["tool_choice"] == wire


def test_a_narrowed_choice_where_the_target_takes_none() -> None:
    able = Capabilities(rejects=frozenset({"allowed_tools"}))
    whole = body(able, tools=(FIND, PATCH), tool_choice=ToolChoice(mode="allowed", names=("patch",)))
    assert ([tool["name"] for tool in whole["tools"]], whole["tool_choice"]) == (["patch"], "auto")


def test_no_tools_no_choice() -> None:
    whole = body(tool_choice=ToolChoice(mode="auto"), parallel_tools=False)
    assert whole.keys() == {"model", "input", "store"}
    assert body(tools=(FIND,), parallel_tools=False)["parallel_tool_calls"] is False


def test_web_search_where_the_target_has_one() -> None:
    assert body(SEARCHES, tools=(SEARCH,))["tools"] == [
        {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}}
    ]
    assert lost(SEARCHES, tools=(SEARCH,)) == ["tools[0].max_uses"]
    assert lost(tools=(SEARCH, FIND)) == ["tools[0]"]


def test_a_forced_web_search() -> None:
    choice = ToolChoice(mode="tool", name="web_search")
    assert body(SEARCHES, tools=(SEARCH, FIND), tool_choice=choice)["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "web_search"}],
    }
    with pytest.raises(CallerError) as caught:
        render(tools=(SEARCH, FIND), tool_choice=choice)
    assert caught.value.param == "tool_choice"


def test_chats_switch_for_a_web_search() -> None:
    options = {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Rome"}},
    }
    asked: dict[str, Any] = {"origin": "openai_chat", "extra": {"web_search_options": options}}
    assert body(SEARCHES, **asked)["tools"] == [
        {
            "type": "web_search",
            "user_location": {"type": "approximate", "city": "Rome"},
            "search_context_size": "low",
        }
    ]
    assert lost(**asked) == ["web_search_options"]


def test_a_forced_call_of_nothing_is_refused() -> None:
    for choice in (ToolChoice(mode="required"), ToolChoice(mode="allowed", names=("x",), required=True)):
        with pytest.raises(CallerError) as caught:
            render(tools=(SEARCH,), tool_choice=choice)
        assert caught.value.param == "tool_choice"


def test_a_target_without_tools() -> None:
    able = Capabilities(tools=False)
    assert "tools" not in body(able, tools=(FIND,))
    assert lost(able, tools=(FIND,)) == ["tools"]


def test_marks_and_unknown_members_are_told() -> None:
    marked = FunctionTool(name="a", cache=CacheHint(), extra={"defer_loading": True})
    assert lost(tools=(marked,)) == ["tools[0].cache_control", "tools[*].defer_loading"]


def test_bytes_are_the_same_turn_after_turn() -> None:
    turns = (user("a"), said("assistant", "b"), user("c"))
    first = render(tools=(FIND, PATCH), messages=turns[:1]).body
    later = render(tools=(FIND, PATCH), messages=turns).body
    start = first.index(b'"input":[') + len(b'"input":[')
    end = first.index(b"}]}", start)
    assert later.startswith(first[:end])
