"""Tool-call arguments as the JSON object some dialects insist on, from whatever text a model wrote.

Valid text is embedded as it stands, never reparsed. Text that is almost JSON (single quotes, bare
words, trailing commas, Python's literals) is repaired; text cut off in the middle is not, since a
guessed ending could be executed.
"""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from flowrouter.wire.json import JsonError, Raw, dumps, loads, typed

_object: msgspec.json.Decoder[dict[str, Any]] = typed(dict[str, Any])

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<double>"(?:[^"\\]|\\.)*")
    |(?P<single>'(?:[^'\\]|\\.)*')
    |(?P<mark>[{}\[\]:,])
    |(?P<word>[^\s"'{}\[\]:,]+)""",
    re.VERBOSE | re.DOTALL,
)
_LITERALS = {"True": "true", "False": "false", "None": "null", "undefined": "null", "NaN": "null"}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


def as_object(text: str) -> tuple[Raw | dict[str, Any], str | None]:
    """Return `text` as a JSON object, ready to be encoded, and what was done to it (None: nothing).

    Empty text is `{}`; JSON that is no object becomes `{"value": …}`, text that is no JSON even
    after repair `{"_raw": "…"}`.
    """
    if not text.strip():
        return {}, None
    try:
        raw = text.encode()
        _object.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _repaired(text)
    return Raw(raw), None


def _repaired(text: str) -> tuple[Raw | dict[str, Any], str]:
    for candidate in (text, _mended(text)):
        if candidate is None:
            continue
        try:
            value = loads(candidate)
        except JsonError:
            continue
        if isinstance(value, dict):
            return cast("dict[str, Any]", value), "the arguments were repaired to valid JSON"
        if candidate is text or not isinstance(value, str):
            return {"value": value}, "the arguments are no object; wrapped as value"
    return {"_raw": text}, "the arguments are not JSON; wrapped as _raw"


def _mended(text: str) -> str | None:
    """Return `text` with quotes, bare words and trailing commas put right; None if beyond that."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    pieces: list[str] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        at = found.end()
        token = _token(found)
        if token in ("}", "]") and pieces and pieces[-1] == ",":
            pieces.pop()
        if token:
            pieces.append(token)
    return "".join(pieces)


def _token(found: re.Match[str]) -> str:
    text = found.group()
    match found.lastgroup:
        case "space":
            return ""
        case "single":
            plain = text[1:-1].replace("\\'", "'").replace('\\"', '"').replace('"', '\\"')
            return f'"{plain}"'.replace("\n", "\\n")
        case "word":
            return _word(text)
        case _:
            return text


def _word(text: str) -> str:
    text = _LITERALS.get(text, text)
    if text in ("true", "false", "null") or _NUMBER.fullmatch(text):
        return text
    return dumps(text).decode()


__all__ = ["as_object"]
