"""The words in a request body, by who wrote them, without a tree of it.

Rules that keep prompts at home ask for them, so more is read rather than less: whatever is not known to
be media, an id or a signature counts as words. What tools were asked and gave is read twice, as it
stands and with the escapes of JSON undone, since a word behind `\\n` or `\\u00e9` is a word too.
"""

from __future__ import annotations

import re
from typing import Any

from flowrouter.canonical.head import Speaker, Texts
from flowrouter.wire.json import JsonError, dumps_text, loads
from flowrouter.wire.members import Json, as_list, as_object

_SILENT = frozenset({
    "type", "role", "id", "status", "call_id", "tool_call_id", "tool_use_id", "cache_control", "media_type",
    "mime_type", "mimeType", "format", "detail", "signature", "thoughtSignature", "thought_signature",
    "encrypted_content", "file_id",
})  # fmt: skip
"""Members that hold no words."""

_MEDIA = frozenset({"data", "file_data", "url", "image_url", "b64_json", "blob", "result", "image", "audio"})
"""Members that may hold media as base64."""

_FREE = frozenset(
    {"input", "arguments", "args", "response", "output", "parameters", "input_schema", "schema"}
)
"""Members whose inside has no form of the dialect's own."""

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{60,}={0,2}\r?\n?)+\Z")
_BASE64_URL = re.compile(r"data:[^,]{0,200};base64,")
_BASE64_LOOK = 1024
_SHORT = 240

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_EMBEDDED_MAX = 4
"""How often JSON may stand as text inside of JSON and still be read."""


class Words:
    """Gathers the words of one body; every method takes a value of the wire and may be called often."""

    def __init__(self) -> None:
        self._system: list[str] = []
        self._user: list[str] = []
        self._assistant: list[str] = []
        self._tool: list[str] = []
        self._last: Speaker = ""
        self._unread = False

    def system(self, value: Any) -> None:
        """Take instructions."""
        self._system += spoken(value)

    def user(self, value: Any) -> None:
        """Take one turn of the user."""
        if found := spoken(value):
            self._user.append("\n".join(found))
            self._last = "user"

    def assistant(self, value: Any) -> None:
        """Take an earlier answer, or what the next one is to begin with."""
        self._assistant += spoken(value)
        self._last = "assistant"

    def tool(self, value: Any) -> None:
        """Take what a tool was asked or gave."""
        self.offered(value)
        self._last = "tool"

    def offered(self, value: Any) -> None:
        """Take the definitions of tools, which are no turn."""
        self._tool += free(value)

    def turn(self, speaker: Speaker, value: Any) -> None:
        """Take a turn by the name of who speaks; one without a name is the user's."""
        match speaker:
            case "system":
                self.system(value)
                self._last = "system"
            case "assistant":
                self.assistant(value)
            case "tool":
                self.tool(value)
            case _:
                self.user(value)

    def embedded(self, value: Any) -> None:
        """Take the texts of a request for vectors, each a turn; token ids cannot be read."""
        for item in as_list(value) or [value]:
            if isinstance(item, str):
                self.user(item)
            elif item is not None:
                self.unread()

    def beside(self, shape: Json, handled: frozenset[str]) -> None:
        """Take what else a body holds besides the `handled` members: schemas, labels, what nobody knows."""
        for name, value in shape.items():
            if name not in handled and name != "model":
                self._system += free(value)

    def unread(self) -> None:
        """Note that something with words could not be read."""
        self._unread = True

    def texts(self) -> Texts:
        """Return what was gathered."""
        return Texts(
            system=tuple(self._system),
            user=tuple(self._user),
            assistant=tuple(self._assistant),
            tool=tuple(self._tool),
            last=self._last,
            unread=self._unread,
        )


def body_of(body: bytes) -> Json | None:
    """Return the object in `body`; None where it cannot be read."""
    try:
        return as_object(loads(body))
    except JsonError:
        return None


def spoken(value: Any) -> list[str]:
    """Return the words in a content: a text, a part, or a list of either, in their order."""
    found: list[str] = []
    left: list[Any] = [value]
    while left:
        next_one = left.pop()
        if isinstance(next_one, str):
            found += [next_one] if next_one.strip() else []
        elif isinstance(next_one, _Free):
            found += free(next_one.value)
        elif (items := as_list(next_one)) is not None:
            left += reversed(items)
        elif (part := as_object(next_one)) is not None:
            left += reversed([_Free(inner) if name in _FREE else inner for name, inner in _worded(part)])
    return found


def free(value: Any, depth: int = 0) -> list[str]:
    """Return the words of a value in no known form, the texts in it also without their escapes."""
    if isinstance(value, str):
        return [value, *_unescaped(value, depth)] if value.strip() else []
    if as_list(value) is None and as_object(value) is None:
        return []
    found: list[str] = []
    kept = _without_media(value, found, depth)
    return [dumps_text(kept), *found]


class _Free:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _unescaped(text: str, depth: int) -> list[str]:
    """Return the texts inside of JSON that stands as text, where its escapes hide any.

    Lines of JSON, and JSON that was cut off, are read by their escapes alone.
    """
    if depth >= _EMBEDDED_MAX or "\\" not in text:
        return []
    try:
        inner = loads(text) if text.lstrip()[:1] in ("{", "[", '"') else None
    except JsonError:
        inner = None
    if inner is None:
        plain = _ESCAPE.sub(_meant, text)
        return [] if plain == text else [plain, *_unescaped(plain, depth + 1)]
    if isinstance(inner, str):
        return free(inner, depth + 1)
    found: list[str] = []
    _without_media(inner, found, depth + 1)
    return found


def _meant(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _PLAIN.get(code, code)


def _without_media(value: Any, found: list[str], depth: int) -> Any:
    """Return `value` without media, all texts in it added to `found`."""
    if isinstance(value, str):
        if value.strip():
            found.append(value)
            found += _unescaped(value, depth)
        return value
    if (items := as_list(value)) is not None:
        return [_without_media(item, found, depth) for item in items]
    if (members := as_object(value)) is not None:
        return {
            name: _without_media(inner, found, depth)
            for name, inner in members.items()
            if not (name in _MEDIA and _is_media(inner))
        }
    return value


def _worded(part: Json) -> list[tuple[str, Any]]:
    """Return the members of a part that may hold words."""
    return [
        (name, inner)
        for name, inner in part.items()
        if name not in _SILENT and not (name in _MEDIA and _is_media(inner))
    ]


def _is_media(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < _SHORT:
        return False
    if value.startswith("data:"):
        return _BASE64_URL.match(value) is not None
    head = value[:_BASE64_LOOK]
    # A line cut off by the look may be any length, so the last one is left out of it.
    body, _, _ = head.rpartition("\n") if "\n" in head and len(value) > _BASE64_LOOK else (head, "", "")
    return _BASE64.match(body) is not None


__all__ = ["Words", "body_of", "free", "spoken"]
