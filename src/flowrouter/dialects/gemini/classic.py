"""Gemini's classic `Schema` (a subset of OpenAPI) as JSON Schema, for everybody else."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.dialects.gemini.node import snake

Schema = dict[str, Any]

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_CAMEL = (*_COUNTS, "anyOf", "prefixItems", "additionalProperties")
_NAMES = {**{snake(name): name for name in _CAMEL}, "ref": "$ref", "defs": "$defs"}
_MAPS = ("properties", "$defs", "definitions")
_COUNT_DIGITS = 18
_ORDERING = ("propertyOrdering", "property_ordering")


def to_json_schema(schema: Schema) -> Schema:
    """Return the JSON Schema that says the same: lower-case types, `nullable` as a type, counts as numbers.

    `propertyOrdering` becomes the order of the properties. A schema that is JSON Schema already comes
    back as it is.
    """
    converted: Schema = {}
    for name, value in schema.items():
        if name in _ORDERING or name == "nullable":
            continue
        name = _NAMES.get(name, name)
        converted[name] = _converted(name, value)
    ordering: Any = schema.get("propertyOrdering", schema.get("property_ordering"))
    properties: Any = converted.get("properties")
    if isinstance(ordering, list) and isinstance(properties, dict):
        converted["properties"] = _in_order(cast("Schema", properties), cast("list[Any]", ordering))
    if schema.get("nullable") is True:
        converted = _nullable(converted)
    same = converted == schema and list(converted) == list(schema)
    return schema if same else converted


def _converted(name: str, value: Any) -> Any:
    match name, value:
        case "type", str() if value.lower() in _TYPES:
            return value.lower()
        case _, dict() if name in _MAPS:
            below = cast("Schema", value)
            return {key: _inner(inner) for key, inner in below.items()}
        case (("items" | "additionalProperties" | "not"), dict()):
            return to_json_schema(cast("Schema", value))
        case (("anyOf" | "oneOf" | "allOf" | "prefixItems"), list()):
            return [_inner(inner) for inner in cast("list[Any]", value)]
        case "$ref", str() if value.startswith("#/defs/"):
            return f"#/$defs/{value.removeprefix('#/defs/')}"
        case _, str() if name in _COUNTS and value.isdecimal() and len(value) <= _COUNT_DIGITS:
            return int(value)
        case _:
            return value


def _in_order(properties: Schema, ordering: list[Any]) -> Schema:
    named = [name for name in ordering if isinstance(name, str) and name in properties]
    return {name: properties[name] for name in (*dict.fromkeys(named), *properties)}


def _inner(value: Any) -> Any:
    return to_json_schema(cast("Schema", value)) if isinstance(value, dict) else value


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        changed: Schema = {**schema, "type": [kind, "null"]}
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            changed["enum"] = [*schema["enum"], None]
        return changed
    if isinstance(schema.get("anyOf"), list):
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return schema


__all__ = ["Schema", "to_json_schema"]
