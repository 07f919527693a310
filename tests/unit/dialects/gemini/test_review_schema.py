"""Schemas that mean the same after cleaning, whatever their size and shape."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.tools import FunctionTool
from flowrouter.dialects.gemini.classic import to_json_schema
from flowrouter.dialects.gemini.schema import clean_schema
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.gemini.build import chat, render

TEXT: dict[str, Any] = {"type": "string"}


def declared(schema: dict[str, Any], **members: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the declaration of a tool in the classic form, and the paths of its losses."""
    tool = FunctionTool(name="f", schema=schema, **members)
    rendered = render(chat(tools=(tool,)), schema_mode="clean")
    wire = loads(rendered.body)["tools"][0]["functionDeclarations"][0]
    return wire, [loss.path for loss in rendered.losses]


def cleaned(schema: Any, *, strict: bool = False) -> dict[str, Any]:
    """Return one property's schema cleaned."""
    root: dict[str, Any] = {"type": "object", "properties": {"p": schema}}
    return clean_schema(root, strict=strict).schema["properties"]["p"]


def doubled_by_all_of(depth: int) -> dict[str, Any]:
    """Return a schema whose references double at each step."""
    steps: dict[str, Any] = {
        f"a{step}": {"allOf": [{"$ref": f"#/$defs/a{step + 1}"}, {"$ref": f"#/$defs/a{step + 1}"}]}
        for step in range(depth)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**steps, f"a{depth}": {"type": "object", "properties": {}}}}


def doubled_by_any_of(depth: int) -> dict[str, Any]:
    """Return a schema whose properties stand in both branches of a choice at each step."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        choice = [{"required": ["p"]}, {"title": "other"}]
        schema = {"type": "object", "properties": {"p": schema}, "anyOf": choice}
    return schema


@pytest.mark.parametrize(
    "schema", [doubled_by_all_of(200), doubled_by_any_of(60)], ids=["allOf references", "anyOf beside"]
)
def test_a_small_schema_never_becomes_a_huge_one(schema: dict[str, Any]) -> None:
    found = clean_schema(schema)
    assert len(dumps(found.schema)) < 20_000_000
    assert found.told


def test_a_tool_that_takes_one_of_two_objects_keeps_its_parameters() -> None:
    one = {"type": "object", "properties": {"kind": {"const": "a"}, "x": TEXT}, "required": ["kind", "x"]}
    two = {"type": "object", "properties": {"kind": {"const": "b"}, "y": TEXT}, "required": ["kind"]}
    wire, losses = declared({"oneOf": [one, two]})
    assert wire["parameters"] == {
        "type": "OBJECT",
        "properties": {
            "kind": {"type": "STRING", "enum": ["a", "b"]},
            "x": {"type": "STRING"},
            "y": {"type": "STRING"},
        },
        "required": ["kind"],
    }
    assert losses == ["tools[0].function.parameters"]


def test_properties_that_differ_between_the_choices_stay_choices() -> None:
    one = {"type": "object", "properties": {"v": TEXT}}
    two = {"type": "object", "properties": {"v": {"type": "integer"}}}
    wire, _ = declared({"anyOf": [one, two]})
    assert wire["parameters"]["properties"]["v"] == {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}


def test_an_object_of_any_names_tells_of_them_where_it_can() -> None:
    wire, losses = declared(
        {"type": "object", "additionalProperties": {"type": "string"}}, description="Sets."
    )
    assert wire == {"name": "f", "description": 'Sets.\nadditionalProperties: {"type":"string"}'}
    assert losses == ["tools[0].function.parameters"]


def test_parameters_that_are_no_object_are_lost_by_name() -> None:
    wire, losses = declared({"type": "string"})
    assert wire == {"name": "f"}
    assert losses == ["tools[0].function.parameters"]


def test_references_may_be_written_as_addresses() -> None:
    root = {
        "type": "object",
        "properties": {"p": {"$ref": "#/definitions/My%20T%3Cx%3E"}},
        "definitions": {"My T<x>": TEXT},
    }
    assert clean_schema(root).schema["properties"]["p"] == {"type": "STRING"}


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ([{"type": "integer", "minimum": 5}, {"minimum": 1}], {"type": "INTEGER", "minimum": 5}),
        ([{"type": "string", "maxLength": 3}, {"maxLength": 9}], {"type": "STRING", "maxLength": 3}),
        ([{"enum": ["a", "b"]}, {"enum": ["b", "c"]}], {"type": "STRING", "enum": ["b"]}),
        ([{"type": "integer"}, {"type": "number"}], {"type": "INTEGER"}),
    ],
    ids=["the greater minimum", "the lesser maximum", "what both enumerate", "the narrower type"],
)
def test_all_of_asks_for_everything(parts: list[Any], wanted: dict[str, Any]) -> None:
    assert cleaned({"allOf": parts}) == wanted


def test_a_condition_narrows_nothing_for_good() -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string", "enum": ["x", "y"]}},
        "if": {"properties": {"z": TEXT}},
        "then": {"properties": {"kind": {"const": "x"}, "more": TEXT}},
    }
    assert cleaned(schema)["properties"] == {
        "kind": {"type": "STRING", "enum": ["x", "y"]},
        "more": {"type": "STRING"},
    }


def test_what_has_no_type_still_tells_its_limits() -> None:
    found = cleaned({"not": {"const": 3}, "description": "A value."})
    assert {branch["description"] for branch in found["anyOf"]} == {'A value. (not: {"const":3})'}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"description": 5}, {}),
        ({"title": None}, {}),
        ({"minLength": None}, {}),
        ({"pattern": ["a"]}, {"description": 'pattern: ["a"]'}),
        ({"maxLength": "many"}, {"description": "maxLength: many"}),
    ],
    ids=["description", "title", "minLength", "pattern", "maxLength"],
)
def test_a_keyword_with_a_value_of_another_type_is_none(said: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert cleaned({"type": "string", **said}) == {"type": "STRING", **wanted}


def test_an_enumeration_is_text_and_has_no_items() -> None:
    assert cleaned({"type": "array", "items": TEXT, "enum": [["a"]]}).keys() == {
        "type",
        "enum",
        "description",
    }


def test_constants_to_choose_from_are_one_enumeration_in_the_strict_core() -> None:
    found = cleaned({"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}, {"type": "null"}]}, strict=True)
    assert found["enum"] == ["a", "b"]


def test_definitions_of_a_classic_schema_are_converted_too() -> None:
    classic = {
        "type": "OBJECT",
        "properties": {"p": {"ref": "#/defs/T"}, "ref": {"type": "STRING"}},
        "defs": {"T": {"type": "STRING", "minLength": "3"}},
    }
    assert to_json_schema(classic) == {
        "type": "object",
        "properties": {"p": {"$ref": "#/$defs/T"}, "ref": {"type": "string"}},
        "$defs": {"T": {"type": "string", "minLength": 3}},
    }


@pytest.mark.parametrize("count", ["²", "9" * 5000, "-1", ""], ids=["power", "huge", "negative", "empty"])
def test_a_count_in_odd_words_stays_as_it_came(count: str) -> None:
    assert to_json_schema({"type": "ARRAY", "minItems": count}) == {"type": "array", "minItems": count}
