"""Canonical parts to parts of the wire.

`own` says that the parts came from this dialect: then unknown members go out as they came. What no part
can say must have been screened out before (`screen`); envelopes and made ids never leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from flowrouter.canonical.arguments import as_object
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Extra,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.dialects.gemini.ids import is_made
from flowrouter.dialects.gemini.media import MediaPart, audio_type
from flowrouter.dialects.gemini.node import snake
from flowrouter.wire.json import Raw, typed

Wire = dict[str, Any]

SIGNATURE = "thoughtSignature"

_object = typed(dict[str, Any])


class TurnWriter:
    """Writes the parts of one turn; signatures find the part that bore them.

    `names` maps tool names to the target's, `called` call ids to the names of their calls, as the target
    knows them. `media_inside` puts the media of a result into it instead of behind the results.
    """

    __slots__ = ("_called", "_calls", "_names", "_own", "_texts", "media_inside", "parts")

    def __init__(
        self,
        *,
        own: bool,
        names: Mapping[str, str] | None = None,
        called: Mapping[str, str] | None = None,
        media_inside: bool = True,
    ) -> None:
        self._own = own
        self._names = names or {}
        self._called = called or {}
        self._texts: list[str] = []
        self._calls: dict[str, str] = {}
        self.media_inside = media_inside
        self.parts: list[Wire] = []

    def write(self, parts: Iterable[Part]) -> list[Wire]:
        """Return the wire parts of a turn."""
        behind: list[Wire] = []
        for part in parts:
            match part:
                case Reasoning():
                    self._reasoning(part)
                case ToolResult():
                    wire, media = self._result(part)
                    self.parts.append(wire)
                    behind += media
                case _:
                    self.parts.append(self._plain(part))
        self._place_rest()
        return [*self.parts, *behind]

    def _reasoning(self, part: Reasoning) -> None:
        """Write a thought, or keep a bare signature for the part it stood on."""
        signature = part.signature
        if part.text or (signature is None and part.sealed is None):
            wire: Wire = {"text": part.text, "thought": True}
            if signature is not None:
                wire[SIGNATURE] = signature
            self.parts.append(self._with(wire, part.extra))
        elif signature is None:
            return
        elif part.field == "part":
            self.parts.append(self._with({SIGNATURE: signature}, part.extra))
        elif part.call_id is not None:
            self._calls.setdefault(part.call_id, signature)
        else:
            self._texts.append(signature)

    def _plain(self, part: Part) -> Wire:
        match part:
            case Text():
                wire: Wire = {"text": part.text}
                if self._texts:
                    wire[SIGNATURE] = self._texts.pop(0)
                return self._with(wire, part.extra)
            case Refusal():
                return {"text": part.text}
            case ToolCall():
                return self._call(part)
            case Image() | Document() | Audio() | Media():
                return self._with(media_wire(part), part.extra)
            case Opaque():
                return part.payload
            case _:
                raise TypeError(f"no part for {type(part).__name__}")

    def _call(self, part: ToolCall) -> Wire:
        call: Wire = {} if is_made(part.id) or not part.id else {"id": part.id}
        call["name"] = self._names.get(part.name, part.name)
        if part.kind == "custom":
            call["args"] = {"input": part.arguments}
        elif not (self._own and "args" in part.shape):
            call["args"], _ = as_object(part.arguments)
        wire: Wire = {"functionCall": call}
        signature = self._calls.pop(part.id, None)
        if signature is not None:
            wire[SIGNATURE] = signature
        return self._with(wire, part.extra)

    def _result(self, part: ToolResult) -> tuple[Wire, list[Wire]]:
        """Return the result, and its media where they have to stand behind all results."""
        inner: Wire = {} if is_made(part.call_id) or not part.call_id else {"id": part.call_id}
        name = self._called.get(part.call_id) or part.name
        inner["name"] = self._names.get(name, name) if name else "unknown"
        if not (self._own and part.shape == "absent" and not part.content):
            inner["response"] = response_of(part) if part.content or not self._own else {}
        media = [media_wire(item) for item in part.content if isinstance(item, MediaPart)]
        if media and self.media_inside:
            inner["parts"] = media
            media = []
        return self._with({"functionResponse": inner}, part.extra), media

    def _place_rest(self) -> None:
        """Put signatures whose part is gone onto the first call without one, else onto an empty text."""
        for signature in self._calls.values():
            free = (part for part in self.parts if "functionCall" in part and SIGNATURE not in part)
            call = next(free, None)
            if call is None:
                self._texts.append(signature)
            else:
                call[SIGNATURE] = signature
        self.parts += [{"text": "", SIGNATURE: signature} for signature in self._texts]

    def _with(self, wire: Wire, extra: Extra) -> Wire:
        """Return `wire` with the members only this dialect knows, those of its one object inside it."""
        if not (self._own and extra):
            return wire
        for name, value in extra.items():
            inner = wire.get(name)
            if isinstance(inner, dict) and isinstance(value, dict):
                inner.update(value)  # pyright: ignore[reportUnknownMemberType]
            else:
                wire[name] = value
        return wire


def response_of(part: ToolResult) -> Any:
    """Return the object that tells a result: its own JSON object, else the text under `result` or `error`."""
    text = "\n".join(item.text for item in part.content if isinstance(item, Text | Refusal))
    members = _members(text)
    if members is not None and (not part.is_error or "error" in members):
        return Raw(text.encode())
    return {"error" if part.is_error else "result": text}


def media_wire(part: MediaPart) -> Wire:
    """Return media as bytes or as an address."""
    if isinstance(part, Audio):
        return {"inlineData": {"mimeType": audio_type(part.format), "data": part.data}}
    source = part.source
    title = part.title if isinstance(part, Document) else None
    if source.kind in ("url", "file"):
        return {"fileData": _file(source, title)}
    blob: Wire = {} if source.media_type is None else {"mimeType": source.media_type}
    blob["data"] = source.data or ""
    if title is not None:
        blob["displayName"] = title
    return {"inlineData": {**blob, **source.extra}}


def _file(source: Source, title: str | None) -> Wire:
    file: Wire = {} if source.media_type is None else {"mimeType": source.media_type}
    file["fileUri"] = source.file_id if source.kind == "file" else source.url
    if title is not None:
        file["displayName"] = title
    return {**file, **source.extra}


def has_signature(part: Wire) -> bool:
    """Return whether a wire part is signed, in either spelling."""
    return bool(part.get(SIGNATURE) or part.get(snake(SIGNATURE)))


def _members(text: str) -> dict[str, Any] | None:
    """Return the members of `text` if it is a JSON object that can be embedded as it stands."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return _object.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


__all__ = ["SIGNATURE", "TurnWriter", "Wire", "has_signature", "media_wire", "response_of"]
