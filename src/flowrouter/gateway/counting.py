"""Counts the tokens of a request without running it: the provider's own count, else our estimate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec

from flowrouter.canonical.estimate import input_tokens
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.request import Request
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.dialects.codec import TokenCount
from flowrouter.errors import CallerError, ConfigError, UpstreamError
from flowrouter.gateway import retry_after
from flowrouter.gateway.envelopes import holds_envelopes
from flowrouter.gateway.exchange import Inbound, skimmed
from flowrouter.gateway.secrecy import may_pass, redacted
from flowrouter.gateway.world import World
from flowrouter.providers import adapter
from flowrouter.routing import Plan, Target, judge
from flowrouter.upstream import Reply, Transport
from flowrouter.wire.http import HttpRequest

_BODY_MAX = 256 * 1024

Away = Callable[[], AbstractContextManager[None]]
"""Makes a context for the time in which somebody else is waited for."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the body to send (empty: the problem's own), and who counted (None: we estimated)."""

    body: bytes = b""
    target: Target | None = None
    problem: Problem | None = None


class Counter:
    """Answers count_tokens; it never touches the health of an account."""

    def __init__(self, transport: Transport, *, clock: Clock, timeouts: Timeouts) -> None:
        self._transport = transport
        self._clock = clock
        self._timeouts = timeouts

    async def count(self, inbound: Inbound, plan: Plan, world: World, *, away: Away = nullcontext) -> Count:
        """Return the count of what arrived; raises `CallerError` for a body that is no request.

        The plan's targets are asked in order, in their own dialect if need be. A provider's refusal of
        the client's own body is passed on; any other failure leads on to the estimate, since a count is
        never worth an outage. `away` is entered while a provider is waited for.
        """
        own = codec(inbound.dialect).count
        if own is None:
            raise CallerError("this dialect has no such count", status=404, code="unknown_url")
        request = own.parse(inbound.body)
        for target in plan.targets:
            theirs = _count_of(target, world)
            if theirs is None:
                continue
            try:
                body = _question(inbound, request, target=target, theirs=theirs, world=world)
            except CallerError:
                continue
            if body is None:
                continue
            answer = await self._ask(target, body, inbound=inbound, world=world, away=away)
            if answer is not None:
                return answer
        return Count(body=own.render(input_tokens(request)))

    async def _ask(
        self, target: Target, body: bytes, *, inbound: Inbound, world: World, away: Away
    ) -> Count | None:
        account, preset = world.accounts[target.account_id], world.presets[target.account_id]
        spoken, same = codec(target.dialect), target.dialect == inbound.dialect
        try:
            request = adapter.build(
                preset,
                target.dialect,
                api_key=account.api_key.reveal() if account.api_key else None,
                base_url=account.base_url,
                operation="count_tokens",
                model=target.model,
                body=body,
                client_headers=inbound.headers,
                same_dialect=same,
                account_headers={name: value.reveal() for name, value in account.headers},
            )
            with away():
                async with asyncio.timeout(self._timeouts.first_byte):
                    reply, answer = await self._call(request)
            if reply.status == 200:
                return Count(body=_told(answer, target, inbound), target=target)
        except (ConfigError, UpstreamError, TimeoutError, ValueError):
            return None
        problem = redacted(spoken.problem_of(reply.status, answer), account)
        if not same or judge(problem).failure not in ("request_fault", "param_unsupported"):
            return None
        wait = retry_after.seconds(reply.headers, answer, now=self._clock.now())
        return Count(
            body=answer if may_pass(answer, account) else b"",
            target=target,
            problem=msgspec.structs.replace(problem, retry_after=wait),
        )

    async def _call(self, request: HttpRequest) -> tuple[Reply, bytes]:
        reply = await self._transport.send(request)
        try:
            answer = b""
            while len(answer) < _BODY_MAX and (piece := await reply.read()):
                answer += piece
        finally:
            reply.close()
        return reply, answer


def _count_of(target: Target, world: World) -> TokenCount | None:
    """Return how the target is asked for a count, None if it is not known to count."""
    counts = world.presets[target.account_id].counts_tokens(target.dialect)
    return codec(target.dialect).count if counts else None


def _question(
    inbound: Inbound, request: Request, *, target: Target, theirs: TokenCount, world: World
) -> bytes | None:
    """Return the body that asks `target`, None if it cannot be asked; raises `CallerError`.

    The client's own bytes where they can go; a name inside them that the address carries too must be
    the provider's, so that another name is a translation as well.
    """
    if target.dialect == inbound.dialect:
        if holds_envelopes(inbound.body, inbound.dialect):
            return None
        if inbound.model in (None, target.model):
            head = skimmed(inbound)
            return codec(target.dialect).prepare(inbound.body, head, target.model, False)
    if theirs.ask is None:
        return None
    able = world.capabilities(world.presets[target.account_id], target.model, target.dialect)
    return theirs.ask(request, target.model, able).body


def _told(answer: bytes, target: Target, inbound: Inbound) -> bytes:
    """Return a provider's answer as the client reads it; raises `ValueError` if it is no count."""
    theirs, own = codec(target.dialect).count, codec(inbound.dialect).count
    assert theirs is not None
    assert own is not None
    tokens = theirs.read(answer)
    return answer if target.dialect == inbound.dialect else own.render(tokens)


__all__ = ["Away", "Count", "Counter"]
