"""JSON Schema cleaned to what Gemini's classic `Schema` takes, for models that take nothing else.

Schemas and maps of names alternate: a property called `title` or `format` is no keyword. References are
put in where they stand (a cycle ends in an object that names what it stands for), combinations become the
ones the vendor knows, and what cannot be said in keywords is said in the description. In the strict core
even `anyOf`, `nullable` and bounds are told in words. Tool lists repeat on every turn, so results are
remembered by a digest of the schema.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Any, cast
from urllib.parse import unquote

import msgspec

from flowrouter.dialects.gemini.schema_notes import (
    FORMATS,
    PLAIN,
    TYPES,
    WORDY,
    bounded,
    described,
    sayable,
)
from flowrouter.dialects.gemini.schema_shape import (
    Schema,
    alternatives,
    as_mapping,
    constants,
    enumerated,
    merged,
    names,
    repaired,
    richest,
)
from flowrouter.wire.json import dumps, dumps_text

_REMEMBERED = 2048
_MOST_NODES = 5_000
_END_NODES = 2 * _MOST_NODES
"""Schemas after which references are followed no more, and after which everything is any value."""

_ANY = ("STRING", "NUMBER", "BOOLEAN")
_ABOUT = ("title", "propertyOrdering")


class Cleaned(msgspec.Struct, frozen=True, kw_only=True):
    """A classic schema, and what of the original it says in words or not at all (keywords, sorted)."""

    schema: Schema
    told: tuple[str, ...] = ()


_memory: OrderedDict[tuple[bytes, bool], Cleaned] = OrderedDict()


def clean_schema(schema: Schema, *, strict: bool = False) -> Cleaned:
    """Return `schema` as a classic schema; the same one always gives the same bytes.

    Raises `JsonError` or `RecursionError` for one nested too deeply.
    """
    key = (blake2b(dumps(schema), digest_size=16).digest(), strict)
    known = _memory.get(key)
    if known is None:
        cleaner = _Cleaner(schema, strict=strict)
        cleaned = cleaner.clean(schema, ())
        known = _memory[key] = Cleaned(schema=cleaned, told=tuple(sorted(cleaner.told)))
        if len(_memory) > _REMEMBERED:
            _memory.popitem(last=False)
    return known


class _Cleaner:
    """Cleans one schema; `told` gathers the keywords that went into words."""

    def __init__(self, root: Schema, *, strict: bool) -> None:
        self._root = root
        self._strict = strict
        self._nodes = 0
        self.told: set[str] = set()

    def clean(self, schema: object, trail: tuple[str, ...]) -> Schema:
        """Return one schema cleaned; `trail` holds the references being followed."""
        self._nodes += 1
        if schema is True or schema == {} or self._nodes > _END_NODES:
            return self._anything("")
        node, trail = self._resolved(as_mapping(schema), trail)
        notes: list[str] = []
        node = repaired(node)
        node = self._flattened(node, trail)
        node, nullable = alternatives(node)
        if "$ref" in node or "allOf" in node:
            cleaned = self.clean(node, trail)
            return self._nullable(cleaned) if nullable else cleaned
        branches = cast("list[object] | None", node.pop("anyOf", None))
        if branches is not None:
            return self._union(node, branches, trail=trail, nullable=nullable)
        cleaned = self._plain(node, trail, notes)
        if notes:
            cleaned["description"] = described(node, *notes)
        return self._nullable(cleaned) if nullable else cleaned

    def _resolved(self, node: Schema, trail: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """Return what a reference stands for, with what was said beside it."""
        while isinstance(reference := node.get("$ref"), str):
            rest = {name: value for name, value in node.items() if name != "$ref"}
            given_up = reference in trail or self._nodes > _MOST_NODES
            target = None if given_up else self._target(reference)
            if target is None:
                self.told.add("$ref")
                note = f"See: {reference.rpartition('/')[2]}"
                return {"type": "object", **rest, "description": described(rest, note)}, trail
            trail = (*trail, reference)
            node = {**target, **rest}
        return node, trail

    def _target(self, reference: str) -> Schema | None:
        at: object = self._root
        if reference != "#" and not reference.startswith("#/"):
            return None
        for step in reference[2:].split("/") if len(reference) > 1 else ():
            at = as_mapping(at).get(unquote(step).replace("~1", "/").replace("~0", "~"))
        return cast("Schema", at) if isinstance(at, dict) else None

    def _flattened(self, node: Schema, trail: tuple[str, ...]) -> Schema:
        """Return `node` with `allOf` merged in, and the properties of conditions as optional ones."""
        parts = node.pop("allOf", None)
        if isinstance(parts, list):
            for part in cast("list[object]", parts):
                self._nodes += 1
                resolved, below = self._resolved(repaired(as_mapping(part)), trail)
                node = merged(node, self._flattened(resolved, below))
        for name in ("if", "then", "else"):
            if name in node:
                self.told.add(name)
                branch = as_mapping(node.pop(name))
                if name != "if":
                    known, more = as_mapping(node.get("properties")), as_mapping(branch.get("properties"))
                    # What is said of a known one holds in this case only.
                    node = merged(node, {"properties": {**more, **known}})
        return node

    def _union(
        self, node: Schema, branches: list[object], *, trail: tuple[str, ...], nullable: bool
    ) -> Schema:
        """Return a choice between schemas; what was said beside it goes into each, as the vendor wants."""
        description = node.pop("description", None)
        if self._strict:
            return self._best(node, branches, trail=trail, description=description, nullable=nullable)
        choices: list[Schema] = []
        for branch in branches:
            inner, below = self._resolved(as_mapping(branch), trail)
            choice = self.clean(merged(node, inner), below)
            if description and "description" not in choice:
                choice = {**choice, "description": description}
            choices += cast("list[Schema]", choice["anyOf"]) if "anyOf" in choice else [choice]
        if nullable:
            choices = [{**choice, "nullable": True} for choice in choices]
        return {"anyOf": choices}

    def _best(
        self,
        node: Schema,
        branches: list[object],
        *,
        trail: tuple[str, ...],
        description: object,
        nullable: bool,
    ) -> Schema:
        """Return the branch of a choice that says most, the others named in words."""
        followed = [self._resolved(as_mapping(branch), trail) for branch in branches]
        if values := constants([inner for inner, _ in followed]):
            said = {"description": description} if description else {}
            cleaned = self.clean({**node, **said, "enum": values}, trail)
            return self._nullable(cleaned) if nullable else cleaned
        self.told.add("anyOf")
        place, others = richest([inner for inner, _ in followed])
        best, below = followed[place]
        cleaned = self.clean(merged(node, best), below)
        if description:
            cleaned = {**cleaned, "description": description}
        if others:
            cleaned = {**cleaned, "description": described(cleaned, f"or: {', '.join(others)}")}
        return self._nullable(cleaned) if nullable else cleaned

    def _plain(self, node: Schema, trail: tuple[str, ...], notes: list[str]) -> Schema:
        """Return the keywords the vendor knows, in the order they stood."""
        kind = node.get("type")
        if not isinstance(kind, str):
            for name, value in node.items():
                if name in WORDY or name == "format" or (bounded(name) and name not in _ABOUT):
                    self._tell(name, value, notes)
            text = described(node, *notes)
            notes.clear()
            return self._anything(text)
        cleaned: Schema = {"type": "STRING" if "enum" in node else TYPES[kind]}
        for name, value in node.items():
            self._keyword(cleaned, name, value, trail=trail, notes=notes)
        if cleaned["type"] == "ARRAY" and "items" not in cleaned:
            cleaned["items"] = {"type": "STRING"}
        if cleaned["type"] == "OBJECT":
            self._complete_object(cleaned, node)
        return cleaned

    def _keyword(
        self, cleaned: Schema, name: str, value: Any, *, trail: tuple[str, ...], notes: list[str]
    ) -> None:
        match name:
            case "enum":
                texts, note = enumerated(cast("list[object]", value))
                if texts:
                    cleaned["enum"] = texts
                if note:
                    self.told.add("enum")
                    notes.append(note)
            case "minimum" | "maximum" | "items" | "properties" if cleaned["type"] == "STRING":
                pass
            case "format" if value in FORMATS.get(cleaned["type"], ()) and not self._strict:
                cleaned["format"] = value
            case "properties":
                below = {key: inner for key, inner in as_mapping(value).items() if inner is not False}
                cleaned["properties"] = {key: self.clean(inner, trail) for key, inner in below.items()}
            case "items":
                cleaned["items"] = self.clean(value, trail)
            case _ if name in PLAIN and sayable(name, value) and not (self._strict and bounded(name)):
                cleaned[name] = value
            case _ if name in WORDY or name == "format" or bounded(name):
                self._tell(name, value, notes)
            case _:
                pass

    def _tell(self, name: str, value: Any, notes: list[str]) -> None:
        """Say a keyword in words, unless it says nothing."""
        if (value is None and name in PLAIN) or (name == "additionalProperties" and isinstance(value, bool)):
            return
        self.told.add(name)
        notes.append(f"{name}: {value if isinstance(value, str) else dumps_text(value)}")

    def _complete_object(self, cleaned: Schema, node: Schema) -> None:
        known = as_mapping(cleaned.get("properties"))
        if self._strict and not known:
            cleaned["properties"] = known = {
                "reason": {"type": "STRING", "description": "Why this is called."}
            }
        if required := [name for name in names(node.get("required")) if name in known]:
            cleaned["required"] = required

    def _nullable(self, cleaned: Schema) -> Schema:
        if self._strict:
            self.told.add("nullable")
            return {**cleaned, "description": described(cleaned, "may be null")}
        if "anyOf" in cleaned:
            return {"anyOf": [{**choice, "nullable": True} for choice in cleaned["anyOf"]]}
        return {**cleaned, "nullable": True}

    def _anything(self, description: str) -> Schema:
        """Return a schema for any plain value: without a type the vendor takes none."""
        self.told.add("type")
        text = description or "Any JSON value."
        if self._strict:
            return {"type": "STRING", "description": text}
        return {"anyOf": [{"type": kind, "description": text} for kind in _ANY]}


__all__ = ["Cleaned", "Schema", "clean_schema"]
