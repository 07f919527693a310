"""JSON Schema cleaned to Gemini's classic one without changing what it asks for, and the way back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.dialects.gemini.classic import to_json_schema
from flowrouter.dialects.gemini.schema import clean_schema
from tests.upstreams.gemini.schemas import check_schema

S = {"type": "STRING"}
ANYTHING = {
    "anyOf": [{"type": kind, "description": "Any JSON value."} for kind in ("STRING", "NUMBER", "BOOLEAN")]
}


def clean(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a cleaned schema that the vendor's own rules pass."""
    cleaned = clean_schema(schema).schema
    check_schema("schema", cleaned)
    return cleaned


def prop(schema: Any, **root: Any) -> Any:
    """Return what a property becomes."""
    return clean({"type": "object", "properties": {"p": schema}, **root})["properties"]["p"]


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({"type": "string", "minLength": 2, "pattern": "a"}, {"type": "STRING", "minLength": 2, "pattern": "a"}),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        ({"type": "string", "format": "uri"}, {"type": "STRING", "description": "format: uri"}),
        ({"type": "integer", "format": "int64"}, {"type": "INTEGER", "format": "int64"}),
        ({"type": "string", "enum": ["a", "", "b"]}, {"type": "STRING", "enum": ["a", "b"]}),
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": "string", "enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"type": ["string", "number"]}, {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [S, {"type": "INTEGER"}]}),
        ({"type": "array"}, {"type": "ARRAY", "items": S}),
        ({"items": {"type": "string"}}, {"type": "ARRAY", "items": S}),
        ({"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
         {"type": "ARRAY", "items": {"anyOf": [S, {"type": "INTEGER"}]}}),
        ({"type": "object", "additionalProperties": False}, {"type": "OBJECT"}),
        ({"type": "string", "default": "x", "description": "Name."},
         {"type": "STRING", "description": "Name. (default: x)"}),
        ({"type": "number", "exclusiveMinimum": 0, "multipleOf": 2},
         {"type": "NUMBER", "description": "exclusiveMinimum: 0; multipleOf: 2"}),
        ({"type": "STRING", "x-note": 1, "$comment": "c", "deprecated": True}, S),
        ({}, ANYTHING),
        (True, ANYTHING),
    ],
    ids=[
        "bounds stay", "known format", "unknown format", "integer format", "empty member", "const", "nullable",
        "null member", "two types", "null branch", "one of", "no items", "no type", "tuple", "closed object",
        "default", "bounds in words", "noise", "empty schema", "true",
    ],
)  # fmt: skip
def test_keywords(schema: Any, cleaned: Any) -> None:
    assert prop(schema) == cleaned


def test_enums_of_numbers_become_texts_and_say_so() -> None:
    assert prop({"type": "integer", "enum": [1, 2], "minimum": 1}) == {
        "type": "STRING",
        "enum": ["1", "2"],
        "description": "one of the values 1, 2, not their text",
    }


def test_what_stands_beside_a_choice_goes_into_each_branch() -> None:
    schema = {"description": "Which.", "anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]}
    assert prop(schema) == {
        "anyOf": [
            {"type": "STRING", "description": "Which.", "nullable": True},
            {"type": "INTEGER", "description": "Which.", "nullable": True},
        ]
    }


def test_properties_named_like_keywords_survive() -> None:
    names = ["title", "type", "format", "pattern", "default", "const", "$ref", "enum", "anyOf", "properties"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    assert clean(schema) == {"type": "OBJECT", "properties": dict.fromkeys(names, S), "required": names}


def test_references_are_put_in_where_they_stand() -> None:
    assert prop(
        {"$ref": "#/$defs/City", "description": "Where."},
        **{
            "$defs": {
                "City": {"type": "object", "description": "A city.", "properties": {"n": {"type": "string"}}}
            }
        },
    ) == {"type": "OBJECT", "description": "Where.", "properties": {"n": S}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}}, "$ref": "#/$defs/N"},
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"$defs": {"N": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/N"}}]}},
         "type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}},
        {"$defs": {"N": {"allOf": [{"$ref": "#/$defs/N"}, {"type": "object"}]}},
         "type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}},
        {"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
         "type": "object", "properties": {"n": {"$ref": "#/$defs/A"}}},
        {"type": "object", "properties": {"n": {"$ref": "#/$defs/Missing"}}},
        {"type": "object", "properties": {"n": {"$ref": "https://elsewhere.example/x"}}},
    ],
    ids=["list", "root", "through a choice", "through all", "two", "missing", "elsewhere"],
)  # fmt: skip
@pytest.mark.parametrize("strict", [False, True])
def test_cycles_and_loose_ends_end(schema: dict[str, Any], strict: bool) -> None:
    cleaned = clean_schema(schema, strict=strict)
    assert "See: " in json.dumps(cleaned.schema)
    assert "$ref" in cleaned.told
    check_schema("schema", cleaned.schema)


