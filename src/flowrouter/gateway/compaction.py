"""Compacts a conversation where its provider cannot: a summary by the model itself, openly asked for.

The summary travels as a compaction item of ours: `encrypted_content` is our envelope (`flr1.`), sealed
for its owner. When a request brings it back it is opened and stands as a marked user message, for any
target.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeGuard

import msgspec

from flowrouter.accounts.vault import UnsealError
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Opaque, Part, Text
from flowrouter.canonical.request import Request
from flowrouter.errors import CallerError
from flowrouter.gateway.envelopes import PREFIX, Seals
from flowrouter.gateway.response_items import listed
from flowrouter.wire.json import JsonError, dumps, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer

INSTRUCTION = (
    "[flow-router] The conversation above is about to be replaced by a summary, because it grows too long. "
    "Write that summary now, as text only: the task and its constraints, what was decided and why, what was "
    "done (files, commands, results), what is still open, and any names, values or quotes that will be needed "
    "word for word. Do not go on with the task itself."
)
"""What the model is asked; it names us, so that nobody takes it for the user's own words."""

MARK = "[flow-router] Summary of the conversation so far, written by the model when it was compacted:\n\n"

_TYPES = frozenset({"compaction", "compaction_summary"})
_UNWANTED = frozenset({
    "tools", "tool_choice", "parallel_tool_calls", "text", "stream", "stream_options", "include", "store",
    "max_output_tokens", "input",
})  # fmt: skip
_TABLE = "compaction"


class Compaction:
    """Makes compaction items of ours and opens them again."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def request(self, body: bytes, *, named: bool = False) -> bytes:
        """Return the request that asks for the summary; raises `CallerError` for nothing to compact.

        `named` says that only the provider holds the answer which the body goes on from.
        """
        asked = _object(body)
        items = _items(asked)
        if not (items or named):
            raise CallerError("`input` holds nothing to compact", param="input")
        ask = {"type": "message", "role": "user", "content": INSTRUCTION}
        kept = {name: value for name, value in asked.items() if name not in _UNWANTED}
        if not named:
            kept.pop("previous_response_id", None)
        return dumps({**kept, "input": [*items, ask], "store": False})

    def answer(self, asked: bytes, summary: bytes, *, owner_id: str, now: float) -> bytes:
        """Return the compacted conversation from the model's answer; raises `ValueError` if it holds no text."""
        found = _object(summary)
        output = (as_object(item) or {} for item in as_list(found.get("output")) or ())
        pieces = (
            (as_object(piece) or {}).get("text")
            for item in output
            if item.get("type") == "message"
            for piece in as_list(item.get("content")) or ()
        )
        text = "\n".join(piece for piece in pieces if isinstance(piece, str) and piece)
        if not text.strip():
            raise ValueError("the model wrote no summary")
        ident, created = found.get("id"), found.get("created_at")
        ident = ident if isinstance(ident, str) and ident else f"resp_{secrets.token_hex(12)}"
        users = (item for item in map(as_object, _items(_object(asked))) if item and _is_users(item))
        kept = [listed(item, label=f"msg_{ident}_{number}") for number, item in enumerate(users)]
        item = {
            "id": f"cmp_{secrets.token_hex(12)}",
            "type": "compaction",
            "encrypted_content": self._seal(text, owner_id),
        }
        return dumps(
            {
                "id": ident,
                "object": "response.compaction",
                "created_at": created if is_integer(created) else int(now),
                "output": [*kept, item],
                "usage": found.get("usage"),
            }
        )

    def open(self, request: Request, *, owner_id: str) -> Request:
        """Return `request` with our compaction items as marked user messages; raises `CallerError`.

        An item that does not open is refused: without it the conversation would be another one.
        """
        opened: dict[int, Message] = {}
        for number, message in enumerate(request.messages):
            if Opaque in map(type, message.parts) and any(map(_is_ours, message.parts)):
                opened[number] = self._opened(message, owner_id)
        if not opened:
            return request
        messages = tuple(opened.get(number, message) for number, message in enumerate(request.messages))
        return msgspec.structs.replace(request, messages=messages)

    def _opened(self, message: Message, owner_id: str) -> Message:
        parts = tuple(
            Text(text=MARK + self._unseal(part.payload["encrypted_content"], owner_id, message.place))
            if _is_ours(part)
            else part
            for part in message.parts
        )
        return Message(role="user", parts=parts, place=message.place)

    def _seal(self, text: str, owner_id: str) -> str:
        blob = self._seals.seal(text.encode(), table=_TABLE, row=owner_id, field="summary")
        return PREFIX + urlsafe_b64encode(blob).decode()

    def _unseal(self, envelope: str, owner_id: str, place: str) -> str:
        try:
            blob = urlsafe_b64decode(envelope.removeprefix(PREFIX))
            return self._seals.open(blob, table=_TABLE, row=owner_id, field="summary").decode()
        except (UnsealError, ValueError) as error:
            raise CallerError(
                "this compaction item was not made here, or for somebody else",
                param=place or "input",
                code="invalid_encrypted_content",
            ) from error


def _object(body: bytes) -> Json:
    """Return the object in `body`; raises `JsonError` (a `ValueError`) for anything else."""
    whole = as_object(loads(body))
    if whole is None:
        raise JsonError("not an object")
    return whole


def _items(asked: Json) -> list[Any]:
    value = asked.get("input")
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    return as_list(value) or []


def _is_users(item: Json) -> bool:
    return item.get("type") in (None, "message") and item.get("role") == "user"


def _is_ours(part: Part) -> TypeGuard[Opaque]:
    if not isinstance(part, Opaque):
        return False
    sealed = part.payload.get("encrypted_content")
    return part.payload.get("type") in _TYPES and isinstance(sealed, str) and sealed.startswith(PREFIX)


__all__ = ["INSTRUCTION", "MARK", "Compaction"]
