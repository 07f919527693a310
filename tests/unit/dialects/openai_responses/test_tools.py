"""Tools and tool choice of a Responses client."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.dialects import codec
from flowrouter.dialects.openai_responses.tools import parse_choice
from flowrouter.wire.json import loads
from tests.unit.dialects.openai_responses.build import asked, back

FIND = {"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": True}
NOTE = {"type": "custom", "name": "note", "format": {"type": "text"}}
CRM = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [FIND, NOTE]}


def test_function_and_custom() -> None:
    assert asked(tools=[FIND, NOTE]).tools == (
        FunctionTool(name="find", schema={"type": "object"}, strict=True),
        CustomTool(name="note", format={"type": "text"}),
    )


def test_hosted_stay_whole() -> None:
    config = {"type": "mcp", "server_label": "a", "allowed_tools": {"read_only": True}}
    assert asked(tools=[config]).tools == (HostedTool(kind="mcp", config=config, origin="openai_responses"),)


def test_a_namespace_becomes_its_tools() -> None:
    find, note = asked(tools=[CRM]).tools
    assert isinstance(find, FunctionTool)
    assert isinstance(note, CustomTool)
    assert (find.name, find.place) == ("crm__find", "tools[0].tools[0]")
    assert (note.name, note.place) == ("crm__note", "tools[0].tools[1]")


def test_what_a_namespace_says_of_itself_is_a_loss_elsewhere() -> None:
    rendered = codec("openai_chat").render_request(asked(tools=[CRM]), "m", Capabilities())
    assert "tools[*].description" in [loss.path for loss in rendered.losses]
    names = [tool.get("function", tool.get("custom"))["name"] for tool in loads(rendered.body)["tools"]]
    assert names == ["crm__find", "crm__note"]


@pytest.mark.parametrize(
    "tools",
    [
        [CRM, FIND, {**CRM, "name": "erp", "x": 1}],
        [{**CRM, "tools": []}],
        [{**CRM, "tools": [{"type": "web_search"}]}],
        [{**CRM, "tools": [FIND, FIND]}],
        [CRM, CRM],
        [CRM, {**FIND, "name": "crm__find"}],
        [{"type": "namespace", "name": "crm"}],
    ],
    ids=["two", "empty", "hosted-inside", "twice-inside", "twice", "collision", "bare"],
)
def test_namespaces_return_as_they_came(tools: list[Any]) -> None:
    assert back(tools=tools)["tools"] == tools


def test_names_never_collide() -> None:
    tools = asked(tools=[CRM, CRM, {**FIND, "name": "crm__find"}]).tools
    names = [tool.name for tool in tools if not isinstance(tool, HostedTool)]
    assert len(names) == len(set(names))


CHOICES: dict[str, tuple[Any, ToolChoice]] = {
    "auto": ("auto", ToolChoice(mode="auto")),
    "none": ("none", ToolChoice(mode="none")),
    "required": ("required", ToolChoice(mode="required")),
    "function": ({"type": "function", "name": "a"}, ToolChoice(mode="tool", name="a")),
    "custom": ({"type": "custom", "name": "a"}, ToolChoice(mode="tool", name="a", custom=True)),
    "allowed": (
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}]},
        ToolChoice(mode="allowed", names=("a",), required=True),
    ),
    "allowed hosted": (
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}, {"type": "custom", "name": "b"}]},
        ToolChoice(mode="allowed", names=("web_search", "b")),
    ),
    "hosted": ({"type": "image_generation"}, ToolChoice(mode="tool", name="image_generation")),
    "mcp": ({"type": "mcp", "server_label": "l", "name": "n"}, ToolChoice(mode="tool", name="l")),
}  # fmt: skip


@pytest.mark.parametrize(("value", "meaning"), CHOICES.values(), ids=list(CHOICES))
def test_choice(value: Any, meaning: ToolChoice) -> None:
    assert parse_choice(value) == meaning
    assert back(tools=[FIND], tool_choice=value)["tool_choice"] == value


@pytest.mark.parametrize("value", ["any", {}, {"type": "function"}, {"type": 5}, 7, []], ids=repr)
def test_odd_choices_are_left_to_the_vendor(value: Any) -> None:
    assert parse_choice(value) is None
    assert back(tool_choice=value)["tool_choice"] == value


def test_choice_of_a_tool_in_a_namespace() -> None:
    request = asked(tools=[CRM], tool_choice={"type": "function", "name": "find"})
    assert request.tool_choice == ToolChoice(mode="tool", name="crm__find")
    both = asked(tools=[CRM, FIND], tool_choice={"type": "function", "name": "find"})
    assert both.tool_choice == ToolChoice(mode="tool", name="find")
