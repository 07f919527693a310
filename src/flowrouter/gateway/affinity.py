"""Sessions keep the account that holds their prompt cache: how they are told apart, and their pins.

A session is what its client calls one: a session header, else the prompt-cache key, else a digest of
where the conversation begins (system prompt and first user message, 2 KB of each, as they were sent).
Pins are looked up only for plans with a choice to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from flowrouter.clock import Clock
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.ports import RequestRow, StateStore
from flowrouter.routing.affinity import Pin, Session, Stay, cache_life, cached_tokens
from flowrouter.routing.target import Target
from flowrouter.tasks import TaskGroup
from flowrouter.wire.marks import holds

SESSION_HEADERS = ("x-claude-code-session-id", "session-id", "x-session-id", "session_id")
"""Headers by which coding agents name a session, the most telling first."""

_names_none = frozenset(SESSION_HEADERS).isdisjoint

_KEY_MAX = 256
_SLICE = 2048
_EMPTY = msgspec.Raw(b"")

_pins = msgspec.msgpack.Decoder(Pin)


class _Beginning(msgspec.Struct):
    """Where a body of any dialect says how its conversation begins."""

    system: msgspec.Raw = _EMPTY
    instructions: msgspec.Raw = _EMPTY
    camel_instruction: msgspec.Raw = msgspec.field(default=_EMPTY, name="systemInstruction")
    system_instruction: msgspec.Raw = _EMPTY
    messages: msgspec.Raw = _EMPTY
    input: msgspec.Raw = _EMPTY
    contents: msgspec.Raw = _EMPTY


class _Spoken(msgspec.Struct):
    role: msgspec.Raw = _EMPTY


_beginning = msgspec.json.Decoder(_Beginning)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_spoken = msgspec.json.Decoder(_Spoken)


class Pins:
    """The pins of all sessions, in shared state."""

    def __init__(self, state: StateStore, *, clock: Clock, tasks: TaskGroup) -> None:
        self._state = state
        self._clock = clock
        self._tasks = tasks

    async def find(self, key: str, session: Session, *, ttl: float) -> Stay:
        """Return what is pinned at `key`; a pin of this session lasts `ttl` seconds."""
        raw = await self._state.get(key)
        try:
            before = None if raw is None else _pins.decode(raw)
        except msgspec.DecodeError:
            before = None
        return Stay(key, session, before=before, ttl=ttl)

    async def claim(self, stay: Stay, target: Target) -> None:
        """Pin a session that is new, so that its next request need not wait for this one's answer."""
        if stay.before is None:
            now = self._clock.now()
            pin = Pin(account=target.account_id, target=target.key, used=now, life=stay.ttl)
            await self._state.put_if_absent(stay.place, msgspec.msgpack.encode(pin), ttl=stay.ttl)

    def settled(self, exchange: Exchange, _row: RequestRow) -> None:
        """Pin the session to who answered; nothing is awaited here."""
        stay = exchange.stay
        if stay is None or exchange.outcome not in ("ok", "partial"):
            return
        log = exchange.answering
        if log is None:
            return
        pin = _pin_after(exchange, stay, answered=log.target, now=self._clock.now())
        self._tasks.start("affinity", self._state.put(stay.place, msgspec.msgpack.encode(pin), ttl=stay.ttl))


def _pin_after(exchange: Exchange, stay: Stay, *, answered: Target, now: float) -> Pin:
    """Return the session's pin behind an answer.

    An account that was merely full keeps its session: the cache is still there.
    """
    before = stay.before
    if before is not None and before.target != answered.key and _only_full(exchange, before):
        return before
    same = before if before is not None and before.target == answered.key else None
    usage = exchange.usage
    return Pin(
        account=answered.account_id,
        target=answered.key,
        used=now,
        life=cache_life(usage, answered.dialect, before=same, default=stay.ttl),
        cached=same.cached if same is not None and usage is None else cached_tokens(usage),
        sealed=answered.dialect == exchange.inbound.dialect == "openai_responses",
        moved=before is not None
        and before.sealed
        and (before.moved or before.account != answered.account_id),
    )


def _only_full(exchange: Exchange, before: Pin) -> bool:
    """Return whether the pinned target led the plan and was not even tried."""
    plan = exchange.plan
    led = plan is not None and bool(plan.targets) and plan.targets[0].key == before.target
    return led and all(attempt.target.key != before.target for attempt in exchange.attempts)


def session_header(headers: Mapping[str, str]) -> str | None:
    """Return what the client calls its session, at most 128 characters."""
    if _names_none(headers):
        return None
    for name in SESSION_HEADERS:
        if value := headers.get(name):
            return value[:128]
    return None


def session_of(exchange: Exchange) -> Session | None:
    """Return what tells the exchange's session from others, None where nothing does."""
    if (named := session_header(exchange.inbound.headers)) is not None:
        return Session(key=named, kind="session")
    head = exchange.head
    if head is not None and head.cache_key:
        return Session(key=head.cache_key[:_KEY_MAX], kind="cache_key")
    beginning = _begins(exchange.inbound.body)
    if not beginning:
        return None
    return Session(key=blake2b(beginning, digest_size=16).hexdigest(), kind="prefix")


def carries_sealed(exchange: Exchange) -> bool:
    """Return whether the request brings back state that only the account which made it can read.

    That is OpenAI's encrypted reasoning: another organisation answers it with a 400.
    """
    inbound = exchange.inbound
    return inbound.dialect == "openai_responses" and holds(inbound.body, b'"encrypted_content"')


def _begins(body: bytes) -> bytes:
    """Return the raw beginning of a conversation: system prompt and first user message, 2 KB of each."""
    try:
        found = _beginning.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return b""
    system = b"".join(
        bytes(part)[:_SLICE]
        for part in (found.system, found.instructions, found.camel_instruction, found.system_instruction)
    )
    turns = next(
        (bytes(turns) for turns in (found.messages, found.input, found.contents) if bytes(turns)), b""
    )
    first = _first_turns(turns) if turns.startswith(b"[") else turns[:_SLICE]
    return b"\0".join((system, first)) if system or first else b""


def _first_turns(turns: bytes) -> bytes:
    """Return the turns up to the first of the user, 2 KB of each."""
    try:
        items = _items.decode(turns)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return turns[:_SLICE]
    kept: list[bytes] = []
    for item in items[:_LEADING_MAX]:
        raw = bytes(item)
        kept.append(raw[:_SLICE])
        try:
            role = bytes(_spoken.decode(raw).role) if raw.startswith(b"{") else b""
        except (msgspec.DecodeError, UnicodeError):
            role = b""
        # Google's contents may leave the role out, which means the user.
        if role in (b"", b'"user"'):
            break
    return b"\0".join(kept)


_LEADING_MAX = 4
"""Turns before the first user message that are looked at: system and developer texts."""

__all__ = ["SESSION_HEADERS", "Pins", "carries_sealed", "session_header", "session_of"]
