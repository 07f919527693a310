"""Answers of `/v1/responses` that later requests may name: who has them, and our own copies.

Each kept answer has a record under its id, for its owner alone: which account gave it, whether that
vendor knows the id, and (where the caller's policy allows) a sealed copy of the turn. A follow-up goes
to that account with the id as it is; anywhere else it goes with the history written out. It is never
answered without the history it names. A copy holds one turn only; the record before it is named in it.
"""

from __future__ import annotations

import msgspec

from flowrouter.clock import Clock
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.continuation import Continuation, Kept, not_found
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.ports import SealedBlobs, StateStore
from flowrouter.gateway.response_items import as_items
from flowrouter.routing import Target
from flowrouter.tasks import TaskGroup
from flowrouter.wire.json import Raw, dumps
from flowrouter.wire.splice import remove, splice
from flowrouter.wire.sse import SseParser

KEPT_SECONDS = 30 * 24 * 3600.0
COPY_MAX = 16 * 1024 * 1024
"""Bytes of one turn beyond which no copy is kept."""

_KIND = "response"
_BRIDGE_SECONDS = 120.0
_LINKS_MAX = 500


class _Body(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"[]")
    previous_response_id: str | None = None
    conversation: msgspec.Raw = msgspec.Raw(b"null")
    background: bool | None = None
    store: bool | None = None


class _Answer(msgspec.Struct):
    id: str = ""
    status: str = ""
    created_at: float = 0.0
    output: list[msgspec.Raw] = []


class _Terminal(msgspec.Struct):
    type: str = ""
    response: msgspec.Raw = msgspec.Raw(b"")


_body = msgspec.json.Decoder(_Body)
_answer = msgspec.json.Decoder(_Answer)
_terminal = msgspec.json.Decoder(_Terminal)
_items = msgspec.json.Decoder(list[msgspec.Raw])


class StoredResponses:
    """Finds, keeps and forgets answers by id; an id of another owner is unknown."""

    def __init__(self, state: StateStore, blobs: SealedBlobs, *, clock: Clock, tasks: TaskGroup) -> None:
        self._state = state
        self._blobs = blobs
        self._clock = clock
        self._tasks = tasks

    async def follow(self, body: bytes, *, owner_id: str) -> Continuation | None:
        """Return what a request for an answer goes on from, if it names something; raises `CallerError`."""
        try:
            asked = _body.decode(body)
        except (msgspec.DecodeError, UnicodeError):
            return None  # the dialect's own reading says what is wrong
        if asked.background:
            raise CallerError(
                "background responses are not kept here; send the request without `background`",
                param="background",
                code="unsupported_parameter",
            )
        if asked.previous_response_id is None:
            named = bytes(asked.conversation) != b"null"
            return Continuation(kept=None, body=body, expanded=None) if named else None
        kept = await self.find(asked.previous_response_id, owner_id=owner_id)
        if kept is None:
            raise not_found(asked.previous_response_id, param="previous_response_id")
        history = await self.history(kept, owner_id=owner_id)
        expanded = None if history is None else _expanded(body, asked, history)
        return Continuation(kept=kept, body=body, expanded=expanded)

    async def find(self, response_id: str, *, owner_id: str) -> Kept | None:
        """Return the record of an answer, or None; raises `CallerError` (503) while the store is away."""
        value = await self._state.get(_state_key(owner_id, response_id))
        if value is None:
            try:
                value = await self._blobs.get(owner_id, _KIND, response_id)
            except StorageError as error:
                raise CallerError("stored responses cannot be read at the moment", status=503) from error
        return msgspec.msgpack.decode(value, type=Kept) if value else None

    async def history(self, kept: Kept, *, owner_id: str) -> list[bytes] | None:
        """Return all items up to and including `kept`, oldest first; None where a copy is missing."""
        turns: list[Kept] = []
        link: Kept | None = kept
        while link is not None:
            if not link.copied or len(turns) >= _LINKS_MAX:
                return None
            turns.append(link)
            link = await self.find(link.previous, owner_id=owner_id) if link.previous else None
            if link is None and turns[-1].previous:
                return None
        items: list[bytes] = []
        for turn in reversed(turns):
            items += [bytes(item) for item in _items.decode(turn.input)]
            items += [bytes(item) for item in _answer.decode(turn.response).output]
        return items

    async def keep(self, exchange: Exchange, answer: bytes, *, target: Target) -> None:
        """Keep what the client is about to get (`answer`: a whole reply, or the end of a stream)."""
        try:
            asked = _body.decode(exchange.inbound.body)
        except (msgspec.DecodeError, UnicodeError):
            return
        response = answer if answer.lstrip()[:1] == b"{" else _from_stream(answer)
        if asked.store is False or not response:
            return
        found = _answer.decode(response)
        vendor = exchange.lane == "passthrough" and target.dialect == "openai_responses"
        copied = bool(exchange.caller.policy.responses_store) and len(response) <= COPY_MAX
        if not found.id or found.status == "failed" or not (vendor or copied):
            return
        follows = exchange.continuation
        previous = follows.kept.id if follows is not None and follows.kept is not None else None
        own = _own_input(follows.body if follows is not None else exchange.inbound.body)
        kept = Kept(
            id=found.id,
            account_id=target.account_id,
            model=target.model,
            vendor=vendor,
            previous=previous,
            created=found.created_at,
            input=own if copied else b"",
            response=response if copied else b"",
        )
        await self._put(kept, owner_id=exchange.caller.owner_id)

    async def forget(self, response_id: str, *, owner_id: str) -> bool:
        """Delete an answer for good; return whether there was one."""
        in_state = await self._state.delete(_state_key(owner_id, response_id))
        return await self._blobs.delete(owner_id, _KIND, response_id) or in_state

    async def _put(self, kept: Kept, *, owner_id: str) -> None:
        value = msgspec.msgpack.encode(kept)
        await self._state.put(_state_key(owner_id, kept.id), value, ttl=_BRIDGE_SECONDS)
        self._tasks.start("keep response", self._store(owner_id, kept.id, value))

    async def _store(self, owner_id: str, response_id: str, value: bytes) -> None:
        expires = int((self._clock.now() + KEPT_SECONDS) * 1000)
        await self._blobs.put(owner_id, _KIND, response_id, value=value, expires_at_ms=expires)


def own_items(kept: Kept) -> list[bytes]:
    """Return the input items of the turn that `kept` is the answer of."""
    return [bytes(item) for item in _items.decode(kept.input)] if kept.input else []


def _expanded(body: bytes, asked: _Body, history: list[bytes]) -> bytes:
    items = [Raw(item) for item in (*history, *as_items(bytes(asked.input)))]
    bare = remove(body, "previous_response_id")
    return splice(remove(bare, "input"), {"input": dumps(items)}, old={})


def _own_input(body: bytes) -> bytes:
    return dumps([Raw(item) for item in as_items(bytes(_body.decode(body).input))])


def _from_stream(data: bytes) -> bytes:
    """Return the response object in the terminal event of a stream's last bytes, or nothing."""
    parser = SseParser()
    for frame in reversed([*parser.feed(data), *parser.close()]):
        if frame.data is None or b"response." not in frame.data:
            continue
        event = _terminal.decode(frame.data)
        if event.type in ("response.completed", "response.incomplete"):
            return bytes(event.response)
    return b""


def _state_key(owner_id: str, response_id: str) -> str:
    return f"{_KIND}:{owner_id}:{response_id}"


__all__ = ["COPY_MAX", "KEPT_SECONDS", "StoredResponses", "own_items"]
