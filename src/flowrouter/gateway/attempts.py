"""One try at a target, up to the point where its reply has begun: send, wait, look at the head."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from flowrouter.accounts.oauth import RefreshError
from flowrouter.accounts.refresh import Refresher
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import CallerError, ConfigError, UpstreamError
from flowrouter.gateway import retry_after
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.beside import LARGE, Beside
from flowrouter.gateway.blame import (
    MISCONFIGURED,
    UNREACHABLE,
    Failure,
    from_caller_error,
    from_upstream_error,
    no_access,
    without_access,
    without_quota,
)
from flowrouter.gateway.exchange import Exchange, parsed
from flowrouter.gateway.foreign_state import is_unreadable
from flowrouter.gateway.learned import Learned
from flowrouter.gateway.pictures import Pictures
from flowrouter.gateway.ports import StateStore
from flowrouter.gateway.prepare import Prepared, must_stay, passes, prepare
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.recall import Recall, lacks_state
from flowrouter.gateway.secrecy import may_pass, redacted, secrets_of
from flowrouter.gateway.world import Destination, World
from flowrouter.plugins import Hooks
from flowrouter.routing import Target, Verdict, judge
from flowrouter.routing.refusal import refused_field
from flowrouter.routing.rules import Rules
from flowrouter.routing.verdict import network
from flowrouter.tasks import in_time
from flowrouter.upstream import Reply, Transport
from flowrouter.usage.quota_bodies import BODY_MAX
from flowrouter.wire.json import JsonError, loads

ERROR_BODY_MAX = 256 * 1024
"""Bytes of an error body that are read; the rest cannot matter and must not be paid for."""

_ERROR_BODY_WAIT = 10.0
_OUT_OF_QUOTA = frozenset({402, 403, 429})
_SIGNING = frozenset({"anthropic", "gemini", "openai_responses"})
"""Dialects whose vendors sign reasoning and want it back."""

TOKEN_REFUSED = "token_refused"
"""The verdict on an attempt whose access token was refused, where another token could be had."""

_NOTHING: frozenset[str] = frozenset()
_TRIES_WITHOUT = 3
"""Refused fields that one request may be freed of: each costs a round trip."""


TraceHeaders = Callable[[Exchange, AttemptLog], Iterable[tuple[str, str]]]
"""What tells a provider which trace an attempt belongs to."""


class Opened(msgspec.Struct, frozen=True):
    """An attempt whose reply has begun; `log` is its entry in the exchange, `rules` judge how it goes on."""

    rules: Rules
    prepared: Prepared
    reply: Reply
    log: AttemptLog


class Attempts:
    """Opens attempts; what it needs is given once."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock,
        timeouts: Timeouts,
        hooks: Hooks,
        reasoning: ReasoningState,
        state: StateStore,
        recall: Recall,
        beside: Beside,
        credentials: Refresher | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        # Set by the feature that traces, where providers are to be told of it.
        self.trace_headers: TraceHeaders | None = None
        self.pictures: Pictures | None = None
        self._credentials = credentials
        self._quotas = quotas
        self._transport = transport
        self._clock = clock
        self._timeouts = timeouts
        self._hooks = hooks
        self._reasoning = reasoning
        self._learned = Learned(state)
        self._recall = recall
        self._beside = beside

    async def open(
        self,
        exchange: Exchange,
        world: World,
        target: Target,
        *,
        destination: Destination,
        first_token: float = math.inf,
    ) -> Opened | Failure:
        """Return the begun reply of `target`, or why there is none.

        Its head may take as long as the timeouts say, and all that is asked here `first_token` seconds.
        """
        inbound, account = exchange.inbound, destination.account
        if account.quota and self._quotas is not None and (closed := self._quotas.take(target)) is not None:
            return without_quota(closed, target)  # it was taken up since the target was chosen
        attempts, monotonic = exchange.attempts, self._clock.monotonic
        log = AttemptLog(target, monotonic(), len(attempts) + 1)
        attempts.append(log)
        refused = await self._learned.refused(target) if self._learned.any else _NOTHING
        try:
            waits = account.oauth is not None or self.pictures is not None or len(inbound.body) > LARGE
            if waits or (target.dialect != inbound.dialect and _asks(exchange, target)):
                prepared = await self._prepared(
                    exchange, world, target, destination=destination, refused=refused
                )
            else:
                prepared = prepare(
                    exchange,
                    world,
                    target,
                    destination=destination,
                    stages=self._hooks.stages,
                    reasoning=self._reasoning,
                    refused=refused,
                )
        except (CallerError, ConfigError, RefreshError) as error:
            return self._unprepared(error, log, target)
        if self.trace_headers is not None:
            prepared = _with_headers(prepared, self.trace_headers(exchange, log))
        exchange.lane, exchange.request_losses = prepared.lane, prepared.losses
        head, timeouts, tape = exchange.head, self._timeouts, exchange.tape
        assert head is not None
        limit = min(timeouts.first_byte if head.stream else timeouts.first_byte_plain, first_token)
        log.started = started = monotonic()
        try:
            asked = None if tape is None else tape.ask(log, prepared.request, secrets_of(prepared.account))
            reply = await in_time(limit, self._transport.send(prepared.request))
            if tape is not None and asked is not None:
                reply = tape.listen(asked, reply)
        except (TimeoutError, UpstreamError) as error:
            return self.broken(log, target, _late(limit) if isinstance(error, TimeoutError) else error)
        finally:
            log.head_at = now = monotonic()
            exchange.upstream_wait += now - started
        status = log.status = reply.status
        log.said = reply.headers
        if status == 200:
            return Opened(world.rules, prepared, reply, log)
        failure = await self._turned_away(log, prepared, reply, rules=world.rules)
        if await self._may_ask_again(failure, prepared, log, refused=refused, exchange=exchange):
            left = max(0.0, first_token - (monotonic() - started))
            return await self.open(exchange, world, target, destination=destination, first_token=left)
        return failure

    async def _prepared(
        self,
        exchange: Exchange,
        world: World,
        target: Target,
        *,
        destination: Destination,
        refused: frozenset[str],
    ) -> Prepared:
        """Return the request for `target` where that may take waiting: a large translation is made beside the loop.

        Raises `CallerError`, `ConfigError`, `RefreshError`.
        """
        account, inbound = destination.account, exchange.inbound
        if account.oauth is not None and self._credentials is not None:
            account = await self._credentials.ready(account)
            if account is not destination.account:
                destination = msgspec.structs.replace(destination, account=account)
        stages = self._hooks.stages
        made = partial(
            prepare,
            exchange,
            world,
            target,
            destination=destination,
            stages=stages,
            reasoning=self._reasoning,
            refused=refused,
        )
        if len(inbound.body) > LARGE and not passes(exchange, world, target, stages=stages):
            with self._beside.place():
                await self._beside.run(partial(parsed, exchange))
                await self._supplement(exchange, world, target)
                return await self._beside.run(made)
        if self.pictures is not None or _asks(exchange, target):
            await self._supplement(exchange, world, target)
        return made()

    def _unprepared(
        self, error: CallerError | ConfigError | RefreshError, log: AttemptLog, target: Target
    ) -> Failure:
        """Return the failure of an attempt whose request could not be made."""
        if isinstance(error, CallerError):
            problem, verdict = from_caller_error(error), Verdict(failure="request_fault", failover=True)
        elif isinstance(error, RefreshError):
            problem, verdict = without_access(error), no_access(error)
        else:
            problem = Problem(status=502, message=error.message, code=MISCONFIGURED)
            verdict = Verdict(failure="auth", failover=True)
        return self.failed(log, target, problem=problem, verdict=verdict)

    async def _may_ask_again(
        self,
        failure: Failure,
        prepared: Prepared,
        log: AttemptLog,
        *,
        refused: frozenset[str],
        exchange: Exchange,
    ) -> bool:
        """Return whether the same target is asked once more: with another token, or without what it refused."""
        if log.status == 401 and await self._has_new_access(prepared, exchange):
            log.verdict = TOKEN_REFUSED
            return True
        if await self._teaches(prepared, failure, refused=refused, exchange=exchange):
            log.verdict = "field_refused"
            return True
        return False

    async def _has_new_access(self, prepared: Prepared, exchange: Exchange) -> bool:
        """Return whether a target that refused an access token may be asked again, with another: once."""
        if prepared.account.oauth is None or self._credentials is None:
            return False
        if any(log.verdict == TOKEN_REFUSED and log.target == prepared.target for log in exchange.attempts):
            return False
        return await self._credentials.replaced(prepared.account) is not None

    async def _teaches(
        self, prepared: Prepared, failure: Failure, *, refused: frozenset[str], exchange: Exchange
    ) -> bool:
        """Return whether the refusal names something that the next try can leave out."""
        if is_unreadable(failure.problem, exchange):
            exchange.stateless = True
            return True
        tries = sum(log.verdict == "field_refused" for log in exchange.attempts)
        if tries >= _TRIES_WITHOUT:
            return False
        try:
            body = loads(prepared.request.body)
        except JsonError:
            return False
        dialect = prepared.target.dialect
        field = refused_field(failure.problem, dialect, body) if isinstance(body, dict) else None
        if field is None or field in refused or must_stay(frozenset({field}), prepared, exchange):
            return False
        await self._learned.note(prepared.target, field)
        return True

    async def _supplement(self, exchange: Exchange, world: World, target: Target) -> None:
        """Add what the client could not bring, or the target not fetch; raises `CallerError`."""
        if _signs(exchange, target):
            read = parsed(exchange)
            filled = await self._recall.fill(read, owner_id=exchange.caller.owner_id)
            if filled is not read:
                exchange.request, exchange.supplemented = filled, True
        if self.pictures is not None:
            await self.pictures.gather(exchange, world, target)

    def broken(self, log: AttemptLog, target: Target, error: UpstreamError) -> Failure:
        """Return the failure of an attempt that gave no usable answer."""
        return self.failed(log, target, problem=from_upstream_error(error), verdict=network(error.kind))

    def refused(self, opened: Opened, problem: Problem) -> Failure:
        """Return the failure of a reply that turned out to be an error."""
        problem = redacted(problem, opened.prepared.account)
        if problem.status < 400:
            problem = msgspec.structs.replace(problem, status=502)
        target = opened.prepared.target
        verdict = judge(problem, opened.rules, preset=target.preset, dialect=target.dialect)
        return self.failed(opened.log, target, problem=problem, verdict=verdict)

    def failed(
        self, log: AttemptLog, target: Target, *, problem: Problem, verdict: Verdict, raw: bytes | None = None
    ) -> Failure:
        """Close the attempt's entry and return its failure."""
        for edit in self._hooks.verdict_edits:
            verdict = edit(verdict, problem, target)
        log.ended = self._clock.monotonic()
        log.verdict = verdict.failure
        # A receipt is read by callers who need not know where an account's host leads.
        log.error = "not allowed by [egress]" if problem.code == UNREACHABLE else problem.message[:300]
        return Failure(target=target, problem=problem, verdict=verdict, raw=raw)

    async def _turned_away(
        self, log: AttemptLog, prepared: Prepared, reply: Reply, *, rules: Rules
    ) -> Failure:
        body = await _error_body(reply)
        status = reply.status if reply.status >= 400 else 502
        if reply.status in _OUT_OF_QUOTA:
            log.refusal = body[:BODY_MAX]
        problem = codec(prepared.target.dialect).problem_of(status, body)
        wait = retry_after.seconds(reply.headers, body, now=self._clock.now())
        if wait is not None:
            problem = msgspec.structs.replace(problem, retry_after=wait)
        problem = redacted(problem, prepared.account)
        raw = body if may_pass(body, prepared.account) else None
        target = prepared.target
        verdict = judge(problem, rules, preset=target.preset, dialect=target.dialect)
        return self.failed(log, target, problem=problem, verdict=verdict, raw=raw)


