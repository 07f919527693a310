"""Tools and tool choice of other dialects in Gemini's terms, and names that must fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.dialects.gemini.tool_names import fit_names
from flowrouter.errors import CallerError
from tests.unit.dialects.gemini.build import (
    GEMINI_25,
    WEATHER,
    body_of,
    call,
    chat,
    render,
    result,
    rows,
    say,
)

OTHER = FunctionTool(name="other")
SEARCH = HostedTool(
    kind="web_search_20250305",
    name="web_search",
    origin="anthropic",
    config={"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
)
HOSTED = frozenset({"web_search"})


def declared(**options: Any) -> list[dict[str, Any]]:
    body = body_of(chat(tools=options.pop("tools"), tool_choice=options.pop("tool_choice", None)), **options)
    functions: list[dict[str, Any]] = body["tools"][0]["functionDeclarations"]
    return functions


def test_functions_stand_in_one_entry_in_their_order() -> None:
    assert declared(tools=(OTHER, WEATHER)) == [
        {"name": "other"},
        {
            "name": "get_weather",
            "description": "Current weather for a city.",
            "parametersJsonSchema": WEATHER.schema,
        },
    ]


def test_cleaned_schemas_go_into_parameters() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "exclusiveMinimum": 0}}}
    tool = FunctionTool(name="f", schema=schema, strict=True, cache=CacheHint(), extra={"odd": 1})
    rendered = render(chat(tools=(tool,)), schema_mode="clean")
    [function] = json.loads(rendered.body)["tools"][0]["functionDeclarations"]
    assert function["parameters"]["properties"]["n"] == {
        "type": "INTEGER",
        "description": "exclusiveMinimum: 0",
    }
    assert set(rows(rendered.losses)) == {
        ("tools[0].function.parameters", "changed"),
        ("tools[0].function.strict", "dropped"),
        ("tools[*].odd", "dropped"),
        ("tools[*].cache_control", "dropped"),
    }


def test_an_object_without_properties_needs_no_classic_schema() -> None:
    tool = FunctionTool(name="f", schema={"type": "object", "properties": {}})
    assert declared(tools=(tool,), schema_mode="clean") == [{"name": "f"}]
    [strict] = declared(tools=(tool,), schema_mode="strict")
    assert list(strict["parameters"]["properties"]) == ["reason"]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="tool", name="other"), {"mode": "ANY", "allowedFunctionNames": ["other"]}),
        (
            ToolChoice(mode="allowed", names=("other",), required=True),
            {"mode": "ANY", "allowedFunctionNames": ["other"]},
        ),
        (
            ToolChoice(mode="allowed", names=("other", "missing")),
            {"mode": "VALIDATED", "allowedFunctionNames": ["other"]},
        ),
    ],
    ids=["auto", "none", "required", "one", "some of these", "if any of these"],
)
def test_choice(choice: ToolChoice, config: dict[str, Any]) -> None:
    body = body_of(chat(tools=(WEATHER, OTHER), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}


def test_allowed_tools_that_are_not_there_are_told() -> None:
    choice = ToolChoice(mode="allowed", names=("other", "missing"))
    assert rows(render(chat(tools=(OTHER,), tool_choice=choice)).losses) == [("tool_choice", "changed")]


def test_a_choice_without_tools_goes_nowhere() -> None:
    rendered = render(chat(tool_choice=ToolChoice(mode="required")))
    assert "toolConfig" not in json.loads(rendered.body)
    assert rows(rendered.losses) == [("tool_choice", "dropped")]


def test_a_forced_tool_must_be_there() -> None:
    with pytest.raises(CallerError) as raised:
        render(chat(tools=(WEATHER,), tool_choice=ToolChoice(mode="tool", name="missing")))
    assert raised.value.param == "tool_choice"


def test_the_last_of_two_tools_of_one_name_counts() -> None:
    rendered = render(chat(tools=(FunctionTool(name="f", description="old"), FunctionTool(name="f"))))
    assert json.loads(rendered.body)["tools"] == [{"functionDeclarations": [{"name": "f"}]}]
    assert rows(rendered.losses) == [("tools[0]", "dropped")]


def test_a_model_without_tools_is_not_sent_any() -> None:
    with pytest.raises(CallerError) as raised:
        render(chat(tools=(WEATHER,)), tools=False)
    assert (raised.value.param, raised.value.code) == ("tools", "unsupported_tools")
    assert "tools" not in body_of(chat(tools=(WEATHER,)), tools=False, unsupported="drop")


def test_a_custom_tool_is_a_function_with_one_text() -> None:
    tool = CustomTool(name="patch", description="Edits.", format={"type": "grammar", "definition": "x"})
    rendered = render(chat(tools=(tool,)))
    [function] = json.loads(rendered.body)["tools"][0]["functionDeclarations"]
    assert function["parametersJsonSchema"]["required"] == ["input"]
    assert '"definition":"x"' in function["description"]
    assert rendered.edits.custom == {"patch"}
    assert rows(rendered.losses) == [("tools[0]", "emulated")]


def test_a_web_search_becomes_googles() -> None:
    rendered = render(chat(tools=(SEARCH,)), hosted=HOSTED)
    assert json.loads(rendered.body)["tools"] == [{"googleSearch": {}}]
    assert rows(rendered.losses) == [("tools[0].max_uses", "dropped"), ("tools[0]", "changed")]


def test_a_search_beside_functions_only_where_the_model_mixes_them() -> None:
    request = chat(tools=(WEATHER, SEARCH))
    assert len(body_of(request, hosted=HOSTED)["tools"]) == 2
    rendered = render(request, hosted=HOSTED, **GEMINI_25)
    assert len(json.loads(rendered.body)["tools"]) == 1
    assert rows(rendered.losses) == [("tools[1]", "dropped")]


def test_a_tool_only_its_vendor_runs_is_lost_unless_it_was_forced() -> None:
    shell = HostedTool(kind="bash_20250124", name="bash", origin="anthropic", config={})
    assert rows(render(chat(tools=(shell, WEATHER))).losses) == [("tools[0]", "dropped")]
    with pytest.raises(CallerError) as raised:
        render(chat(tools=(shell, WEATHER), tool_choice=ToolChoice(mode="tool", name="bash")))
    assert raised.value.param == "tools[0]"


def test_names_are_fitted_everywhere_and_told_back() -> None:
    name = "mcp/files read"
    request = chat(
        say("user", "a"),
        say("assistant", call("1", name)),
        say("tool", result("1", "x")),
        tools=(FunctionTool(name=name),),
        tool_choice=ToolChoice(mode="tool", name=name),
    )
    rendered = render(request)
    body = json.loads(rendered.body)
    [fitted] = rendered.edits.names
    assert rendered.edits.names == {fitted: name}
    assert body["tools"][0]["functionDeclarations"][0]["name"] == fitted
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [fitted]
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == fitted
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == fitted
    assert {path for path, _ in rows(rendered.losses)} == {
        "tools[0].function.name",
        "messages[1].tool_calls[0].function.name",
    }


@pytest.mark.parametrize("name", ["f", "_f", "a.b:c-d", "mcp__server__tool", "a" * 64])
def test_names_that_fit_stay(name: str) -> None:
    assert fit_names([name], limit=64) == {name: name}


@pytest.mark.parametrize("name", ["1st", "-f", ".f", "a b", "a/b", "ü", "a" * 65, ""])
def test_names_that_do_not_are_made_to(name: str) -> None:
    [fitted] = fit_names([name], limit=64).values()
    assert fitted != name
    assert 0 < len(fitted) <= 64
    assert fitted[0].isascii()
    assert fitted[0].isalpha() or fitted[0] == "_"
    assert all(letter.isascii() and (letter.isalnum() or letter in "_.:-") for letter in fitted)


def test_no_two_names_become_one() -> None:
    names = ["1a", "_1a", "a b", "a_b", "a" * 65, "a" * 66, "a" * 64]
    fitted = fit_names(names, limit=64)
    assert len(set(fitted.values())) == len(names)
    assert fitted == fit_names(names, limit=64)
