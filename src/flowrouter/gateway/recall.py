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
from itertools import groupby

import msgspec

from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.messages import Message, Words
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import SealedBlobs, StateStore
from flowrouter.tasks import TaskGroup

KEPT_SECONDS = 24 * 3600.0
_LOOKED_UP_SECONDS = 3600.0
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
        ids = _has_ids(request)
        *before, (_, turn) = _runs((*request.messages, said))
        digest = hashlib.sha256()
        for _, run in before:
            digest.update(_told(run, ids=ids))
        digest.update(_told(turn, ids=ids, calls=1))
        key = self._key(owner_id, digest.digest(), calls[0].id if ids else calls[0].name)
        value = "\n".join(envelopes).encode()
        await self._state.put(f"{_KIND}:{key}", value, ttl=KEPT_SECONDS)
        self._tasks.start("keep reasoning", self._store(owner_id, key, value))

    async def fill(self, request: Request, *, owner_id: str) -> Request:
        """Return `request` with what is remembered for the open tool loop, where the client left it out."""
        if not lacks_state(request.messages):
            return request  # nothing to be found, so nothing to be told apart
        start, ids, digest = _open_loop(request.messages), _has_ids(request), hashlib.sha256()
        messages: list[Message] = []
        for place, turn in _runs(request.messages):
            envelopes: list[str] = []
            call = _first_call(turn) if place >= start and _lacks_state(turn) else None
            if call is not None:
                here = digest.copy()
                # Only the first call counts: some clients put its result between it and the next.
                here.update(_told(turn, ids=ids, calls=1))
                key = self._key(owner_id, here.digest(), call.id if ids else call.name)
                envelopes = await self._find(owner_id, key)
            messages += _with_state(turn, envelopes) if envelopes else turn
            digest.update(_told(turn, ids=ids))
        return msgspec.structs.replace(request, messages=tuple(messages))

    async def _find(self, owner_id: str, key: str) -> list[str]:
        value = await self._state.get(f"{_KIND}:{key}")
        if value is None:
            try:
                value = await self._blobs.get(owner_id, _KIND, key) or b""
            except StorageError:
                return []
            # A miss is kept too: every later turn of the loop asks again for all turns before it.
            await self._state.put(f"{_KIND}:{key}", value, ttl=_LOOKED_UP_SECONDS)
        return value.decode().split("\n") if value else []

    async def _store(self, owner_id: str, key: str, value: bytes) -> None:
        expires = int((self._clock.now() + KEPT_SECONDS) * 1000)
        await self._blobs.put(owner_id, _KIND, key, value=value, expires_at_ms=expires)

    def _key(self, owner_id: str, digest: bytes, call: str) -> str:
        text = b"\0".join((owner_id.encode(), digest, call.encode("utf-8", "replace")))
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()


def lacks_state(messages: Sequence[Message]) -> bool:
    """Return whether the open tool loop holds a turn without the state of its reasoning."""
    if type(messages) is Words:
        return False
    behind = messages[_open_loop(messages) :]
    return bool(behind) and any(_lacks_state(turn) for _, turn in _runs(behind))


def _has_ids(request: Request) -> bool:
    """Return whether calls are known by their ids: Gemini's clients need not send them back."""
    return request.origin != "gemini"


def _runs(messages: Sequence[Message]) -> list[tuple[int, list[Message]]]:
    """Return the turns, each with its place: dialects of items tell a turn in many messages."""
    runs: list[tuple[int, list[Message]]] = []
    place = 0
    for _, group in groupby(messages, key=lambda message: message.role):
        run = list(group)
        runs.append((place, run))
        place += len(run)
    return runs


def _first_call(turn: Iterable[Message]) -> ToolCall | None:
    calls = (part for message in turn for part in message.parts if isinstance(part, ToolCall))
    return next(calls, None)


def _with_state(turn: Sequence[Message], envelopes: Sequence[str]) -> list[Message]:
    """Return a turn that begins with `envelopes`, which tell all reasoning that was in it."""
    state = tuple(Reasoning(sealed=envelope) for envelope in envelopes)
    bare = [tuple(part for part in message.parts if not isinstance(part, Reasoning)) for message in turn]
    rest = [
        msgspec.structs.replace(message, parts=parts)
        for message, parts in zip(turn, bare, strict=True)
        if parts
    ]
    return [msgspec.structs.replace(rest[0], parts=(*state, *rest[0].parts)), *rest[1:]]


def _open_loop(messages: Sequence[Message]) -> int:
    """Return where the turns behind the last ordinary user message begin: only they must be whole."""
    place = len(messages)
    for message in reversed(messages):
        if message.role == "user" and ToolResult not in map(type, message.parts):
            break
        place -= 1
    return place


def _lacks_state(turn: Sequence[Message]) -> bool:
    """Return whether a turn of the assistant's calls tools and bears no state of reasoning."""
    return turn[0].role == "assistant" and _first_call(turn) is not None and not _carries_state(turn)


def _carries_state(turn: Iterable[Message]) -> bool:
    return any(
        isinstance(part, Reasoning) and (part.sealed or part.signature or part.redacted)
        for message in turn
        for part in message.parts
    )


def _told(turn: Sequence[Message], *, ids: bool, calls: int | None = None) -> bytes:
    """Return what identifies a turn: who said which words, called (the first `calls`) and answered what.

    Form is left out (lists or strings, empty parts, white space, the cut into messages): clients change it.
    """
    parts = [part for message in turn for part in message.parts]
    told = [f"\0{turn[0].role}\0{_words(parts)}"]
    called = [part for part in parts if isinstance(part, ToolCall)]
    told += [f"\1{call.id if ids else ''}\1{call.name}" for call in called[:calls]]
    results = [part for part in parts if isinstance(part, ToolResult)]
    told += [f"\2{result.call_id if ids else ''}\2{_words(result.content)}" for result in results]
    return "".join(told).encode("utf-8", "replace")


def _words(parts: Iterable[Part]) -> str:
    return "".join("".join(part.text for part in parts if isinstance(part, Text)).split())


__all__ = ["KEPT_SECONDS", "Recall", "lacks_state"]
