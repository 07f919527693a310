"""JSON schemas as this dialect takes them: an object at the root of a tool, closed objects in outputs.

Only schema positions are rewritten; names of properties are not keywords, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flowrouter.wire.json import dumps_text

Schema = dict[str, Any]

_COMBINERS = ("anyOf", "oneOf", "allOf")
_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLES = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")

_LIMITS = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    }
)
"""Keywords the vendor's structured outputs refuse (platform docs, November 2026)."""


def tool_schema(schema: Schema | None) -> tuple[Schema, str | None]:
    """Return a tool's input schema and, if its meaning had to be bent, how.

    No schema and no type both mean an object. A combiner at the root is refused by the vendor: the
    branches' properties become one object; required stays what every branch (`allOf`: any) asks for.
    """
    if not schema:
        return {"type": "object", "properties": {}}, None
    combiner = next((name for name in _COMBINERS if isinstance(schema.get(name), list)), None)
    if combiner is None and schema.get("type", "object") == "object":
        return (schema if "type" in schema else {"type": "object", **schema}), None
    if combiner is None:
        return {**schema, "type": "object"}, f"the input is an object, not {dumps_text(schema['type'])}"
    return _merged(schema, combiner), f"the schema's root {combiner} was merged into one object"


def _merged(schema: Schema, combiner: str) -> Schema:
    base = {name: value for name, value in schema.items() if name != combiner}
    properties: Schema = dict(_mapping(base.get("properties")))
    demands: list[list[str]] = []
    for branch in cast("list[object]", schema[combiner]):
        resolved = _resolve(_mapping(branch), schema)
        for name, value in _mapping(resolved.get("properties")).items():
            properties.setdefault(name, value)
        if resolved.get("type", "object") == "object":
            demands.append(_names(resolved.get("required")))
    required = dict.fromkeys(_names(base.get("required")))
    if combiner == "allOf":
        required.update(dict.fromkeys(name for names in demands for name in names))
    elif demands:
        shared = set(demands[0]).intersection(*demands[1:])
        required.update((name, None) for name in demands[0] if name in shared)
    merged = {**base, "type": "object", "properties": properties}
    if required:
        merged["required"] = list(required)
    return tool_schema(merged)[0]


def _resolve(branch: Schema, root: Schema) -> Schema:
    """Follow one local reference, which is how generators write the branches of a union."""
    reference = branch.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return branch
    at: object = root
    for step in reference[2:].split("/"):
        at = _mapping(at).get(step.replace("~1", "/").replace("~0", "~"))
    return _mapping(at)


def closed_schema(schema: Schema) -> tuple[Schema, list[str]]:
    """Return a schema for structured outputs, and in words what had to change.

    Limits move into descriptions, every object is closed (`additionalProperties: false`), `oneOf` becomes
    `anyOf`.
    """
    moved: list[str] = []
    bent: list[str] = []

    def close(node: Schema) -> Schema:
        closed = {name: value for name, value in node.items() if not _is_limit(name, value)}
        limits = {name: value for name, value in node.items() if _is_limit(name, value)}
        if limits:
            moved.extend(limits)
            told = "; ".join(f"{name}: {dumps_text(value)}" for name, value in limits.items())
            closed["description"] = f"{closed.get('description', '')} ({told})".strip()
        if "oneOf" in closed and "anyOf" not in closed:
            closed["anyOf"] = closed.pop("oneOf")
            bent.append("oneOf sent as anyOf")
        if closed.get("type") == "object" or "properties" in closed:
            if closed.get("additionalProperties") is not False:
                bent.append("objects are closed to further members")
            closed["additionalProperties"] = False
        return closed

    whole = _walk(schema, close)
    told = [f"limits told in descriptions: {', '.join(dict.fromkeys(moved))}"] if moved else []
    return whole, [*told, *dict.fromkeys(bent)]


def _is_limit(name: str, value: object) -> bool:
    return name in _LIMITS and not (name == "minItems" and value in (0, 1))


def _walk(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Apply `change` to a schema and all schemas below it."""
    below = dict(schema)
    for name in _MAPS:
        if isinstance(below.get(name), dict):
            below[name] = {key: _walk_any(value, change) for key, value in _mapping(below[name]).items()}
    for name in _LISTS:
        if isinstance(below.get(name), list):
            below[name] = [_walk_any(value, change) for value in cast("list[object]", below[name])]
    for name in _SINGLES:
        if name in below:
            below[name] = _walk_any(below[name], change)
    return change(below)


def _walk_any(value: object, change: Callable[[Schema], Schema]) -> object:
    """Walk a schema; booleans are schemas too and stay as they are."""
    return _walk(cast("Schema", value), change) if isinstance(value, dict) else value


def _mapping(value: object) -> Schema:
    return cast("Schema", value) if isinstance(value, dict) else {}


def _names(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    return [name for name in cast("list[object]", value) if isinstance(name, str)]


__all__ = ["Schema", "closed_schema", "tool_schema"]
