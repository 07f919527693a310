"""A value for a JSON Schema: deterministic, and valid for the schemas that tools and structured output use."""

import json
from typing import Any, cast

CITIES = ("Paris", "Rome", "Oslo", "Lima")
FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "email": "ann@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}
MAX_DEPTH = 12


def instance(schema: Any, *, variant: int = 0) -> Any:
    """Return a value valid for `schema`; another `variant` gives another value where the schema leaves room."""
    return _make(schema, schema, name="", variant=variant, depth=0)


def instance_text(schema: Any, *, variant: int = 0) -> str:
    """Return `instance` as compact JSON text."""
    return json.dumps(instance(schema, variant=variant), ensure_ascii=False, separators=(",", ":"))


def _make(schema: Any, root: Any, *, name: str, variant: int, depth: int) -> Any:
    if not isinstance(schema, dict):
        return "value"
    node = _resolve(cast(dict[str, Any], schema), root)
    if "const" in node:
        return node["const"]
    if node.get("enum"):
        return node["enum"][variant % len(node["enum"])]
    for key in ("anyOf", "oneOf"):
        if node.get(key):
            branches = [b for b in node[key] if not (isinstance(b, dict) and b.get("type") == "null")]
            branch = (branches or node[key])[0]
            return _make(branch, root, name=name, variant=variant, depth=depth + 1)
    kind = node.get("type") or (
        "object" if "properties" in node else "array" if "items" in node else "string"
    )
    if isinstance(kind, list):
        kind = next((item for item in cast(list[str], kind) if item != "null"), "null")
    if kind == "object":
        return _object(node, root, variant=variant, depth=depth)
    if kind == "array":
        return _array(node, root, name=name, variant=variant, depth=depth)
    return _scalar(str(kind), node, name=name, variant=variant)


def _object(node: dict[str, Any], root: Any, *, variant: int, depth: int) -> dict[str, Any]:
    properties: dict[str, Any] = node.get("properties") or {}
    wanted = properties if depth < 3 else [key for key in properties if key in node.get("required", ())]
    if depth > MAX_DEPTH:
        return {}
    return {key: _make(properties[key], root, name=key, variant=variant, depth=depth + 1) for key in wanted}


def _array(node: dict[str, Any], root: Any, *, name: str, variant: int, depth: int) -> list[Any]:
    fixed: list[Any] = node.get("prefixItems") or []
    if fixed:
        return [_make(item, root, name=name, variant=variant, depth=depth + 1) for item in fixed]
    count = max(int(node.get("minItems", 0)), 0 if depth > MAX_DEPTH or node.get("maxItems") == 0 else 1)
    if depth > MAX_DEPTH:
        count = int(node.get("minItems", 0))
    item = node.get("items", {"type": "string"})
    return [_make(item, root, name=name, variant=variant + i, depth=depth + 1) for i in range(count)]


def _scalar(kind: str, node: dict[str, Any], *, name: str, variant: int) -> Any:
    match kind:
        case "integer" | "number":
            return _number(node, 7 + variant, whole=kind == "integer")
        case "boolean":
            return variant % 2 == 0
        case "null":
            return None
        case _:
            return _string(node, name=name, variant=variant)


def _number(node: dict[str, Any], value: float, *, whole: bool) -> float:
    low, high = node.get("minimum"), node.get("maximum")
    if "exclusiveMinimum" in node:
        low = node["exclusiveMinimum"] + 1
    if "exclusiveMaximum" in node:
        high = node["exclusiveMaximum"] - 1
    if low is not None:
        value = max(value, low)
    if high is not None:
        value = min(value, high)
    return int(value) if whole else value


def _string(node: dict[str, Any], *, name: str, variant: int) -> str:
    if node.get("format") in FORMATS:
        return FORMATS[node["format"]]
    if any(word in name.lower() for word in ("city", "location", "place")):
        text = CITIES[variant % len(CITIES)]
    else:
        text = f"{name or 'text'} {variant + 1}"
    shortest, longest = int(node.get("minLength", 0)), node.get("maxLength")
    text = text.ljust(shortest, "x")
    return text if longest is None else text[: int(longest)]


def _resolve(node: dict[str, Any], root: Any) -> dict[str, Any]:
    for _ in range(20):
        reference = node.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target: Any = root
        for step in reference[2:].split("/"):
            target = (
                target.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
            )
        node = {**target, **{key: item for key, item in node.items() if key != "$ref"}}
    if node.get("allOf"):
        merged: dict[str, Any] = {key: item for key, item in node.items() if key != "allOf"}
        for part in node["allOf"]:
            inner = _resolve(part, root)
            properties = {**merged.get("properties", {}), **inner.get("properties", {})}
            merged = {**inner, **merged}
            if properties:
                merged["properties"] = properties
        return merged
    return node
