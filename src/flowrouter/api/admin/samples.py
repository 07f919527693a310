"""Examples for the description: plausible values made from a schema, by the names of its members.

An example is one of what the schema allows, every member given; of a body only what is needed. The names
are those of the whole API, so a new route is illustrated by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

_DEEPEST = 40
_NOW_MS = 1_800_000_000_000

_VALUES: Mapping[str, Any] = {
    "account": "work",
    "account_id": "acc_655f5ada2b347546",
    "accounts": "work",
    "actor": "ann",
    "address": "127.0.0.1",
    "alias": "smart",
    "amount": "5",
    "asked": "gpt-5.4-mini",
    "base_url": "https://llm.example.com/v1",
    "client": "curl/8.5.0",
    "code": "invalid_request",
    "combo": "team",
    "dialect": "openai_chat",
    "display_name": "GPT-5.4 mini",
    "key_id": "key_892e6ef6347745d1",
    "key_tail": "6789",
    "message": "`name` is missing",
    "method": "POST",
    "model": "gpt-5.4-mini",
    "models": "gpt-5.4-mini",
    "name": "work",
    "next": "a longer horse stapler",
    "origin": "config",
    "owned_by": "openai",
    "owner_id": "local",
    "param": "name",
    "password": "correct horse battery",
    "path": "/api/accounts",
    "present": "correct horse battery",
    "preset": "openai",
    "request_id": "req_7210d8b7a117feb97c0da66e",
    "role": "operator",
    "session_id": "s1",
    "shown": "flr_1f0c77ab20…",
    "source": "store",
    "tag": "local",
    "tags": "local",
    "token": "flr_1f0c77ab20…",
    "url": "https://llm.example.com/",
    "version": 3,
    "via": "token",
}
_ENDINGS: Sequence[tuple[str, Any]] = (
    ("_at_ms", _NOW_MS),
    ("ts_ms", _NOW_MS),
    ("until_ms", _NOW_MS),
    ("_ms", 412),
    ("_usd", "0.0000015"),
    ("_pusd", 1_500_000),
    ("_tokens", 120),
    ("_url", "https://llm.example.com/v1"),
)
_IDS: Mapping[str, str] = {
    "accounts": "acc_655f5ada2b347546",
    "aliases": "smart",
    "audit": "aud_01a2019a4a290001040b570f",
    "budgets": "key:key_892e6ef6347745d1:usd:month",
    "combos": "team",
    "keys": "key_892e6ef6347745d1",
    "models": "gpt-5.4-mini",
    "presets": "deepseek",
    "prices": "gpt-5.4-mini",
    "receipts": "req_7210d8b7a117feb97c0da66e",
    "requests": "req_7210d8b7a117feb97c0da66e",
    "sessions": "ses_1b2f6a7cda1e94b3",
    "tags": "local",
    "usage": "s1",
    "users": "usr_892e6ef6347745d1",
}


def sample(schema: Mapping[str, Any], components: Mapping[str, Any], *, required_only: bool = False) -> Any:
    """Return an example of what `schema` allows."""
    return _Maker(components, required_only=required_only).made(schema, "", 0)


def place_sample(path: str) -> str:
    """Return an example of the id in a path."""
    return _IDS.get(path.split("/")[2], "x")


class _Maker:
    def __init__(self, components: Mapping[str, Any], *, required_only: bool) -> None:
        self._components = components
        self._required_only = required_only

    def made(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        """Return an example of the member called `name`."""
        if "$ref" in schema:
            target = str(schema["$ref"]).rpartition("/")[2]
            return self.made(self._components[target], name or target, depth + 1)
        if "enum" in schema:
            wanted = _VALUES.get(name)
            return wanted if wanted in schema["enum"] else schema["enum"][0]
        if "const" in schema:
            return schema["const"]
        if depth > _DEEPEST:  # a type within itself
            return None
        if "anyOf" in schema:
            kinds = cast("list[Mapping[str, Any]]", schema["anyOf"])
            given = [kind for kind in kinds if kind.get("type") != "null"]
            return self.made((given or kinds)[0], name, depth + 1)
        return self._plain(schema, name, depth)

    def _plain(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next(each for each in cast("list[str]", kind) if each != "null")
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return _text(name, schema)
            case "integer" | "number":
                return _number(name, schema, whole=kind == "integer")
            case "boolean":
                return name not in ("hidden", "read_only", "more", "has_more", "public")
            case "null":
                return None
            case _:
                return {}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.made(kind, name, depth + 1)
            for name, kind in schema.get("properties", {}).items()
            if (name in required or not self._required_only) and name != "notices"
        }

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.made(kind, name, depth + 1) for kind in schema["prefixItems"]]
        items = schema.get("items")
        return [self.made(items, name, depth + 1)] if isinstance(items, dict) else []


def _text(name: str, schema: Mapping[str, Any]) -> str:
    if isinstance(found := _VALUES.get(name), str):
        return found
    for ending, value in _ENDINGS:
        if name.endswith(ending) and isinstance(value, str):
            return value
    if "pattern" in schema and name == "hours":
        return "08:00-18:00"
    return "text" if name != "id" else "acc_655f5ada2b347546"


def _number(name: str, schema: Mapping[str, Any], *, whole: bool) -> int | float:
    value: Any = _VALUES.get(name)
    if not isinstance(value, int):
        value = next((each for end, each in _ENDINGS if name.endswith(end) and isinstance(each, int)), 1)
    least = schema.get("minimum", schema.get("exclusiveMinimum", value))
    most = schema.get("maximum", value)
    value = min(max(value, least), most)
    return int(value) if whole else value


__all__ = ["place_sample", "sample"]
