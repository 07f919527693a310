"""Reads JSON as Google's servers do: against message types, in either spelling of a name, with their complaints.

The SDK ships the messages as pydantic classes; only their fields are used here, not their validation, which coerces
where the server refuses and knows fields that this API does not have. The result is spelled in camelCase, without
nulls. As on the server, a repeated field takes a single object, numbers may come as text, and enum values in any case.
"""

import base64
import binascii
import collections.abc
import datetime
import enum
import functools
import json
import types as builtin_types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union, cast, get_args, get_origin

import pydantic

PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta"
STRUCT = "type.googleapis.com/google.protobuf.Struct"


@dataclass(frozen=True, eq=False)
class Message:
    """A message type: its name and, by snake_case name, the camelCase name and type of each field."""

    name: str
    fields: Mapping[str, tuple[str, Any]]

    def find(self, key: str) -> tuple[str, str, Any] | None:
        """Return (snake, camel, type) of a field by either spelling."""
        for snake, (camel, hint) in self.fields.items():
            if key in (snake, camel):
                return snake, camel, hint
        return None


@dataclass(frozen=True)
class Violation:
    """One complaint: the field it is about, and the sentence."""

    field: str
    description: str


class Dictionary:
    """The message types of one API: the SDK's classes, less the fields it lacks, with those the classes lack."""

    def __init__(
        self, *, absent: Mapping[Any, frozenset[str]], added: Mapping[Any, Mapping[str, tuple[str, Any]]]
    ) -> None:
        self._absent = absent
        self._added = added
        self._known: dict[Any, Message] = {}

    def message(self, shape: Any) -> Message:
        """Resolve a class once; a `Message` is itself."""
        if isinstance(shape, Message):
            return shape
        if shape not in self._known:
            own = {
                name: (found.alias or name, found.annotation)
                for name, found in shape.model_fields.items()
                if name not in self._absent.get(shape, ())
            }
            self._known[shape] = Message(shape.__name__, {**own, **self._added.get(shape, {})})
        return self._known[shape]


@dataclass
class Reader:
    """One reading of one body; the complaints gather in `violations`."""

    dictionary: Dictionary
    lenient: bool = False
    violations: list[Violation] = field(default_factory=list[Violation])

    def read(self, shape: Any, value: Any, path: str = "") -> Any:
        """Return the value in its one spelling; what does not fit is complained of and returned as it is."""
        form = form_of(shape)
        if isinstance(value, list) and path and form[0] not in ("any", "list", "union"):
            parent, _, name = path.rpartition(".")
            problem = _unknown(name, parent, "Proto field is not repeating, cannot start list.")
            return self._complain(parent, problem, value)
        match form:
            case ("any", _):
                return value
            case ("message", inner):
                return self._message(self.dictionary.message(inner), value, path)
            case ("list", inner):
                items = value if isinstance(value, list) else [value]
                return [
                    self.read(inner, item, f"{path}[{i}]") for i, item in enumerate(cast(list[Any], items))
                ]
            case ("map", inner):
                return self._map(inner, value, path)
            case ("union", members):
                return self._union(members, value, path)
            case (kind, inner):
                return self._scalar(kind, inner, value, path)

    def _message(self, message: Message, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._invalid(path, f"{PACKAGE}.{message.name}", value)
        result: dict[str, Any] = {}
        for key, item in cast(dict[str, Any], value).items():
            found = message.find(key)
            if found is None:
                if self.lenient:
                    result[key] = item
                else:
                    self._complain(path, _unknown(key, path, "Cannot find field."), item)
            elif item is not None:
                snake, camel, hint = found
                result[camel] = self.read(hint, item, f"{path}.{snake}" if path else snake)
        return result

    def _map(self, inner: Any, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._invalid(path, STRUCT, value)
        items = cast(dict[str, Any], value).items()
        return {key: self.read(inner, item, f"{path}[{i}].value") for i, (key, item) in enumerate(items)}

    def _union(self, members: tuple[Any, ...], value: Any, path: str) -> Any:
        attempts = [(Reader(self.dictionary, self.lenient), member) for member in members]
        results = [(reader.read(member, value, path), reader.violations) for reader, member in attempts]
        best, violations = min(results, key=lambda pair: len(pair[1]))
        self.violations += violations
        return best

    def _scalar(self, kind: str, inner: Any, value: Any, path: str) -> Any:
        match kind:
            case "string" if isinstance(value, str):
                return value
            case "bool" if isinstance(value, bool):
                return value
            case "enum" if isinstance(value, str) and value.lower() in inner:
                return inner[value.lower()]
            case "int" | "float":
                number = _number(value, whole=kind == "int")
                return self._invalid(path, NAMES[kind], value) if number is None else number
            case "bytes" if isinstance(value, str):
                if decode_bytes(value) is None:
                    problem = (
                        f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for \"{value[:40]}\""
                    )
                    return self._complain(path, problem, value)
                return value
            case _:
                return self._invalid(path, NAMES.get(kind, f"{PACKAGE}.{_enum_name(path)}"), value)

    def _invalid(self, path: str, expected: str, value: Any) -> Any:
        shown = json.dumps(value, ensure_ascii=False)[:120]
        return self._complain(path, f"Invalid value at '{path}' ({expected}), {shown}", value)

    def _complain(self, path: str, description: str, value: Any) -> Any:
        self.violations.append(Violation(path, description))
        return value


NAMES = {
    "string": "TYPE_STRING",
    "bool": "TYPE_BOOL",
    "int": "TYPE_INT32",
    "float": "TYPE_FLOAT",
    "bytes": "TYPE_BYTES",
}
SCALARS: dict[Any, str] = {str: "string", bool: "bool", int: "int", float: "float", bytes: "bytes"}


def _unknown(name: str, path: str, reason: str) -> str:
    where = f" at '{path}'" if path else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{where}: {reason}'


def _enum_name(path: str) -> str:
    last = path.rpartition(".")[2].partition("[")[0]
    return "".join(word.title() for word in last.split("_"))


@functools.cache
def form_of(shape: Any) -> tuple[str, Any]:
    """Say what form a type hint has and what is inside; raises TypeError for one that is not known here."""
    if isinstance(shape, Message):
        return "message", shape
    origin, inside = get_origin(shape), get_args(shape)
    if origin in (Union, builtin_types.UnionType):
        members = tuple(member for member in inside if member is not type(None))
        return form_of(members[0]) if len(members) == 1 else ("union", members)
    if shape in (Any, object):
        return "any", None
    if origin in (list, collections.abc.Sequence):
        return "list", inside[0]
    if origin is dict:
        return "map", inside[1]
    if origin is Literal:
        return "enum", {str(item).lower(): item for item in inside}
    if shape in SCALARS:
        return SCALARS[shape], None
    if isinstance(shape, type) and issubclass(shape, enum.Enum):
        return "enum", {str(member.value).lower(): member.value for member in shape}
    if isinstance(shape, type) and issubclass(shape, pydantic.BaseModel):
        return "message", shape
    if shape is datetime.datetime:
        return "string", None
    raise TypeError(f"the vendor's types hold a form this reader does not know: {typing.cast(Any, shape)!r}")


def _number(value: Any, *, whole: bool) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not whole:
        return value
    return int(value) if value == int(value) else None


def decode_bytes(text: str) -> bytes | None:
    """Decode base64 of either alphabet, padded or not; None if it is not base64."""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
