"""One request's life, from its arrival to its settlement: the record every step writes into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.head import Head
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.receipt import Lane
from flowrouter.canonical.request import Request
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import codec
from flowrouter.dialects.codec import Framing
from flowrouter.gateway.continuation import Continuation
from flowrouter.gateway.ports import Outcome
from flowrouter.httpkit.caller import LOCAL, Caller
from flowrouter.routing import Plan, Target

Operation = Literal["generate", "embeddings", "embed_content", "batch_embed", "compact"]
"""What is asked for. Only `generate` is a conversation; `compact` passes as it is, the rest are embeddings."""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived: header names in lower case, the body decompressed, the clock at arrival.

    `model` and `stream` are what the address says where it says it (Gemini), `framing` how a stream is to
    be cut.
    """

    request_id: str
    dialect: Dialect
    operation: Operation
    endpoint: str
    headers: Mapping[str, str]
    body: bytes
    wall: float
    started: float
    model: str | None = None
    stream: bool | None = None
    framing: Framing = "sse"


class AttemptLog:
    """One try at a target; times on the monotonic clock, in seconds."""

    __slots__ = ("ended", "error", "head_at", "started", "status", "target", "usage", "verdict")

    def __init__(self, target: Target, started: float) -> None:
        self.target = target
        self.started = started
        self.head_at: float | None = None
        self.ended: float | None = None
        self.status: int | None = None
        self.verdict = "open"
        self.error: str | None = None
        self.usage: Usage | None = None


class Exchange:
    """The mutable record of one request; settled exactly once."""

    __slots__ = (
        "answered_model", "attempts", "bytes_out", "caller", "continuation", "finish", "first_content_at", "head",
        "inbound", "lane", "outcome", "plan", "problem", "reply_losses", "request", "request_losses",
        "settled", "status", "step", "upstream_wait", "usage",
    )  # fmt: skip

    def __init__(self, inbound: Inbound) -> None:
        self.inbound = inbound
        self.caller: Caller = LOCAL
        self.head: Head | None = None
        self.request: Request | None = None
        self.continuation: Continuation | None = None
        self.step = ""
        self.plan: Plan | None = None
        self.lane: Lane | None = None
        self.attempts: list[AttemptLog] = []
        self.request_losses: tuple[Loss, ...] = ()
        self.reply_losses: tuple[Loss, ...] = ()
        self.answered_model: str | None = None
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.status = 0
        self.outcome: Outcome = "error"
        self.problem: Problem | None = None
        self.first_content_at: float | None = None
        self.upstream_wait = 0.0
        self.bytes_out = 0
        self.settled = False

    def carry(self, body: bytes) -> None:
        """Go on with another body: the same request, its history told in another way."""
        if body is not self.inbound.body:
            self.inbound = msgspec.structs.replace(self.inbound, body=body)
            self.request = None


def skimmed(inbound: Inbound) -> Head:
    """Return the head of the body and the address; raises `CallerError`. Only conversations are streamed."""
    head = codec(inbound.dialect).skim(inbound.body)
    stream = head.stream if inbound.stream is None else inbound.stream
    return msgspec.structs.replace(
        head,
        model=head.model if inbound.model is None else inbound.model,
        stream=stream and inbound.operation == "generate",
    )


def parsed(exchange: Exchange) -> Request:
    """Return the conversation asked for, read at the first need; raises `CallerError`."""
    if exchange.request is None:
        inbound = exchange.inbound
        request = codec(inbound.dialect).parse_request(inbound.body)
        exchange.request = msgspec.structs.replace(
            request,
            model=request.model if inbound.model is None else inbound.model,
            stream=request.stream if inbound.stream is None else inbound.stream,
        )
    return exchange.request


__all__ = ["AttemptLog", "Exchange", "Inbound", "Operation", "parsed", "skimmed"]
