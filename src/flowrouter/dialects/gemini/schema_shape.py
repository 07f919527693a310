"""Puts a JSON Schema into regular form: mended, its nulls and its alternatives named, parts merged."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.wire.json import dumps_text

Schema = dict[str, Any]

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_RANKS = {"object": 3, "array": 2}
_LEAST = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_MOST = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_OF_CONSTANTS = frozenset({"type", "enum", "title", "description"})


def as_mapping(value: object) -> Schema:
    """Return `value` if it is an object, else an empty one."""
    return cast("Schema", value) if isinstance(value, dict) else {}


def names(value: object) -> list[str]:
    """Return the strings of a list."""
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [name for name in listed if isinstance(name, str)]


def repaired(node: Schema) -> Schema:
    """Return a copy with malformed members mended and a missing type inferred.

    Tool servers send `properties` that are lists, `required` that is true, `items` that are lists.
    """
    mended = dict(node)
    if "properties" in mended and not isinstance(mended["properties"], dict):
        del mended["properties"]
    if "required" in mended and not isinstance(mended["required"], list):
        del mended["required"]
    tuples = mended.pop("prefixItems", None)
    items = mended.get("items")
    if isinstance(items, list) or isinstance(tuples, list):
        listed = [
            *cast("list[object]", tuples or []),
            *(cast("list[object]", items) if isinstance(items, list) else []),
        ]
        mended["items"] = {"anyOf": listed} if len(listed) > 1 else (listed[0] if listed else {})
    if "const" in mended:
        mended["enum"] = [mended.pop("const")]
    if isinstance(mended.get("type"), str):
        mended["type"] = mended["type"].lower()
        if mended["type"] not in _TYPES:
            del mended["type"]
    elif not isinstance(mended.get("type"), list):
        mended.pop("type", None)
    if "enum" in mended and not (isinstance(mended["enum"], list) and mended["enum"]):
        del mended["enum"]
    return _typed(mended)


def _typed(node: Schema) -> Schema:
    if "type" in node or any(name in node for name in ("anyOf", "oneOf", "allOf", "$ref")):
        return node
    for name, kind in (
        ("properties", "object"),
        ("items", "array"),
        ("enum", "string"),
        ("pattern", "string"),
    ):
        if name in node:
            return {"type": kind, **node}
    return node


def alternatives(node: Schema) -> tuple[Schema, bool]:
    """Return `node` with every choice of types or schemas as `anyOf` without null, and whether null may be.

    A choice that null alone made one is none: its only branch is merged in.
    """
    nullable = node.pop("nullable", None) is True
    branches = node.pop("anyOf", None)
    others = node.pop("oneOf", None)
    listed = [
        branch
        for held in (branches, others)
        if isinstance(held, list)
        for branch in cast("list[object]", held)
    ]
    kind = node.get("type")
    if isinstance(kind, list):
        kinds = [name for name in names(cast("object", kind)) if name in _TYPES]
        nullable = nullable or "null" in kinds
        kinds = [name for name in kinds if name != "null"]
        node = {name: value for name, value in node.items() if name != "type"}
        if len(kinds) > 1 and not listed:
            listed = [{"type": name} for name in kinds]
        elif kinds:
            node = {"type": kinds[0], **node}
    kept = [branch for branch in listed if not _is_null(branch)]
    nullable = nullable or len(kept) < len(listed)
    if isinstance(node.get("enum"), list) and None in node["enum"]:
        nullable = True
        node = {**node, "enum": [value for value in node["enum"] if value is not None]}
    if len(kept) == 1:
        inner, below = alternatives(repaired(merged(node, as_mapping(kept[0]))))
        return inner, nullable or below
    return ({**node, "anyOf": kept} if kept else node), nullable


def _is_null(branch: object) -> bool:
    schema = as_mapping(branch)
    return schema.get("type") == "null" or ("const" in schema and schema["const"] is None)


def merged(one: Schema, other: Schema) -> Schema:
    """Return two schemas as one that asks for both: properties joined, demands added up."""
    both = dict(one)
    for name, value in other.items():
        if name not in ("properties", "required"):
            both[name] = _demand(name, one[name], value) if name in one else value
    if one.get("description") and other.get("description"):
        both["description"] = one["description"]
    properties = {**as_mapping(one.get("properties"))}
    for name, value in as_mapping(other.get("properties")).items():
        known = properties.get(name)
        properties[name] = merged(as_mapping(known), as_mapping(value)) if known else value
    if properties:
        both["properties"] = properties
        both.setdefault("type", "object")
    required = list(dict.fromkeys([*names(one.get("required")), *names(other.get("required"))]))
    if required:
        both["required"] = required
    return both


def _demand(name: str, one: Any, other: Any) -> Any:
    """Return what a keyword says where both sayings must hold; the later one where no value says that."""
    match one, other:
        case ((int() | float()), (int() | float())) if name in _LEAST:
            return max(one, other)
        case ((int() | float()), (int() | float())) if name in _MOST:
            return min(one, other)
        case list(), list() if name == "enum":
            listed, others = cast("list[object]", one), cast("list[object]", other)
            return [value for value in listed if value in others] or others
        case "integer", "number":
            return one
        case _:
            return other


def one_object(schema: Schema) -> Schema:
    """Return a cleaned choice between objects as one object that any of them fits.

    It has the properties of all and requires what each requires; choices that are no objects are left out.
    """
    choices = [choice for choice in schema["anyOf"] if choice.get("type") == "OBJECT"]
    properties: Schema = {}
    for choice in choices:
        for name, value in as_mapping(choice.get("properties")).items():
            properties[name] = _either(properties[name], value) if name in properties else value
    whole: Schema = {"type": "OBJECT", "properties": properties} if choices else {}
    lists = [names(choice.get("required")) for choice in choices]
    if required := [name for name in (lists or [[]])[0] if all(name in listed for listed in lists)]:
        whole["required"] = required
    if words := "\n".join(dict.fromkeys(names([choice.get("description") for choice in choices]))):
        whole["description"] = words
    return whole


def _either(one: Schema, other: Schema) -> Schema:
    if {**one, "enum": ()} == {**other, "enum": ()}:
        return one if one == other else {**one, "enum": list(dict.fromkeys([*one["enum"], *other["enum"]]))}
    choices = [*one.get("anyOf", [one]), *other.get("anyOf", [other])]
    return {"anyOf": [choice for place, choice in enumerate(choices) if choice not in choices[:place]]}


def constants(branches: list[Schema]) -> list[object]:
    """Return all values of a choice between enumerations; none where a branch is anything else."""
    mended = [repaired(branch) for branch in branches]
    if not all("enum" in branch and branch.keys() <= _OF_CONSTANTS for branch in mended):
        return []
    return [value for branch in mended for value in branch["enum"]]


def enumerated(values: list[object]) -> tuple[list[str], str | None]:
    """Return an enumeration as the vendor takes it, as texts, and a note if it held anything else."""
    texts = [value if isinstance(value, str) else dumps_text(value) for value in values]
    kinds = {"string" if isinstance(value, str) else "other" for value in values}
    kept = [text for text in dict.fromkeys(texts) if text]
    note = f"one of the values {', '.join(texts)}, not their text" if "other" in kinds else None
    return kept, note


def richest(branches: list[Schema]) -> tuple[int, list[str]]:
    """Return the place of the branch that says most, and what the others are called."""
    kinds = [str(repaired(branch).get("type") or "any") for branch in branches]
    best = max(range(len(kinds)), key=lambda place: (_RANKS.get(kinds[place], 1), -place))
    others = [kind for place, kind in enumerate(kinds) if place != best]
    return best, list(dict.fromkeys(others))


__all__ = [
    "Schema",
    "alternatives",
    "as_mapping",
    "constants",
    "enumerated",
    "merged",
    "names",
    "one_object",
    "repaired",
    "richest",
]
