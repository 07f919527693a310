"""Which keywords the classic schema takes as they are, and which are told in the description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = {
    "string": "STRING",
    "number": "NUMBER",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "array": "ARRAY",
    "object": "OBJECT",
    "null": "NULL",
}

FORMATS: Mapping[str, tuple[str, ...]] = {
    "STRING": ("enum", "date-time"),
    "INTEGER": ("int32", "int64"),
    "NUMBER": ("float", "double"),
}
"""The formats of each type."""

_BOUNDS = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "pattern"}
    | {"minimum", "maximum"}
)

PLAIN = _BOUNDS | {"description", "title", "propertyOrdering"}
"""Keywords that pass as they are."""

WORDY = frozenset(
    {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems", "contains", "not", "default"}
    | {"propertyNames", "patternProperties", "additionalProperties", "contentEncoding", "contentMediaType"}
    | {"examples", "example", "const"}
)
"""Keywords whose meaning the description has to carry."""


def bounded(name: str) -> bool:
    """Return whether a keyword is a bound, which the strict core leaves out, as it does titles."""
    return name in _BOUNDS or name in ("title", "propertyOrdering")


def sayable(name: str, value: object) -> bool:
    """Return whether a plain keyword has a value of the type that the vendor gives it."""
    match name:
        case "description" | "title" | "pattern":
            return isinstance(value, str)
        case "propertyOrdering":
            return isinstance(value, list)
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool)


def described(node: Mapping[str, Any], *notes: str) -> str:
    """Return a schema's description with notes behind it in brackets, or the notes alone."""
    text = node.get("description")
    words = text if isinstance(text, str) else ""
    told = "; ".join(notes)
    return f"{words} ({told})" if words and told else words or told


__all__ = ["FORMATS", "PLAIN", "TYPES", "WORDY", "bounded", "described", "sayable"]
