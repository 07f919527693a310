"""JSON merge patches (RFC 7396): merging, and the schema of a patch of something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_KEPT = ("title", "description")


def patch_schema(schema: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a merge patch of what `schema` describes: nothing is needed, null removes."""
    return _patched(_resolved(schema, components), components)


def merged(target: Any, patch: Any) -> Any:
    """Return `target` with `patch` merged in."""
    if not isinstance(patch, dict):
        return patch
    found = dict(cast("dict[str, Any]", target)) if isinstance(target, dict) else {}
    for name, value in cast("dict[str, Any]", patch).items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def _patched(schema: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    made["type"] = "object"
    if "properties" in schema:
        made["properties"] = {name: _member(kind, components) for name, kind in schema["properties"].items()}
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        made["additionalProperties"] = _member(cast("Mapping[str, Any]", others), components)
    elif others is not None:
        made["additionalProperties"] = others
    if "propertyNames" in schema:
        made["propertyNames"] = schema["propertyNames"]
    return made


def _member(kind: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one member: the same, merged where it is an object, or null."""
    found = _resolved(kind, components)
    if found.get("type") == "object":
        return {"anyOf": [_patched(found, components), {"type": "null"}]}
    plain = {name: value for name, value in kind.items() if name != "default"}
    return plain if _takes_null(plain) else {"anyOf": [plain, {"type": "null"}]}


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else components[str(reference).rpartition("/")[2]]


def _takes_null(schema: Mapping[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ()) or schema.get("type") == "null"


__all__ = ["merged", "patch_schema"]
