"""Secrets that a declaration names instead of telling: `env:NAME`, `file:PATH`.

Whoever applies a file looks them up where it is applied; the gateway itself never reads a variable or a file
because somebody sent it a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from flowrouter import strict_toml

ENV = "env:"
FILE = "file:"

_PLACES = {
    "accounts": ("api_key", "oauth.client_secret", "oauth.refresh_token", "headers.*"),
    "keys": ("token",),
    "users": ("password",),
}

Place = tuple[str | int, ...]


def references(tables: Mapping[str, Any]) -> dict[Place, str]:
    """Return every reference in `tables` by the place where it stands."""
    return {place: value for place, value in _secrets(tables) if value.startswith((ENV, FILE))}


def resolved(
    tables: dict[str, Any], secrets: Mapping[str, str], *, text: str, file: str
) -> tuple[dict[str, Any], dict[Place, str]]:
    """Return `tables` with their references looked up in `secrets`, and these; raises `TomlError`."""
    found = references(tables)
    for place, reference in found.items():
        value = secrets.get(reference)
        if not value:
            what = f"the environment variable {reference.removeprefix(ENV)}, which is not set"
            if reference.startswith(FILE):
                what = f"the file {reference.removeprefix(FILE)}, which is empty or not to be read"
            line = strict_toml.line_of(text, place)
            raise strict_toml.TomlError(f"`{place[-1]}` needs {what}", file=file, line=line)
        tables = _with(tables, place, value)
    return tables, found


def of_table(found: Mapping[Place, str], kind: str, index: int) -> dict[str, str]:
    """Return the references in one table of a list, by field."""
    return {
        ".".join(str(step) for step in place[2:]): reference
        for place, reference in sorted(found.items(), key=lambda item: str(item[0]))
        if place[:2] == (kind, index)
    }


def _secrets(tables: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield the texts that stand where secrets do; what has another shape is told of later."""
    for kind, places in _PLACES.items():
        rows: Any = tables.get(kind)
        for index, row in enumerate(cast("list[Any]", rows) if isinstance(rows, list) else ()):
            for dotted in places:
                for steps, value in _at(row, dotted.split(".")):
                    if isinstance(value, str):
                        yield (kind, index, *steps), value


def _at(row: Any, steps: list[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not steps:
        yield (), row
        return
    if not isinstance(row, dict):
        return
    table = cast("dict[str, Any]", row)
    for name in table if steps[0] == "*" else (steps[0],):
        if name in table:
            for rest, value in _at(table[name], steps[1:]):
                yield (name, *rest), value


def _with(node: Any, place: Place, value: str) -> Any:
    """Return `node` with the one value at `place` replaced."""
    if not place:
        return value
    if isinstance(node, list):
        rows = list(cast("list[Any]", node))
        rows[cast("int", place[0])] = _with(rows[cast("int", place[0])], place[1:], value)
        return rows
    return {**node, place[0]: _with(node[place[0]], place[1:], value)}


__all__ = ["ENV", "FILE", "Place", "of_table", "references", "resolved"]
