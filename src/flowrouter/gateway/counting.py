"""Counts the tokens of a request without running it: the provider's own count, else our estimate."""

from __future__ import annotations

import asyncio

import msgspec

from flowrouter.canonical.estimate import input_tokens
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.dialects.anthropic.count_tokens import parse_count, parse_count_request, render_count
from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.gateway import retry_after
from flowrouter.gateway.reasoning import holds_envelopes
from flowrouter.gateway.secrecy import may_pass, redacted
from flowrouter.gateway.world import World
from flowrouter.providers import adapter
from flowrouter.routing import Plan, Target, judge
from flowrouter.upstream import Reply, Transport
from flowrouter.wire.http import HttpRequest

_BODY_MAX = 256 * 1024


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

    async def count(self, body: bytes, plan: Plan, world: World, *, headers: dict[str, str]) -> Count:
        """Return the count for `body`; raises `CallerError` for a body that is no request.

        A provider's refusal of the request itself is passed on; any other failure of it falls back
        to the estimate, since a count is never worth an outage.
        """
        request = parse_count_request(body)
        for target in () if holds_envelopes(body) else plan.targets:
            if target.dialect != "anthropic" or not world.presets[target.account_id].counts_tokens(
                "anthropic"
            ):
                continue
            answer = await self._ask(target, body, world=world, headers=headers)
            if answer is not None:
                return answer
        return Count(body=render_count(input_tokens(request)))

    async def _ask(
        self, target: Target, body: bytes, *, world: World, headers: dict[str, str]
    ) -> Count | None:
        account, preset = world.accounts[target.account_id], world.presets[target.account_id]
        spoken = codec("anthropic")
        try:
            request = adapter.build(
                preset,
                "anthropic",
                api_key=account.api_key.reveal() if account.api_key else None,
                base_url=account.base_url,
                operation="count_tokens",
                body=spoken.prepare(body, spoken.skim(body), target.model, False),
                client_headers=headers,
                same_dialect=True,
                account_headers={name: value.reveal() for name, value in account.headers},
            )
            async with asyncio.timeout(self._timeouts.first_byte):
                reply, answer = await self._call(request)
            if reply.status == 200:
                parse_count(answer)
                return Count(body=answer, target=target)
        except (ConfigError, UpstreamError, TimeoutError, ValueError):
            return None
        problem = redacted(spoken.problem_of(reply.status, answer), account)
        if judge(problem).failure != "request_fault":
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


__all__ = ["Count", "Counter"]
