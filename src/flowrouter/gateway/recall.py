"""Remembers sealed reasoning for clients that drop what they do not know.

A client that sends an assistant's tool calls back without the envelopes they came with would leave
its vendor without the reasoning it insists on. So envelopes are also kept here, found by owner,
conversation up to and including that message, and call id: whoever holds only the ids finds nothing.
The shared state answers at once, the sealed store behind it after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

import msgspec

from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import SealedBlobs, StateStore
from flowrouter.tasks import TaskGroup

KEPT_SECONDS = 24 * 3600.0
_KIND = "reasoning"


class Recall:
    """Keeps the envelopes of replies that called tools and puts them back into later requests."""

    def __init__(
        self, state: StateStore, blobs: SealedBlobs, *, secret: bytes, clock: Clock, tasks: TaskGroup
    ) -> None:
        self._state = state
        self._blobs = blobs
        self._secret = secret
        self._clock = clock
        self._tasks = tasks

    async def keep(
        self, request: Request, cursor: Cursor, envelopes: Sequence[str], *, owner_id: str
    ) -> None:
        """Remember `envelopes` for the reply that `cursor` has followed; it must not have ended for its client."""
        calls = [
            part.header for part in cursor.parts if isinstance(part.header, ToolCall) and part.choice == 0
        ]
        if not calls or not envelopes:
            return
        said = Message(role="assistant", parts=(Text(text=cursor.text), *calls))
        key = self._key(owner_id, _digest((*request.messages, said)), calls[0].id)
        value = "\n".join(envelopes).encode()
        await self._state.put(f"{_KIND}:{key}", value, ttl=KEPT_SECONDS)
        self._tasks.start("keep reasoning", self._store(owner_id, key, value))

    async def fill(self, request: Request, *, owner_id: str) -> Request:
        """Return `request` with what is remembered for the open tool loop, where the client left it out."""
        start = _open_loop(request.messages)
        messages = list(request.messages)
        for place in range(start, len(messages)):
            calls = [part for part in messages[place].parts if isinstance(part, ToolCall)]
            if not calls or _carries_state(messages[place].parts):
                continue
            key = self._key(owner_id, _digest(request.messages[: place + 1]), calls[0].id)
            envelopes = await self._find(owner_id, key)
            if envelopes:
                rest = [part for part in messages[place].parts if not isinstance(part, Reasoning)]
                parts = (*(Reasoning(sealed=envelope) for envelope in envelopes), *rest)
                messages[place] = msgspec.structs.replace(messages[place], parts=parts)
        return msgspec.structs.replace(request, messages=tuple(messages))

    async def _find(self, owner_id: str, key: str) -> list[str]:
        value = await self._state.get(f"{_KIND}:{key}")
        if value is None:
            try:
                value = await self._blobs.get(owner_id, _KIND, key)
            except StorageError:
                return []
        return value.decode().split("\n") if value else []

    async def _store(self, owner_id: str, key: str, value: bytes) -> None:
        expires = int((self._clock.now() + KEPT_SECONDS) * 1000)
        await self._blobs.put(owner_id, _KIND, key, value=value, expires_at_ms=expires)

    def _key(self, owner_id: str, digest: bytes, call_id: str) -> str:
        text = b"\0".join((owner_id.encode(), digest, call_id.encode("utf-8", "replace")))
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()


def _open_loop(messages: Sequence[Message]) -> int:
    """Return where the turns behind the last ordinary user message begin: only they must be whole."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role == "user" and not any(isinstance(part, ToolResult) for part in message.parts):
            return place + 1
    return 0


def _carries_state(parts: Iterable[Part]) -> bool:
    return any(
        isinstance(part, Reasoning) and (part.sealed or part.signature or part.redacted) for part in parts
    )


def _digest(messages: Iterable[Message]) -> bytes:
    """Return what identifies a conversation: who said which words, called and answered what.

    Form is left out (lists or strings, empty parts, white space at the ends): clients change it.
    """
    digest = hashlib.sha256()
    for message in messages:
        digest.update(f"\0{message.role}\0".encode())
        digest.update(_words(message.parts).encode("utf-8", "replace"))
        for part in message.parts:
            if isinstance(part, ToolCall):
                digest.update(f"\1{part.id}\1{part.name}".encode("utf-8", "replace"))
            elif isinstance(part, ToolResult):
                digest.update(f"\2{part.call_id}\2{_words(part.content)}".encode("utf-8", "replace"))
    return digest.digest()


def _words(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text)).strip()


__all__ = ["KEPT_SECONDS", "Recall"]
