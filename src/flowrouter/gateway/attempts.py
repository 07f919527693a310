"""One try at a target, up to the point where its reply has begun: send, wait, look at the head."""

from __future__ import annotations

import asyncio

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import CallerError, ConfigError, UpstreamError
from flowrouter.gateway import retry_after
from flowrouter.gateway.blame import MISCONFIGURED, Failure, from_caller_error, from_upstream_error
from flowrouter.gateway.exchange import AttemptLog, Exchange, parsed
from flowrouter.gateway.learned import Learned, asked_for, trim
from flowrouter.gateway.ports import StateStore
from flowrouter.gateway.prepare import Prepared, prepare
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.secrecy import may_pass, redacted
from flowrouter.gateway.world import World
from flowrouter.plugins import Hooks
from flowrouter.routing import Target, Verdict, judge
from flowrouter.routing.refusal import refused_field
from flowrouter.routing.verdict import network
from flowrouter.upstream import Reply, Transport
from flowrouter.wire.json import JsonError, loads

ERROR_BODY_MAX = 256 * 1024
"""Bytes of an error body that are read; the rest cannot matter and must not be paid for."""

_ERROR_BODY_WAIT = 10.0
_SIGNING = frozenset({"anthropic", "gemini", "openai_responses"})
"""Dialects whose vendors sign reasoning and want it back."""

_TRIES_WITHOUT = 3
"""Refused fields that one request may be freed of: each costs a round trip."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt whose reply has begun; `log` is its entry in the exchange."""

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
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._timeouts = timeouts
        self._hooks = hooks
        self._reasoning = reasoning
        self._learned = Learned(state)
        self._recall = recall

    async def open(self, exchange: Exchange, world: World, target: Target) -> Opened | Failure:
        """Return the begun reply of `target`, or why there is none."""
        log = AttemptLog(target, self._clock.monotonic())
        exchange.attempts.append(log)
        refused = await self._learned.refused(target)
        try:
            await self._remind(exchange, target)
            prepared = prepare(
                exchange,
                world,
                target,
                stages=self._hooks.stages,
                reasoning=self._reasoning,
                refused=refused,
            )
            if refused:
                prepared = _trimmed(prepared, refused, exchange)
        except CallerError as error:
            verdict = Verdict(failure="request_fault", failover=True)
            return self.failed(log, target, problem=from_caller_error(error), verdict=verdict)
        except ConfigError as error:
            problem = Problem(status=502, message=error.message, code=MISCONFIGURED)
            verdict = Verdict(failure="auth", failover=True)
            return self.failed(log, target, problem=problem, verdict=verdict)
        exchange.lane, exchange.request_losses = prepared.lane, prepared.losses
        head = exchange.head
        assert head is not None
        limit = self._timeouts.first_byte if head.stream else self._timeouts.first_byte_plain
        log.started = self._clock.monotonic()
        try:
            async with asyncio.timeout(limit):
                reply = await self._transport.send(prepared.request)
        except TimeoutError:
            return self.broken(
                log, target, UpstreamError(f"no answer began within {limit:g} s", kind="timeout")
            )
        except UpstreamError as error:
            return self.broken(log, target, error)
        finally:
            log.head_at = self._clock.monotonic()
            exchange.upstream_wait += log.head_at - log.started
        log.status = reply.status
        if reply.status == 200:
            return Opened(prepared=prepared, reply=reply, log=log)
        failure = await self._refused(log, prepared, reply)
        if await self._teaches(prepared, failure, refused=refused, exchange=exchange):
            log.verdict = "field_refused"
            return await self.open(exchange, world, target)
        return failure

    async def _teaches(
        self, prepared: Prepared, failure: Failure, *, refused: frozenset[str], exchange: Exchange
    ) -> bool:
        """Return whether the refusal names an optional field that the next try can leave out."""
        tries = sum(log.verdict == "field_refused" for log in exchange.attempts)
        if tries >= _TRIES_WITHOUT:
            return False
        try:
            body = loads(prepared.request.body)
        except JsonError:
            return False
        dialect = prepared.target.dialect
        field = refused_field(failure.problem, dialect, body) if isinstance(body, dict) else None
        if field is None or field in refused or _must_stay(frozenset({field}), prepared, exchange):
            return False
        await self._learned.note(prepared.target, field)
        return True

    async def _remind(self, exchange: Exchange, target: Target) -> None:
        """Put back the reasoning that a client of another dialect could not carry; raises `CallerError`."""
        inbound = exchange.inbound
        if (
            target.dialect == inbound.dialect
            or target.dialect not in _SIGNING
            or inbound.operation != "generate"
        ):
            return
        owner_id = exchange.caller.owner_id
        exchange.request = await self._recall.fill(parsed(exchange), owner_id=owner_id)

    def broken(self, log: AttemptLog, target: Target, error: UpstreamError) -> Failure:
        """Return the failure of an attempt that gave no usable answer."""
        return self.failed(log, target, problem=from_upstream_error(error), verdict=network(error.kind))

    def failed(
        self, log: AttemptLog, target: Target, *, problem: Problem, verdict: Verdict, raw: bytes | None = None
    ) -> Failure:
        """Close the attempt's entry and return its failure."""
        for edit in self._hooks.verdict_edits:
            verdict = edit(verdict, problem, target)
        log.ended = self._clock.monotonic()
        log.verdict = verdict.failure
        log.error = problem.message[:300]
        return Failure(target=target, problem=problem, verdict=verdict, raw=raw)

    async def _refused(self, log: AttemptLog, prepared: Prepared, reply: Reply) -> Failure:
        body = await _error_body(reply)
        status = reply.status if reply.status >= 400 else 502
        problem = codec(prepared.target.dialect).problem_of(status, body)
        wait = retry_after.seconds(reply.headers, body, now=self._clock.now())
        if wait is not None:
            problem = msgspec.structs.replace(problem, retry_after=wait)
        problem = redacted(problem, prepared.account)
        raw = body if may_pass(body, prepared.account) else None
        return self.failed(log, prepared.target, problem=problem, verdict=judge(problem), raw=raw)


def _trimmed(prepared: Prepared, refused: frozenset[str], exchange: Exchange) -> Prepared:
    """Return `prepared` without the members its target is known to refuse."""
    target, client = prepared.target.dialect, exchange.inbound.dialect
    leave = refused - _must_stay(refused, prepared, exchange)
    trimmed = trim(prepared.request.body, leave, target=target, client=client)
    if not trimmed.losses:
        return prepared
    request = msgspec.structs.replace(prepared.request, body=trimmed.body)
    return msgspec.structs.replace(prepared, request=request, losses=(*prepared.losses, *trimmed.losses))


def _must_stay(fields: frozenset[str], prepared: Prepared, exchange: Exchange) -> frozenset[str]:
    """Return which of `fields` may not be left out: by the policy `refuse`, those the client asked for."""
    if prepared.capabilities.unsupported != "refuse":
        return frozenset()
    inbound = exchange.inbound
    return asked_for(fields, inbound.body, target=prepared.target.dialect, client=inbound.dialect)


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


__all__ = ["Attempts", "Opened"]
