"""Checks JSON against the vendors' own request types, as strictly as their servers do.

The SDKs ship each request as TypedDicts. `check` walks such a type beside the JSON value: no coercion, unknown
keys are problems (unless the type itself allows them), unions of objects are told apart by the Literal-valued
`type` or `role`. Response models, which the SDKs admit for convenience, and file objects cannot come over the
wire and are not considered. Problems carry a path, so that each dialect can word them as its vendor does.
"""

import collections.abc
import functools
import os
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import openai._types
import pydantic
import typing_extensions

Kind = Literal["extra", "missing", "type", "literal", "tag"]
DISCRIMINATORS = ("type", "role")
ARRAYS = (list, collections.abc.Iterable, collections.abc.Sequence, openai._types.SequenceNotStr)


@dataclass(frozen=True)
class Tag:
    """The chosen member of a union; part of Anthropic's paths, not of OpenAI's."""

    name: str


@dataclass(frozen=True)
class Problem:
    """One fault found: where, of what kind, and what would have been right."""

    path: tuple[str | int | Tag, ...]
    kind: Kind
    expected: str = ""
    value: Any = None

    @property
    def keys(self) -> tuple[str | int, ...]:
        """The path without union tags."""
        return tuple(step for step in self.path if not isinstance(step, Tag))


@dataclass(frozen=True)
class Fields:
    """A TypedDict, resolved: hints by key, the required keys, whether others are allowed."""

    hints: dict[str, Any]
    required: frozenset[str]
    open: bool


@functools.cache
def fields_of(shape: Any) -> Fields:
    """Resolve a TypedDict once."""
    raw = typing_extensions.get_type_hints(shape, include_extras=True)
    required = {key for key, hint in raw.items() if get_origin(hint) is typing_extensions.Required}
    required |= set(getattr(shape, "__required_keys__", ()))
    config: dict[str, Any] = getattr(shape, "__pydantic_config__", {})
    return Fields(
        {key: _bare(hint) for key, hint in raw.items()}, frozenset(required), config.get("extra") == "allow"
    )


def check_fields(fields: Fields, value: Any, *, path: tuple[str | int | Tag, ...] = ()) -> list[Problem]:
    """Check an object against resolved fields."""
    if not isinstance(value, dict):
        return [Problem(path, "type", "object", value)]
    given = typing.cast(dict[str, Any], value)
    problems = [Problem((*path, key), "missing") for key in sorted(fields.required - given.keys())]
    for key, item in given.items():
        if key in fields.hints:
            problems += check(fields.hints[key], item, path=(*path, key))
        elif not fields.open:
            problems.append(Problem((*path, key), "extra", value=item))
    return problems


def check(hint: Any, value: Any, *, path: tuple[str | int | Tag, ...] = ()) -> list[Problem]:
    """Return every problem of `value` against a type hint; an empty list means it fits."""
    hint = _bare(hint)
    origin = get_origin(hint)
    if hint in (Any, object):
        return []
    if origin in (Union, types.UnionType):
        return _check_union(hint, value, path)
    if origin is Literal:
        allowed = get_args(hint)
        fits = any(value == item and type(value) is type(item) for item in allowed)
        return [] if fits else [Problem(path, "literal", _one_of(allowed), value)]
    if typing_extensions.is_typeddict(hint):
        return check_fields(fields_of(hint), value, path=path)
    if origin in ARRAYS:
        if not isinstance(value, list):
            return [Problem(path, "type", "array", value)]
        (item_hint,) = get_args(hint)
        items = typing.cast(list[Any], value)
        return [found for i, item in enumerate(items) for found in check(item_hint, item, path=(*path, i))]
    if origin is dict or hint is dict:
        return _check_mapping(hint, value, path)
    return _check_scalar(hint, value, path)


def _check_mapping(hint: Any, value: Any, path: tuple[str | int | Tag, ...]) -> list[Problem]:
    if not isinstance(value, dict):
        return [Problem(path, "type", "object", value)]
    arguments = get_args(hint)
    if len(arguments) != 2:
        return []
    items = typing.cast(dict[str, Any], value).items()
    return [found for key, item in items for found in check(arguments[1], item, path=(*path, key))]


SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: ("string", (str,)),
    bool: ("boolean", (bool,)),
    int: ("integer", (int,)),
    float: ("number", (int, float)),
    type(None): ("null", (type(None),)),
}


def _check_scalar(hint: Any, value: Any, path: tuple[str | int | Tag, ...]) -> list[Problem]:
    if hint not in SCALARS:
        raise TypeError(f"the vendors' types hold a form this checker does not know: {hint!r}")
    name, accepted = SCALARS[hint]
    if isinstance(value, bool) and hint is not bool:
        return [Problem(path, "type", name, value)]
    return [] if isinstance(value, accepted) else [Problem(path, "type", name, value)]


