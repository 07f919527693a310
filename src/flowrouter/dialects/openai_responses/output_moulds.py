"""Gives an answer of this dialect its own items back, from its parts and their moulds.

Moulds fit only as long as nobody changed what an answer consists of; where one does not fit, the caller
writes the items anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from flowrouter.canonical.parts import Image, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.dialects.openai_responses.items import CALLS, bare_name
from flowrouter.dialects.openai_responses.output_items import BLANK_LINE, LENGTH, call_id, item_id, objects
from flowrouter.wire.members import Json

P = TypeVar("P", Text, Refusal, Reasoning, ToolCall, Image, Opaque)


def cast_items(parts: Sequence[Part], moulds: Sequence[Json | None]) -> list[Json] | None:
    """Return the items that `parts` were read from, None if they are no longer the same parts."""
    filler = _Filler(parts)
    items = [filler.item(mould) for mould in moulds]
    return items if filler.fits and filler.used_all else None


class _Filler:
    """Takes parts one by one, each only for the item it came in; `fits` turns false where one does not."""

    __slots__ = ("_at", "_parts", "fits")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._at = 0
        self.fits = True

    @property
    def used_all(self) -> bool:
        """Return whether no part is left over."""
        return self._at == len(self._parts)

    def item(self, mould: Json | None) -> Json:
        """Return the next item."""
        if mould is None:
            opaque = self._take(Opaque, None)
            return {} if opaque is None else opaque.payload
        match mould.get("type"):
            case "message":
                pieces = objects(mould.get("content")) or []
                return {**mould, "content": [self._content(piece, mould) for piece in pieces]}
            case "reasoning":
                return self._reasoning(mould)
            case "image_generation_call":
                image = self._take(Image, mould)
                return {} if image is None else {**mould, "result": image.source.data}
            case kind:
                return self._call(mould, str(kind))

    def _take(self, kind: type[P], mould: Json | None) -> P | None:
        part = None if self.used_all else self._parts[self._at]
        if isinstance(part, kind) and (mould is None or item_id(part) == _ident(mould)):
            self._at += 1
            return part
        self.fits = False
        return None

    def _next_is_reasoning(self, mould: Json, field: str | None) -> bool:
        part = None if self.used_all else self._parts[self._at]
        return isinstance(part, Reasoning) and part.field == field and item_id(part) == _ident(mould)

    def _content(self, piece: Json, mould: Json) -> Json:
        match piece.get("type"):
            case "output_text" if "text" not in piece:
                text = self._take(Text, mould)
                if text is None:
                    return {}
                cited = {"annotations": list(text.citations)} if text.citations else {}
                return {**piece, "text": text.text, **cited}
            case "refusal" if "refusal" not in piece:
                refusal = self._take(Refusal, mould)
                return {} if refusal is None else {**piece, "refusal": refusal.text}
            case "output_text" | "refusal":
                return piece
            case _:
                opaque = self._take(Opaque, mould)
                held = None if opaque is None else objects(opaque.payload.get("content"))
                return held[0] if held else {}

    def _reasoning(self, mould: Json) -> Json:
        item = dict(mould)
        state: str | None = None
        for field, name in (("summary", None), ("content", "content")):
            pieces = objects(mould.get(field)) or []
            if any(LENGTH in piece for piece in pieces):
                part = self._take(Reasoning, mould)
                item[field] = self._divided(pieces, "" if part is None else part.text)
                state = state or (part and (part.signature or part.sealed))
            elif "encrypted_content" not in mould and self._next_is_reasoning(mould, name):
                part = self._take(Reasoning, mould)
                self.fits = self.fits and part is not None and not part.text
                state = state or (part and (part.signature or part.sealed))
        return {**item, "encrypted_content": state} if state else item

    def _divided(self, pieces: Sequence[Json], text: str) -> list[Json]:
        """Return the pieces of a summary with their shares of its text."""
        divided: list[Json] = []
        at = 0
        for piece in pieces:
            length = piece.get(LENGTH)
            if not isinstance(length, int):
                divided.append(piece)
                continue
            at += len(BLANK_LINE) if at else 0
            whole = {name: value for name, value in piece.items() if name != LENGTH}
            divided.append({**whole, "text": text[at : at + length]})
            at += length
        self.fits = self.fits and at == len(text)
        return divided

    def _call(self, mould: Json, kind: str) -> Json:
        call = self._take(ToolCall, mould)
        if call is None or kind not in CALLS or call.id != call_id(mould):
            self.fits = False
            return {}
        item = {**mould, "name": bare_name(mould.get("namespace"), call.name)}
        if isinstance(mould.get(CALLS[kind]), str) or (call.arguments and CALLS[kind] not in mould):
            item[CALLS[kind]] = call.arguments
        return item


def _ident(mould: Json) -> str | None:
    held = mould.get("id")
    return held if isinstance(held, str) else None


__all__ = ["cast_items"]