def _signs(exchange: Exchange, target: Target) -> bool:
    """Return whether `target` wants reasoning back that the client, of another dialect, may not have carried."""
    inbound, dialect = exchange.inbound, target.dialect
    return dialect != inbound.dialect and dialect in _SIGNING and inbound.operation == "generate"


def _asks(exchange: Exchange, target: Target) -> bool:
    """Return whether reasoning that `target` wants back is to be looked for; raises `CallerError`."""
    return _signs(exchange, target) and lacks_state(parsed(exchange).messages)


def _late(limit: float) -> UpstreamError:
    return UpstreamError(f"no answer began within {limit:.3g} s", kind="timeout")


def _with_headers(prepared: Prepared, headers: Iterable[tuple[str, str]]) -> Prepared:
    """Return `prepared` with `headers`, which stand in for those of the same name."""
    added = dict(headers)
    kept = (pair for pair in prepared.request.headers if pair[0] not in added)
    request = msgspec.structs.replace(prepared.request, headers=(*kept, *added.items()))
    return msgspec.structs.replace(prepared, request=request)


async def _error_body(reply: Reply) -> bytes:
    """Return the beginning of an error body, whatever happens on the way."""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_ERROR_BODY_WAIT):
            while size < ERROR_BODY_MAX and (piece := await reply.read()):
                pieces.append(piece)
                size += len(piece)
    except (TimeoutError, UpstreamError):
        pass
    finally:
        reply.close()
    return b"".join(pieces)[:ERROR_BODY_MAX]


__all__ = ["TOKEN_REFUSED", "Attempts", "Opened", "TraceHeaders"]