def _check_union(hint: Any, value: Any, path: tuple[str | int | Tag, ...]) -> list[Problem]:
    members = [member for member in _flatten(hint) if _can_be_json(member)]
    if value is None:
        return [] if type(None) in members else [Problem(path, "type", _names(members), None)]
    if isinstance(value, dict):
        shapes = [member for member in members if typing_extensions.is_typeddict(member)]
        loose = [member for member in members if get_origin(member) is dict]
        if shapes or loose:
            return _check_object_union(shapes, loose, typing.cast(dict[str, Any], value), path)
    attempts = [
        check(member, value, path=path) for member in members if not typing_extensions.is_typeddict(member)
    ]
    if not attempts:
        return [Problem(path, "type", _names(members), value)]
    best = min(attempts, key=lambda problems: (bool(problems), _shallow(problems, path), len(problems)))
    if best and _shallow(best, path) and len(members) > 1:
        literals = [item for member in members if get_origin(member) is Literal for item in get_args(member)]
        if literals and isinstance(value, str) and str not in members:
            return [Problem(path, "literal", _one_of(literals), value)]
        return [Problem(path, "type", _names(members), value)]
    return best


def _shallow(problems: list[Problem], path: tuple[str | int | Tag, ...]) -> bool:
    return any(problem.path == path and problem.kind in ("type", "literal") for problem in problems)


def _check_object_union(
    shapes: list[Any], loose: list[Any], value: dict[str, Any], path: tuple[str | int | Tag, ...]
) -> list[Problem]:
    if loose and any(not check(member, value, path=path) for member in loose):
        return []
    chosen, problem = _discriminate(shapes, value, path)
    if problem is not None:
        return [problem]
    attempts: list[list[Problem]] = []
    for shape in chosen:
        tag = _tag_of(shape, value) if len(shapes) > 1 else None
        attempts.append(check(shape, value, path=(*path, Tag(tag)) if tag else path))
    return min(attempts, key=len) if attempts else []


def _discriminate(
    shapes: list[Any], value: dict[str, Any], path: tuple[str | int | Tag, ...]
) -> tuple[list[Any], Problem | None]:
    """Pick the members whose Literal `type` (or `role`) is the value's."""
    if len(shapes) < 2:
        return shapes, None
    for key in DISCRIMINATORS:
        tags = {index: _literals(shape, key) for index, shape in enumerate(shapes)}
        if not all(tags.values()):
            continue
        if value.get(key) is None:
            optional = [shape for shape in shapes if key not in fields_of(shape).required]
            return (optional, None) if optional else ([], Problem((*path, key), "missing"))
        fitting = [shapes[index] for index, names in tags.items() if value[key] in names]
        if fitting:
            return fitting, None
        known = sorted({str(name) for names in tags.values() for name in names if name is not None})
        return [], Problem((*path, key), "tag", _one_of(known), value[key])
    return shapes, None


def _tag_of(shape: Any, value: dict[str, Any]) -> str | None:
    names = _literals(shape, "type")
    if not names:
        return None
    given = value.get("type")
    return given if isinstance(given, str) else str(names[0])


def _literals(shape: Any, key: str) -> tuple[Any, ...]:
    hint = fields_of(shape).hints.get(key)
    found: list[Any] = []
    for member in _flatten(hint):
        if get_origin(member) is Literal:
            found.extend(get_args(member))
    return tuple(found)


def _bare(hint: Any) -> Any:
    """Strip Required, NotRequired, ReadOnly and Annotated."""
    while get_origin(hint) in (typing_extensions.Required, typing_extensions.NotRequired, Annotated):
        hint = get_args(hint)[0]
    return hint


def _flatten(hint: Any) -> list[Any]:
    hint = _bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return [inner for member in get_args(hint) for inner in _flatten(member)]
    return [hint]


def _can_be_json(member: Any) -> bool:
    """Leave out response models and file objects."""
    form = get_origin(member) or member
    if form in (bytes, typing.IO, os.PathLike):
        return False
    return not (isinstance(form, type) and issubclass(form, pydantic.BaseModel))


def _names(members: Iterable[Any]) -> str:
    names: list[str] = []
    for member in members:
        if member in SCALARS:
            names.append(SCALARS[member][0])
        elif get_origin(member) is Literal:
            names.append(_one_of(get_args(member)))
        elif get_origin(member) in ARRAYS:
            names.append("array")
        else:
            names.append("object")
    return " or ".join(dict.fromkeys(names))


def _one_of(items: Iterable[Any]) -> str:
    quoted = [f"'{item}'" for item in items]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
