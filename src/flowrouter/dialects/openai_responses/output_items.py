"""Items of an answer's `output` to parts of the hub, each with a mould that gives the item back.

A part knows its item by the link in its `extra`: id and other members that are there from the item's
first event on. All else that only this dialect knows (states, empty texts, how a summary was divided) is
in the mould: the item without what its parts say. So a stream, which learns states late, folds to
what the whole answer says. An item in an unexpected form is one `Opaque`, and needs no mould.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec

from flowrouter.canonical.parts import (
    Image,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
)
from flowrouter.dialects.openai_responses.items import CALLS, DIALECT, ITEM, SEAL, full_name
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_list, as_object

BLANK_LINE = "\n\n"
"""Stands between the parts of a summary, where they are one text."""

LENGTH = "length"
"""The member of a mould's summary or reasoning text that says how much of the part's text it is."""

_LINKED = ("id", "phase", "namespace", "caller", "async")

SPOKEN = {"output_text": "text", "refusal": "refusal"}
"""The parts of a message that the hub has words for, and the member with the model's words."""


class ReadItem(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of one item, and its mould (None: the parts are the whole item)."""

    parts: tuple[Part, ...]
    mould: Json | None = None


def link(item: Json) -> Json:
    """Return the `extra` of a part of `item`."""
    return {ITEM: {name: item[name] for name in _LINKED if item.get(name) is not None}}


def item_id(part: Part) -> str | None:
    """Return the id of the item a part came in."""
    if isinstance(part, Opaque):
        held = part.payload.get("id")
    else:
        held = (as_object(part.extra.get(ITEM)) or {}).get("id")
    return held if isinstance(held, str) else None


def read_output(output: Iterable[Any], provenance: Provenance) -> tuple[list[Part], list[Json | None]]:
    """Return the parts of all items, and the moulds in their order; raises `ValueError` for a non-object."""
    parts: list[Part] = []
    moulds: list[Json | None] = []
    for number, value in enumerate(output):
        item = as_object(value)
        if item is None:
            raise ValueError(f"output[{number}] is not an object")
        read = read_item(item, provenance)
        parts += read.parts
        moulds.append(read.mould)
    return parts, moulds


def read_item(item: Json, provenance: Provenance) -> ReadItem:
    """Return the parts of one item of an answer."""
    kind = item.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    read = reader(item, provenance) if reader is not None else None
    return read or ReadItem(parts=(Opaque(payload=item, origin=DIALECT),))


def _read_message(item: Json, _: Provenance) -> ReadItem | None:
    content = objects(item.get("content"))
    if not content:
        return None
    parts: list[Part] = []
    moulds: list[Json] = []
    for piece in content:
        part, mould = read_content(piece, item)
        if part is not None:
            parts.append(part)
        moulds.append(mould)
    return ReadItem(parts=tuple(parts), mould={**item, "content": moulds})


def read_content(piece: Json, item: Json) -> tuple[Part | None, Json]:
    """Return the part of one piece of a message's content, and the piece's mould.

    Empty text is no part; it stays in the mould. A piece of another kind is `Opaque`: a message of its own
    with the ids of this one, which its own dialect understands.
    """
    kind = str(piece.get("type"))
    text = piece.get(SPOKEN.get(kind, ""))
    if not isinstance(text, str):
        payload = {"type": "message", "role": "assistant", **link(item)[ITEM], "content": [piece]}
        return Opaque(payload=payload, origin=DIALECT), {}
    if not text:
        return None, piece
    mould = {name: value for name, value in piece.items() if name != SPOKEN[kind]}
    if kind == "refusal":
        return Refusal(text=text, extra=link(item)), mould
    citations = objects(piece.get("annotations")) or []
    if citations:
        del mould["annotations"]
    return Text(text=text, citations=tuple(citations), extra=link(item)), mould


def _read_reasoning(item: Json, provenance: Provenance) -> ReadItem | None:
    mould = dict(item)
    parts: list[Reasoning] = []
    for field in ("summary", "content"):
        pieces = objects(item.get(field))
        if item.get(field) is not None and pieces is None:
            return None
        texts = [piece.get("text", "") for piece in pieces or ()]
        if not all(isinstance(text, str) for text in texts):
            return None
        if pieces:
            mould[field] = [_text_mould(piece, len(text)) for piece, text in zip(pieces, texts, strict=True)]
        if joined := BLANK_LINE.join(text for text in texts if text):
            field_name = "content" if field == "content" else None
            parts.append(Reasoning(text=joined, field=field_name, provenance=provenance, extra=link(item)))
    state = item.get("encrypted_content")
    if isinstance(state, str) and state:
        del mould["encrypted_content"]
        last = parts.pop() if parts else Reasoning(provenance=provenance, extra=link(item))
        parts.append(signed(last, state))
    return ReadItem(parts=tuple(parts), mould=mould)


def _text_mould(piece: Json, length: int) -> Json:
    """Return the mould of one text of a reasoning item; an empty text stays in it."""
    if not length:
        return piece
    return {**{name: value for name, value in piece.items() if name != "text"}, LENGTH: length}


def signed(part: Reasoning, state: str) -> Reasoning:
    """Return `part` with an item's state: the vendor's signature, or an envelope of ours."""
    if state.startswith(SEAL):
        return msgspec.structs.replace(part, sealed=state)
    return msgspec.structs.replace(part, signature=state)


def _read_call(item: Json, _: Provenance) -> ReadItem | None:
    kind = str(item["type"])
    member = CALLS[kind]
    name = item.get("name")
    if not isinstance(name, str) or not name:
        return None
    given = item.get(member)
    call = ToolCall(
        id=call_id(item),
        name=full_name(item.get("namespace"), name),
        arguments=arguments_text(given),
        kind="custom" if kind == "custom_tool_call" else "function",
        extra=link(item),
    )
    mould = {**item, member: ""} if isinstance(given, str) else dict(item)
    del mould["name"]
    return ReadItem(parts=(call,), mould=mould)


def call_id(item: Json) -> str:
    """Return the id by which a call is answered; a host that gives none has the item's own."""
    return next((value for name in ("call_id", "id") if isinstance(value := item.get(name), str)), "")


def arguments_text(value: Any) -> str:
    """Return what the model wrote, from hosts that send an object too."""
    if isinstance(value, str):
        return value
    return "" if value is None else dumps_text(value)


def _read_image(item: Json, _: Provenance) -> ReadItem | None:
    data = item.get("result")
    if not isinstance(data, str) or not data:
        return None
    form = item.get("output_format")
    source = Source(
        kind="base64", media_type=f"image/{form}" if isinstance(form, str) else "image/png", data=data
    )
    mould = {name: value for name, value in item.items() if name != "result"}
    return ReadItem(parts=(Image(source=source, extra=link(item)),), mould=mould)


_READERS: dict[str, Callable[[Json, Provenance], ReadItem | None]] = {
    "message": _read_message,
    "reasoning": _read_reasoning,
    "function_call": _read_call,
    "custom_tool_call": _read_call,
    "image_generation_call": _read_image,
}


def objects(value: Any) -> list[Json] | None:
    """Return a list of nothing but objects, None for anything else."""
    items = as_list(value)
    if items is None or not all(isinstance(item, dict) for item in items):
        return None
    return cast("list[Json]", items)


__all__ = [
    "BLANK_LINE", "LENGTH", "SPOKEN", "ReadItem", "arguments_text", "call_id", "item_id", "link", "objects", "read_content",
    "read_item", "read_output", "signed",
]  # fmt: skip
