"""Parts of replies: what of a vendor's parts is the answer, and an answer from elsewhere as parts.

A foreign answer is written so that clients which look at the parts one by one read it whole: texts that
stand side by side are one part, so are thoughts. Sealed reasoning state goes on the next call, which all
clients send back, else on the text that ends the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from flowrouter.canonical.arguments import as_object
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from flowrouter.dialects.gemini.citations import Grounding
from flowrouter.dialects.gemini.parse_parts import Parts
from flowrouter.dialects.gemini.render_parts import SIGNATURE, TurnWriter, media_wire
from flowrouter.dialects.gemini.signatures import as_signature
from flowrouter.wire.json import typed
from flowrouter.wire.members import Json
from flowrouter.wire.members import as_object as as_members

EMPTY = "empty"
"""The `field` of reasoning that stood as the signature of a text part without text."""

BETWEEN_THOUGHTS = "\n\n"

_THOUGHTS = frozenset({"text", "functionCall"})
"""What of a thought is told: pictures in one are drafts of the answer."""


class _Thinking(msgspec.Struct):
    camel: bool | None = msgspec.field(name="includeThoughts", default=None)
    include_thoughts: bool | None = None


class _Config(msgspec.Struct):
    camel: _Thinking | None = msgspec.field(name="thinkingConfig", default=None)
    thinking_config: _Thinking | None = None


class _Asked(msgspec.Struct):
    camel: _Config | None = msgspec.field(name="generationConfig", default=None)
    generation_config: _Config | None = None


_asked = typed(_Asked)


def wants_thoughts(asked: bytes) -> bool:
    """Return whether a client is to see thoughts: Gemini's send none unless they are asked for.

    Without the request's body nobody knows, and they are shown.
    """
    if not asked:
        return True
    try:
        body = _asked.decode(asked)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return True
    config = body.camel or body.generation_config
    thinking = config and (config.camel or config.thinking_config)
    return bool(thinking and (thinking.camel or thinking.include_thoughts))


def read_parts(items: Iterable[Any], parts: Parts) -> tuple[Part, ...]:
    """Return the canonical parts of a reply's parts; raises `ValueError` for one that is no part."""
    return tuple(part for number, item in enumerate(items) for part in read_part(item, parts, number))


def read_part(item: Any, parts: Parts, number: int = 0) -> list[Part]:
    """Return what one part of a reply becomes; raises `ValueError` if it is none.

    A picture in a thought is a draft: nobody but this dialect's clients may take it for the answer. A
    text without text that is signed is a signature and nothing else.
    """
    members = as_members(item)
    if members is not None and members.get("thought") is True and members.keys().isdisjoint(_THOUGHTS):
        return [Opaque(payload=members, origin="gemini")]
    match read := parts.parse_one(item, f"parts[{number}]"):
        case [Reasoning(field="text") as signed, Text(text="", extra=extra)] if not extra:
            return [msgspec.structs.replace(signed, field=EMPTY)]
        case _:
            return read


def write_own(parts: Iterable[Part]) -> list[Json]:
    """Return the wire parts of an answer that came in this dialect."""
    return TurnWriter(own=True).write(_own(parts))


def _own(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, Reasoning) and part.sealed is not None:
            part = msgspec.structs.replace(part, signature=as_signature([part.sealed]), sealed=None)
        match part:
            case Reasoning(field=str(field)) if field == EMPTY:
                yield msgspec.structs.replace(part, field="text")
                yield Text(text="")
            case Reasoning(text="", signature=str(signature), field=None, call_id=None):
                # A thought without text that is signed: no carrier of a text's signature.
                wire = {"text": "", "thought": True, SIGNATURE: signature, **part.extra}
                yield Opaque(payload=wire, origin="gemini")
            case _:
                yield part


def write_call(call: ToolCall, *, own: bool) -> tuple[Json, str | None]:
    """Return the part of a complete call, and what had to be done to its arguments."""
    note = None if call.kind == "custom" else as_object(call.arguments)[1]
    if own:
        return TurnWriter(own=True).write([call])[0], note
    return {"functionCall": _foreign_call(call)}, note


def _foreign_call(call: ToolCall) -> Json:
    args = {"input": call.arguments} if call.kind == "custom" else as_object(call.arguments)[0]
    named: Json = {"name": call.name, "args": args}
    return {"id": call.id, **named} if call.id else named


