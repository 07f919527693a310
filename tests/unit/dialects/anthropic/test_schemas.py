"""JSON schemas for tools and for structured outputs."""

import pytest

from flowrouter.dialects.anthropic.schemas import closed_schema, tool_schema

CAT = {
    "type": "object",
    "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
    "required": ["kind", "lives"],
}
DOG = {
    "type": "object",
    "properties": {"kind": {"const": "dog"}, "bark": {"type": "string"}},
    "required": ["kind"],
}


@pytest.mark.parametrize("combiner", ["anyOf", "oneOf"])
def test_a_union_at_the_root_asks_for_what_all_branches_ask(combiner):
    schema, bent = tool_schema({combiner: [CAT, DOG], "description": "A pet."})
    assert schema == {
        "description": "A pet.",
        "type": "object",
        "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}, "bark": {"type": "string"}},
        "required": ["kind"],
    }
    assert bent is not None


def test_an_intersection_at_the_root_asks_for_what_any_branch_asks():
    schema, _ = tool_schema(
        {"type": "object", "properties": {"id": {}}, "required": ["id"], "allOf": [CAT, DOG]}
    )
    assert schema["required"] == ["id", "kind", "lives"]
    assert list(schema["properties"]) == ["id", "kind", "lives", "bark"]


def test_branches_may_be_references_and_null_asks_for_nothing():
    schema, _ = tool_schema({"anyOf": [{"$ref": "#/$defs/Cat"}, {"type": "null"}], "$defs": {"Cat": CAT}})
    assert schema["required"] == ["kind", "lives"]
    assert schema["$defs"] == {"Cat": CAT}


def test_two_combiners_and_a_reference_to_nowhere():
    schema, _ = tool_schema({"anyOf": [{"$ref": "#/$defs/Gone"}], "allOf": [DOG]})
    assert not {"anyOf", "allOf"} & schema.keys()
    assert "bark" in schema["properties"]


@pytest.mark.parametrize("kind", ["string", ["object", "null"]])
def test_an_input_is_an_object(kind):
    schema, bent = tool_schema({"type": kind, "properties": {"a": {}}})
    assert schema["type"] == "object"
    assert bent is not None


def test_a_plain_object_is_not_touched():
    schema = {"type": "object", "properties": {"anyOf": {"type": "string"}}}
    assert tool_schema(schema) == (schema, None)
    assert tool_schema(schema)[0] is schema


def test_closing_goes_all_the_way_down_and_limits_become_words():
    schema, changes = closed_schema(
        {
            "type": "object",
            "properties": {
                "age": {"type": "integer", "minimum": 0, "maximum": 150, "description": "Years."},
                "tags": {
                    "type": "array",
                    "items": {"type": "string", "maxLength": 3},
                    "minItems": 1,
                    "maxItems": 5,
                },
                "pet": {"oneOf": [CAT, {"type": "null"}]},
            },
            "additionalProperties": True,
            "$defs": {"Leaf": {"type": "object", "properties": {}}},
        }
    )
    properties = schema["properties"]
    assert properties["age"] == {"type": "integer", "description": "Years. (minimum: 0; maximum: 150)"}
    assert properties["tags"]["items"] == {"type": "string", "description": "(maxLength: 3)"}
    assert properties["tags"]["minItems"] == 1
    assert properties["pet"]["anyOf"][0]["additionalProperties"] is False
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Leaf"]["additionalProperties"] is False
    assert changes == [
        "limits told in descriptions: minimum, maximum, maxLength, maxItems",
        "objects are closed to further members",
        "oneOf sent as anyOf",
    ]


def test_property_names_are_no_keywords_and_booleans_are_schemas():
    properties = {
        "minimum": {"type": "string"},
        "oneOf": {"type": "string"},
        "any": True,
        "title": {"type": "string"},
    }
    schema, changes = closed_schema(
        {"type": "object", "properties": properties, "additionalProperties": False}
    )
    assert schema["properties"] == properties
    assert changes == []


def test_the_clients_schema_is_not_changed_in_place():
    original = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    closed_schema(original)
    assert original == {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
