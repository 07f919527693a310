"""Answers of `/v1/responses` that later requests may name: who has them, and our own copies.

Each kept answer has a record under its id, for its owner alone: which account gave it, whether that
vendor knows the id, and (where the caller's policy allows) a sealed copy of the turn. A follow-up goes
to that account with the id as it is; anywhere else it goes with the history written out. It is never
answered without the history it names. A copy holds one turn only; the record before it is named in it.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote

import msgspec

from flowrouter.clock import Clock
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.continuation import Continuation, Kept, Turn, not_found
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.ports import SealedBlobs, StateStore
from flowrouter.gateway.response_items import as_items, peek
from flowrouter.routing import Target
from flowrouter.tasks import TaskGroup
from flowrouter.wire.json import JsonError, Raw, dumps, loads
from flowrouter.wire.marks import holds
from flowrouter.wire.splice import remove, splice
from flowrouter.wire.sse import SseParser

KEPT_SECONDS = 30 * 24 * 3600.0
COPY_MAX = 16 * 1024 * 1024
"""Bytes of one turn beyond which no copy is kept."""

_KIND = "response"
_BRIDGE_SECONDS = 120.0
_BRIDGE_MAX = 256 * 1024
"""Until the store has it, a record is found in the shared state; larger ones are waited for."""
_LINKS_MAX = 500
_OUR_ITEM = re.compile(r"[a-z]+_(.+)_[0-9]+")
"""Ids we derive for items name their answer, so that a reference leads to it."""


class _Body(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")
    previous_response_id: Any = None
    conversation: Any = None
    background: Any = None
    store: Any = None


class _Answer(msgspec.Struct):
    id: Any = None
    status: Any = None
    created_at: Any = None
    output: list[msgspec.Raw] = []


class _Item(msgspec.Struct):
    type: Any = None
    id: Any = None


class _Terminal(msgspec.Struct):
    type: Any = None
    response: msgspec.Raw = msgspec.Raw(b"")


_body = msgspec.json.Decoder(_Body)
_answer = msgspec.json.Decoder(_Answer)
_item = msgspec.json.Decoder(_Item)
_terminal = msgspec.json.Decoder(_Terminal)


class StoredResponses:
    """Finds, keeps and forgets answers by id; an id of another owner is unknown."""

    def __init__(self, state: StateStore, blobs: SealedBlobs, *, clock: Clock, tasks: TaskGroup) -> None:
        self._state = state
        self._blobs = blobs
        self._clock = clock
        self._tasks = tasks
        self._writing: dict[str, asyncio.Task[None]] = {}

    async def follow(self, body: bytes, *, owner_id: str) -> Continuation | None:
        """Return what a request for an answer goes on from, if it names something; raises `CallerError`."""
        try:
            asked = peek(_body, body)
        except (msgspec.DecodeError, JsonError):
            return None  # the dialect's own reading says what is wrong
        if asked.background is True:
            raise CallerError(
                "background responses are not kept here; send the request without `background`",
                param="background",
                code="unsupported_parameter",
            )
        previous = asked.previous_response_id
        if previous is None:
            named = asked.conversation is not None
            return Continuation(kept=None, body=body) if named else None
        if not isinstance(previous, str):
            raise CallerError(
                "previous_response_id must be a string.", param="previous_response_id", code="invalid_type"
            )
        kept = await self.find(previous, owner_id=owner_id)
        if kept is None:
            raise not_found(previous, param="previous_response_id")
        return Continuation(kept=kept, body=body, history=await self.history(kept, owner_id=owner_id))

    async def resolve(self, body: bytes, *, owner_id: str) -> bytes:
        """Return `body` with references to items of ours written out: no vendor knows them."""
        if not holds(body, b"item_reference"):
            return body
        try:
            items = as_items(bytes(peek(_body, body).input))
        except (msgspec.DecodeError, JsonError):
            return body
        named = [_reference(item) or "" for item in items]
        answers = {f"resp_{found[1]}" for name in named if (found := _OUR_ITEM.fullmatch(name))}
        held: dict[str, bytes] = {}
        for answer in answers:
            held |= _items_of(await self.find(answer, owner_id=owner_id))
        told = [held.get(name, item) for name, item in zip(named, items, strict=True)]
        if told == items:
            return body
        return splice(remove(body, "input"), {"input": dumps([Raw(item) for item in told])}, old={})

    async def find(self, response_id: str, *, owner_id: str) -> Kept | None:
        """Return the record of an answer, or None; raises `CallerError` (503) while the store is away."""
        value = await self._state.get(_state_key(owner_id, response_id))
        if value is None:
            try:
                value = await self._blobs.get(owner_id, _KIND, response_id)
            except StorageError as error:
                raise CallerError("stored responses cannot be read at the moment", status=503) from error
        return msgspec.msgpack.decode(value, type=Kept) if value else None

    async def history(self, kept: Kept, *, owner_id: str) -> tuple[Turn, ...] | None:
        """Return all turns up to and including `kept`, oldest first; None where a copy is missing."""
        turns: list[Kept] = []
        seen: set[str] = set()
        link: Kept | None = kept
        while link is not None:
            if not link.copied or link.id in seen or len(turns) >= _LINKS_MAX:
                return None
            turns.append(link)
            seen.add(link.id)
            if link.previous is None:
                return tuple(_turn(turn) for turn in reversed(turns))
            link = await self.find(link.previous, owner_id=owner_id)
        return None

    async def keep(self, exchange: Exchange, answer: bytes, *, target: Target, given: str) -> None:
        """Keep what the client is about to get (`answer`: a whole reply, or the end of a stream).

        `given` is the provider's own id of it. An answer in a form that cannot be kept passes all the same.
        """
        try:
            asked = peek(_body, exchange.inbound.body)
            response = answer if answer.lstrip()[:1] == b"{" else _from_stream(answer)
            if asked.store is False or not response:
                return
            response, found = _checked(response)
        except (msgspec.DecodeError, JsonError):
            return
        if not isinstance(found.id, str) or not found.id or found.status == "failed":
            return
        follows = exchange.continuation
        own = _own_input(follows.body if follows is not None else exchange.inbound.body)
        vendor = target.dialect == "openai_responses" and found.id == given
        copied = bool(exchange.caller.policy.responses_store) and len(own) + len(response) <= COPY_MAX
        if not (vendor or copied):
            return
        kept = Kept(
            id=found.id,
            account_id=target.account_id,
            model=target.model,
            vendor=vendor,
            previous=follows.kept.id if follows is not None and follows.kept is not None else None,
            created=found.created_at if isinstance(found.created_at, int | float) else 0.0,
            input=own if copied else b"",
            response=response if copied else b"",
        )
        await self._put(kept, owner_id=exchange.caller.owner_id)

    async def bare(self, kept: Kept, *, owner_id: str) -> None:
        """Delete the copy of an answer for good; that its vendor may have it stays known."""
        await self.forget(kept.id, owner_id=owner_id)
        await self._put(msgspec.structs.replace(kept, input=b"", response=b""), owner_id=owner_id)

    async def forget(self, response_id: str, *, owner_id: str) -> bool:
        """Delete an answer for good; return whether there was one."""
        key = _state_key(owner_id, response_id)
        await self._quiet(key)
        in_state = await self._state.delete(key)
        return await self._blobs.delete(owner_id, _KIND, response_id) or in_state

    async def _put(self, kept: Kept, *, owner_id: str) -> None:
        key, value = _state_key(owner_id, kept.id), msgspec.msgpack.encode(kept)
        await self._quiet(key)
        if len(value) > _BRIDGE_MAX:
            # The shared state is small and holds what others need too.
            await self._state.delete(key)
            await self._store(owner_id, kept.id, value)
            return
        await self._state.put(key, value, ttl=_BRIDGE_SECONDS)
        writing = self._writing[key] = self._tasks.start(
            "keep response", self._store(owner_id, kept.id, value)
        )
        writing.add_done_callback(lambda _: self._writing.pop(key, None))

    async def _quiet(self, key: str) -> None:
        """Wait until nothing is written for `key`: it would come back behind what is done next."""
        if (writing := self._writing.get(key)) is not None:
            await asyncio.wait([writing])

    async def _store(self, owner_id: str, response_id: str, value: bytes) -> None:
        expires = int((self._clock.now() + KEPT_SECONDS) * 1000)
        await self._blobs.put(owner_id, _KIND, response_id, value=value, expires_at_ms=expires)


def own_items(kept: Kept) -> list[bytes]:
    """Return the input items of the turn that `kept` is the answer of."""
    return as_items(kept.input)


def _reference(item: bytes) -> str | None:
    try:
        read = _item.decode(item)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return read.id if read.type == "item_reference" and isinstance(read.id, str) else None


def _items_of(kept: Kept | None) -> dict[str, bytes]:
    """Return the items of an answer by id, where we hold it and no vendor does."""
    if kept is None or kept.vendor or not kept.copied:
        return {}
    output = (bytes(item) for item in _answer.decode(kept.response).output)
    return {ident: item for item in output if isinstance(ident := _item.decode(item).id, str)}


def _turn(kept: Kept) -> Turn:
    output = tuple(bytes(item) for item in _answer.decode(kept.response).output)
    return Turn(
        account_id=kept.account_id if kept.vendor else None, input=tuple(own_items(kept)), output=output
    )


def _own_input(body: bytes) -> bytes:
    return dumps([Raw(item) for item in as_items(bytes(peek(_body, body).input))])


def _checked(response: bytes) -> tuple[bytes, _Answer]:
    """Return a response as JSON that reads without leniency, and what is looked at of it."""
    try:
        return response, _answer.decode(response)
    except (msgspec.DecodeError, UnicodeError):
        response = dumps(loads(response))
        return response, _answer.decode(response)


def _from_stream(data: bytes) -> bytes:
    """Return the response object in the terminal event of a stream's last bytes, or nothing."""
    parser = SseParser()
    for frame in reversed([*parser.feed(data), *parser.close()]):
        if frame.data is None or b"response." not in frame.data:
            continue
        event = peek(_terminal, frame.data)
        if event.type in ("response.completed", "response.incomplete"):
            return bytes(event.response)
    return b""


def _state_key(owner_id: str, response_id: str) -> str:
    return f"{_KIND}:{quote(owner_id, safe='')}:{response_id}"


__all__ = ["COPY_MAX", "KEPT_SECONDS", "StoredResponses", "own_items"]
