"""Reads the head of a request body without building it; of a body only the output limit is ours to edit.

Model and verb stand in the address, so the head has neither, and `prepare` returns what it was given.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.effort import effort_of
from flowrouter.canonical.head import Counts, Head
from flowrouter.dialects.gemini.shapes import (
    ContentShape,
    CountsShape,
    HeadShape,
    PartShape,
    SettingsShape,
    ThinkingShape,
)
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, dumps, loads, typed
from flowrouter.wire.splice import put

_T = TypeVar("_T")

_head = typed(HeadShape)
_counts = typed(CountsShape)
_contents = typed(list[ContentShape])
_content = typed(ContentShape)
_parts = typed(list[PartShape])
_part = typed(PartShape)
_settings = typed(SettingsShape)

_NUMBER_MAX = 2**63

_SEARCHES = frozenset({
    "googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval",
})  # fmt: skip

_DECLARATIONS = ("functionDeclarations", "function_declarations")


def skim(body: bytes) -> Head:
    """Return the head of a request; raises `CallerError` naming the field at fault."""
    shape = _decode(_head, body)
    config = shape.camel_generation_config or shape.generation_config
    return Head(
        model="",
        stream=False,
        length=len(body),
        max_tokens=config and _first(config.camel_max_output_tokens, config.max_output_tokens),
        cache_key=shape.camel_cached_content or shape.cached_content,
    )


def skim_counts(body: bytes) -> Counts:
    """Return the sizes and kinds of a request's content."""
    shape = _decode(_counts, body)
    config = shape.camel_generation_config or shape.generation_config
    turns = _listed(_contents, _content, shape.contents)
    parts = [part for turn in turns for part in _with_inner(_listed(_parts, _part, turn.parts))]
    kinds = [kind for part in parts if (kind := _media_type(part)) is not None]
    system = max(_length(shape.camel_system_instruction), _length(shape.system_instruction))
    return Counts(
        turns=len(turns),
        tools=_tools(shape.tools),
        images=sum(kind.startswith("image/") for kind in kinds),
        documents=sum(kind.startswith(("application/", "text/")) for kind in kinds),
        tool_results=sum(
            _length(part.camel_function_response) + _length(part.function_response) > 0 for part in parts
        ),
        thinking=_thinks(config and (config.camel_thinking_config or config.thinking_config)),
        text_bytes=system + _length(shape.contents),
        web_search=_searches(shape.tools),
        effort=_effort(config and (config.camel_thinking_config or config.thinking_config)),
    )


def prepare(body: bytes, _head: Head, _model: str, _wants_usage: bool) -> bytes:
    """Return `body` as it is: the address carries the model, and usage always comes."""
    return body


def limited(body: bytes, tokens: int, _: Capabilities) -> bytes:
    """Return `body` with its output limited to `tokens`, in the spelling it uses."""
    shape = _decode(_settings, body)
    camel = bytes(shape.camel) != b"null" or bytes(shape.snake) == b"null"
    held: Any = loads(bytes(shape.camel if camel else shape.snake))
    config: dict[str, Any] = cast("dict[str, Any]", held) if isinstance(held, dict) else {}
    config.pop("max_output_tokens", None)
    name = "generationConfig" if camel else "generation_config"
    return put(body, name, dumps({**config, "maxOutputTokens": tokens}))


def _decode(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """Decode strictly, then with bad UTF-8 and lone surrogates replaced; blame the field at fault."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _blame(error) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return decoder.decode(dumps(loads(body)))
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None
    except msgspec.ValidationError as error:
        raise _blame(error) from None


def _blame(error: msgspec.ValidationError) -> CallerError:
    """Return the caller's error with the path msgspec found."""
    reason, _, place = str(error).partition(" - at `$")
    where = place.rstrip("`").lstrip(".")
    return CallerError(f"{where or 'the body'}: {reason}", param=where or None)


def _listed(
    many: msgspec.json.Decoder[list[_T]], one: msgspec.json.Decoder[_T], value: msgspec.Raw
) -> list[_T]:
    """Return the items of a list, of which one may stand alone; what is neither has none."""
    raw = bytes(value)
    try:
        return [one.decode(raw)] if raw.startswith(b"{") else many.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return []


def _with_inner(parts: list[PartShape]) -> list[PartShape]:
    """Return `parts` and those that stand in the results of tools."""
    found = list(parts)
    for part in parts:
        for result in (part.camel_function_response, part.function_response):
            if b'"parts"' in bytes(result):
                inner = [
                    held
                    for holder in _listed(_contents, _content, result)
                    for held in _listed(_parts, _part, holder.parts)
                ]
                found += inner
    return found


def _media_type(part: PartShape) -> str | None:
    blob = part.camel_inline_data or part.inline_data or part.camel_file_data or part.file_data
    return blob and (blob.camel_mime_type or blob.mime_type or "").lower()


def _tools(value: Any) -> int:
    """Return how many tools the entries hold: each declaration, and each tool that Google runs."""
    entries = cast("list[Any]", value) if isinstance(value, list) else [value]
    count = 0
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        for name, held in cast("dict[str, Any]", entry).items():
            many = name in _DECLARATIONS and isinstance(held, list)
            count += len(cast("list[Any]", held)) if many else held is not None
    return count


def _searches(value: Any) -> bool:
    entries = cast("list[Any]", value) if isinstance(value, list) else [value]
    return any(
        isinstance(entry, dict) and not _SEARCHES.isdisjoint(cast("dict[str, Any]", entry))
        for entry in entries
    )


def _effort(config: ThinkingShape | None) -> str | None:
    """Return the effort that is asked for, in words or as a budget of tokens."""
    if config is None:
        return None
    level = config.camel_thinking_level or config.thinking_level
    if isinstance(level, str):
        return level.lower()
    budget = _first(config.camel_thinking_budget, config.thinking_budget)
    return None if budget is None or budget < 0 else effort_of(budget)


def _thinks(config: ThinkingShape | None) -> bool:
    return config is not None and _first(config.camel_thinking_budget, config.thinking_budget) != 0


def _first(one: float | None, other: float | None) -> int | None:
    """Return the first that is said, as a whole number, which Google also writes `40.0`."""
    value = other if one is None else one
    return int(value) if value is not None and value == value // 1 and abs(value) < _NUMBER_MAX else None


def _length(value: msgspec.Raw) -> int:
    raw = bytes(value)
    return 0 if raw == b"null" else len(raw)


__all__ = ["limited", "prepare", "skim", "skim_counts"]
