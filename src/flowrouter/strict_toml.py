"""Our own TOML files read strictly: every mistake names the file, the line and the fix.

The text is parsed by `tomllib` and shaped by msgspec. Only when that fails is the text scanned a
second time for the line, so a good file costs nothing extra.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from flowrouter.errors import ConfigError

T = TypeVar("T")

Path = tuple[str | int, ...]

_KEY = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE = re.compile(rf"\s*(\[{{1,2}})\s*({_DOTTED})\s*\]")
_ENTRY = re.compile(rf"\s*({_DOTTED})\s*=")
_NAME = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")
_AT = re.compile(r" - at `(?:key` in `)?([^`]*)`$")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.?([^.\[\]]+)")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_BAD_VALUE = re.compile(r"Invalid enum value '([^']*)'")


class TomlError(ConfigError):
    """A TOML file of ours or the user's is wrong at a known place."""

    def __init__(self, message: str, *, file: str, line: int | None, fix: str | None = None) -> None:
        place = f"{file}:{line}" if line is not None else file
        super().__init__(f"{place}: {message}", fix=fix)
        self.file = file
        self.line = line


def parse(text: str, *, file: str) -> dict[str, Any]:
    """Return the tables of `text`; raises `TomlError` where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        number = int(line.group(1)) if line else None
        raise TomlError(f"not valid TOML: {error}", file=file, line=number) from error


def shape(tables: dict[str, Any], kind: type[T], *, text: str, file: str) -> T:
    """Return `tables` as a `kind`; raises `TomlError` placed by the line of `text` at fault."""
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        raise _explain(str(error), kind, text=text, file=file) from error


def read(text: str, kind: type[T], *, file: str) -> T:
    """Return `text` as a `kind`; raises `TomlError`."""
    return shape(parse(text, file=file), kind, text=text, file=file)


def line_of(text: str, path: Path) -> int | None:
    """Return the line (from 1) that sets `path`, else that of its nearest parent, else None."""
    best: tuple[int, int] | None = None
    for here, number in _places(text):
        if here == path[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _explain(problem: str, kind: type[Any], *, text: str, file: str) -> TomlError:
    at = _AT.search(problem)
    path = _path(at.group(1)) if at else ()
    message = problem[: at.start()] if at else problem
    fix = None
    if unknown := _UNKNOWN.search(problem):
        key, known = unknown.group(1), _fields_at(kind, path)
        if path and key in _fields_at(kind, ()):
            fix = f"`{key}` belongs to the top of the file, above the first [table]"
        else:
            fix = _suggest(key, known)
        path = (*path, key)
        message = f"unknown key `{_dotted(path)}`"
    elif bad := _BAD_VALUE.search(problem):
        message = f"`{_dotted(path)}` cannot be {bad.group(1)!r}"
        fix = _suggest(bad.group(1), _values_at(kind, path))
    elif path:
        message = f"`{_dotted(path)}`: {message[0].lower()}{message[1:]}"
    return TomlError(message, file=file, line=line_of(text, path), fix=fix)


def _suggest(word: str, known: list[str]) -> str | None:
    close = get_close_matches(word, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(sorted(known))}" if known else None


def _dotted(path: Path) -> str:
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def _path(at: str) -> Path:
    steps: list[str | int] = []
    for index, name in _STEP.findall(at.removeprefix("$")):
        if index == "...":
            continue
        steps.append(int(index) if index else name)
    return tuple(steps)


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """Yield each table and key of `text` with its line; elements of `[[tables]]` carry their index."""
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            names = _names(header.group(2))
            table = _under(names[:-1], counts) + names[-1:]
            if header.group(1) == "[[":
                counts[names] = counts.get(names, -1) + 1
                table = (*table, counts[names])
            yield table, number
        elif entry := _ENTRY.match(line):
            yield table + _names(entry.group(1)), number


def _under(names: tuple[str, ...], counts: dict[Path, int]) -> Path:
    path: Path = ()
    for end in range(1, len(names) + 1):
        path = (*path, names[end - 1])
        if names[:end] in counts:
            path = (*path, counts[names[:end]])
    return path


def _names(dotted: str) -> tuple[str, ...]:
    return tuple("".join(found) for found in _NAME.findall(dotted))


def _fields_at(kind: type[Any], path: Path) -> list[str]:
    found = _type_at(kind, path)
    return [field.encode_name for field in getattr(found, "fields", ())]


def _values_at(kind: type[Any], path: Path) -> list[str]:
    found = _type_at(kind, path)
    return [str(value) for value in getattr(found, "values", ())]


def _type_at(kind: type[Any], path: Path) -> Any:
    from msgspec import inspect  # only a wrong file pays for the import

    node: Any = _plain(inspect.type_info(kind))
    for step in path:
        if isinstance(step, int):
            node = getattr(node, "item_type", None)
        elif isinstance(node, inspect.StructType):
            node = next((field.type for field in node.fields if field.encode_name == step), None)
        else:
            node = getattr(node, "value_type", None)
        node = _plain(node)
    return node


def _plain(node: Any) -> Any:
    """Return the one meaningful member of an optional type."""
    from msgspec import inspect

    if isinstance(node, inspect.UnionType):
        members = [member for member in node.types if not isinstance(member, inspect.NoneType)]
        return members[0] if members else None
    return node


__all__ = ["TomlError", "line_of", "parse", "read", "shape"]
