"""Classic schemas: the rules of the OpenAPI subset, and the same in the words of JSON Schema."""

from typing import Any

from tests.upstreams.gemini.shapes import wrong

Node = dict[str, Any]


def check_schema(where: str, schema: Node) -> None:
    """Raise Refusal at the first thing that the subset does not allow in a schema of known keywords."""
    kind = schema.get("type", "")
    if schema.get("format") and kind == "STRING" and schema["format"] not in ("enum", "date-time"):
        raise wrong(f"{where}.format", "only 'enum' and 'date-time' are supported for STRING type")
    if schema.get("enum") is not None:
        _check_enum(f"{where}.enum", schema)
    properties: dict[str, Node] = schema.get("properties") or {}
    if properties and kind != "OBJECT":
        raise wrong(f"{where}.properties", "only allowed for OBJECT type")
    for index, name in enumerate(schema.get("required") or ()):
        if name not in properties:
            raise wrong(f"{where}.required[{index}]", "property is not defined")
    if kind == "ARRAY" and "items" not in schema:
        raise wrong(f"{where}.items", "missing field.")
    if kind != "ARRAY" and "items" in schema:
        raise wrong(f"{where}.items", "only allowed for ARRAY type")
    for name, inner in properties.items():
        check_schema(f"{where}.properties[{name}]", inner)
    if "items" in schema:
        check_schema(f"{where}.items", schema["items"])
    for index, inner in enumerate(schema.get("anyOf") or ()):
        check_schema(f"{where}.any_of[{index}]", inner)


def _check_enum(where: str, schema: Node) -> None:
    if schema.get("type") != "STRING":
        raise wrong(where, "only allowed for STRING type")
    for index, item in enumerate(schema["enum"]):
        if not item:
            raise wrong(f"{where}[{index}]", "cannot be empty")


def as_json_schema(schema: Any) -> Any:
    """Return a classic schema in JSON Schema's words, for the brain to fill."""
    if not isinstance(schema, dict):
        return schema
    node: Node = dict(schema)
    if isinstance(node.get("type"), str):
        node["type"] = node["type"].lower()
    if isinstance(node.get("properties"), dict):
        node["properties"] = {name: as_json_schema(inner) for name, inner in node["properties"].items()}
    if "items" in node:
        node["items"] = as_json_schema(node["items"])
    if "anyOf" in node:
        node["anyOf"] = [as_json_schema(inner) for inner in node["anyOf"]]
    return node