def write_media(part: Image | Document | Audio | Media, *, own: bool) -> Json | None:
    """Return media as a part; None for what only the vendor that issued it could open."""
    if own:
        return TurnWriter(own=True).write([part])[0]
    if isinstance(part, Audio):
        return media_wire(part)
    source = part.source
    if source.kind not in ("base64", "url") or not (source.data or source.url):
        return None
    return media_wire(msgspec.structs.replace(part, source=msgspec.structs.replace(source, extra={})))


def signed(part: Json, envelopes: list[str]) -> Json:
    """Return `part` with the envelopes that wait for one; none waits any more."""
    if envelopes:
        part = {**part, SIGNATURE: as_signature(envelopes)}
        envelopes.clear()
    return part


class ForeignParts:
    """Writes the parts of one whole answer from another dialect; `grounding` gathers its citations."""

    def __init__(self, number: int, losses: list[Loss], *, thoughts: bool) -> None:
        self._number = number
        self._losses = losses
        self._thoughts = thoughts
        self._envelopes: list[str] = []
        self._parts: list[Json] = []
        self.grounding = Grounding()

    def write(self, parts: Iterable[Part]) -> list[Json]:
        """Return the wire parts."""
        for part in parts:
            self._add(part)
        if self._envelopes:
            if not self._parts or "text" not in self._parts[-1]:
                self._parts.append({"text": ""})
            self._parts[-1] = signed(self._parts[-1], self._envelopes)
        return self._parts

    def _add(self, part: Part) -> None:
        match part:
            case Text() | Refusal():
                self._text(part)
            case Reasoning():
                self._reasoning(part)
            case ToolCall():
                wire, note = write_call(part, own=False)
                self._parts.append(signed(wire, self._envelopes))
                if note is not None:
                    self._lose("functionCall.args", note, changed=True)
            case Image() | Document() | Audio() | Media():
                wire = write_media(part, own=False)
                if wire is not None:
                    self._parts.append(wire)
                else:
                    self._lose(str(part.__struct_config__.tag), UNREACHABLE)
            case _:
                self._lose(str(part.__struct_config__.tag), NO_PLACE)

    def _text(self, part: Text | Refusal) -> None:
        if not part.text:
            return
        start = 0
        if self._ends_in(thought=False):
            start = len(self._parts[-1]["text"])
            self._parts[-1]["text"] += part.text
        else:
            self._parts.append({"text": part.text})
        for citation in part.citations if isinstance(part, Text) else ():
            run = self._parts[-1]["text"]
            if not self.grounding.add(citation, run, start=start, part=len(self._parts) - 1):
                self._lose("citations", NO_URL)

    def _reasoning(self, part: Reasoning) -> None:
        if part.sealed is not None:
            self._envelopes.append(part.sealed)
        elif part.signature or part.redacted:
            self._lose(SIGNATURE, FOREIGN_STATE)
        if not part.text:
            return
        if not self._thoughts:
            self._lose("thought", NOT_ASKED)
        elif self._ends_in(thought=True):
            self._parts[-1]["text"] += BETWEEN_THOUGHTS + part.text
        else:
            self._parts.append({"text": part.text, "thought": True})

    def _ends_in(self, *, thought: bool) -> bool:
        last = self._parts[-1] if self._parts else {}
        return "text" in last and last.get("thought", False) is thought

    def _lose(self, what: str, reason: str, *, changed: bool = False) -> None:
        kind = "changed" if changed else "dropped"
        loss = Loss(path=f"candidates[{self._number}].{what}", kind=kind, reason=reason)
        if loss not in self._losses:
            self._losses.append(loss)


NO_PLACE = "Gemini has no place for it in an answer"
NO_URL = "a citation without a URL"
NOT_ASKED = "includeThoughts was not asked for"
FOREIGN_STATE = "Gemini has no place for another vendor's reasoning state"
UNREACHABLE = "only the vendor that issued the file can open it"
"""Why something is lost in an answer, in the same words whole and streamed."""

__all__ = [
    "BETWEEN_THOUGHTS",
    "EMPTY",
    "FOREIGN_STATE",
    "NOT_ASKED",
    "NO_PLACE",
    "NO_URL",
    "UNREACHABLE",
    "ForeignParts",
    "read_part",
    "read_parts",
    "signed",
    "wants_thoughts",
    "write_call",
    "write_media",
    "write_own",
]