def test_references_that_multiply_are_bounded() -> None:
    defs = {
        f"L{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/L{n + 1}"} for side in "ab"}}
        for n in range(40)
    }
    schema = {"$defs": {**defs, "L40": {"type": "string"}}, "$ref": "#/$defs/L0"}
    assert len(json.dumps(clean_schema(schema).schema)) < 2_000_000


def test_all_of_is_merged() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"a": {"description": "A."}, "b": {"type": "integer"}}, "required": ["b"]},
        ]
    }
    assert clean(schema) == {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING", "description": "A."}, "b": {"type": "INTEGER"}},
        "required": ["a", "b"],
    }


def test_conditions_offer_their_properties() -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "if": {"properties": {"kind": {"const": "x"}}},
        "then": {"properties": {"x": {"type": "string"}}, "required": ["x"]},
        "else": {"properties": {"y": {"type": "string"}}},
    }
    assert clean(schema) == {"type": "OBJECT", "properties": {"kind": S, "x": S, "y": S}}


def test_malformed_schemas_are_mended() -> None:
    schema = {
        "properties": {"a": {"type": "string", "required": True}, "b": {"properties": []}, "c": False},
        "required": ["a", "gone", 5],
    }
    assert clean(schema) == {"type": "OBJECT", "properties": {"a": S, "b": ANYTHING}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({"type": ["string", "null"], "title": "T"}, {"type": "STRING", "description": "title: T (may be null)"}),
        ({"type": "string", "minLength": 1, "format": "date-time"},
         {"type": "STRING", "description": "minLength: 1; format: date-time"}),
        ({"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}],
          "description": "Either."},
         {"type": "OBJECT", "properties": {"a": S}, "description": "Either. (or: string)"}),
        ({"type": "object"},
         {"type": "OBJECT", "properties": {"reason": {"type": "STRING", "description": "Why this is called."}}}),
    ],
    ids=["nullable", "bounds", "choice", "empty object"],
)  # fmt: skip
def test_the_strict_core_says_it_in_words(schema: Any, cleaned: Any) -> None:
    root = {"type": "object", "properties": {"p": schema}}
    assert clean_schema(root, strict=True).schema["properties"]["p"] == cleaned


def test_the_same_schema_gives_the_same_bytes() -> None:
    schema = {"type": "object", "properties": {"b": {"enum": ["x"]}, "a": {"type": ["null", "string"]}}}
    first = clean_schema(schema)
    assert clean_schema(json.loads(json.dumps(schema))) is first
    assert list(first.schema["properties"]) == ["b", "a"]
    assert clean_schema(schema, strict=True) is not first


def test_the_original_is_not_touched() -> None:
    schema = {"$defs": {"N": {"type": "string"}}, "allOf": [{"properties": {"a": {"$ref": "#/$defs/N"}}}]}
    before = json.dumps(schema)
    clean_schema(schema)
    assert json.dumps(schema) == before


@pytest.mark.parametrize(
    ("classic", "plain"),
    [
        ({"type": "OBJECT", "properties": {"type": {"type": "STRING"}}},
         {"type": "object", "properties": {"type": {"type": "string"}}}),
        ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"any_of": [{"type": "STRING"}], "min_items": "2"}, {"anyOf": [{"type": "string"}], "minItems": 2}),
        ({"type": "ARRAY", "items": {"type": "INTEGER"}, "maxItems": "3", "propertyOrdering": []},
         {"type": "array", "items": {"type": "integer"}, "maxItems": 3}),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
    ],
    ids=["object", "nullable", "nullable choice", "snake", "array", "not nullable"],
)  # fmt: skip
def test_classic_becomes_json_schema(classic: Any, plain: Any) -> None:
    assert to_json_schema(classic) == plain


def test_json_schema_is_json_schema_already() -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    assert to_json_schema(schema) is schema
