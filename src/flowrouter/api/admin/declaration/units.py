"""The settings document in its smallest parts: one alias, one price, one budget, one member of `[routing]`.

A part is what a file owns or the console does, and what a line of the difference is about. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec

from flowrouter.gateway.runtime_settings import RuntimeSettings

Path = tuple[str, ...]

_NAMED: tuple[Path, ...] = (("models", "aliases"), ("prices",), ("budgets",))
"""Tables whose members are things with names of their own, taken whole."""

_ABSENT = object()


def units(document: Mapping[str, Any]) -> dict[Path, Any]:
    """Return the parts of a document as it is written, by their paths."""
    return dict(_units(document, ()))


def _units(table: Mapping[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    for name, value in table.items():
        path = (*above, name)
        if isinstance(value, Mapping) and above not in _NAMED:
            yield from _units(cast("Mapping[str, Any]", value), path)
        else:
            yield path, value


def nested(parts: Iterable[tuple[Path, Any]]) -> dict[str, Any]:
    """Return parts as the document (or the merge patch) they make."""
    document: dict[str, Any] = {}
    for path, value in parts:
        table = document
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value
    return document


def typed(path: Path, value: Any) -> Any:
    """Return a part as the settings' own type; raises `msgspec.ValidationError`."""
    found: Any = msgspec.convert(nested([(path, value)]), RuntimeSettings)
    for name in path:
        found = (
            cast("dict[str, Any]", found).get(name, _ABSENT)
            if isinstance(found, dict)
            else getattr(found, name)
        )
    return found


def compact(value: Any) -> Any:
    """Return a typed value as plain data without what is a default anyway."""
    match value:
        case msgspec.Struct():
            pairs = {
                field.encode_name: (getattr(value, field.name), field)
                for field in msgspec.structs.fields(value)
            }
            return {
                name: compact(found)
                for name, (found, field) in pairs.items()
                if not _is_default(found, field)
            }
        case dict():
            return {
                name: compact(each)
                for name, each in cast("dict[str, Any]", value).items()
                if each is not None
            }
        case list() | tuple():
            return [compact(each) for each in cast("list[Any]", value)]
        case Decimal():
            return _number(value)
        case _:
            return value


def dotted(path: Path) -> str:
    """Return a path for people, as TOML would write it."""
    return ".".join(
        name if name.replace("-", "").replace("_", "").isalnum() else f'"{name}"' for name in path
    )


def changed(before: Mapping[str, Any], after: Mapping[str, Any], paths: Iterable[Path]) -> list[Path]:
    """Return those of `paths` that differ between two documents."""
    return [path for path in paths if at(before, path) != at(after, path)]


def at(document: Mapping[str, Any], path: Path) -> Any:
    """Return what stands at `path`, None for nothing."""
    node: Any = document
    for name in path:
        node = cast("Mapping[str, Any]", node).get(name) if isinstance(node, Mapping) else None
    return node


def _is_default(value: Any, field: msgspec.structs.FieldInfo) -> bool:
    if field.default_factory is not msgspec.NODEFAULT:
        return value == field.default_factory()
    return value is None or (field.default is not msgspec.NODEFAULT and value == field.default)


def _number(value: Decimal) -> int | float | str:
    """Return an amount as TOML holds it without loss; text where a float would not."""
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


__all__ = ["Path", "at", "changed", "compact", "dotted", "nested", "typed", "units"]
