"""One request's life, from its arrival to its settlement: the record every step writes into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.head import Head
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.receipt import Lane, Seam
from flowrouter.canonical.request import Request
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import codec
from flowrouter.dialects.codec import Framing
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.carried import Admitted, Held, Picture, Taped
from flowrouter.gateway.continuation import Continuation
from flowrouter.gateway.ports import Outcome
from flowrouter.gateway.standing import Standing
from flowrouter.httpkit.caller import LOCAL, Caller
from flowrouter.routing import Plan
from flowrouter.routing.affinity import Stay
from flowrouter.routing.intent import Confinement

Operation = Literal["generate", "embeddings", "embed_content", "batch_embed", "compact"]
"""What is asked for. Only `generate` is a conversation; `compact` passes as it is, the rest are embeddings."""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived: header names in lower case, the body decompressed, the clock at arrival.

    `model` and `stream` are what the address says where it says it (Gemini), `framing` how a stream is to
    be cut. `caller` is who asks, where that has been found out; else the headers tell.
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
    caller: Caller | None = None


READ_AGAIN = 256 * 1024
"""Bytes of a body up to which reading it once more keeps nobody waiting; its tree takes several times as many."""

_NO_PICTURES: Mapping[str, Picture] = MappingProxyType({})


class Exchange(msgspec.Struct, eq=False):
    """The mutable record of one request; settled exactly once.

    `request` is what it asks for, once that was read, `supplemented` with more than its body says; `members` are
    its body's, once `request` was let go.
    `stay` is its session's place among the pins, `named` that its reply must bear the name asked for,
    `stateless` that a provider could not read the reasoning it carries.
    `hold` is what it has reserved of budgets, `budget_warning` tells of one that is nearly used up.
    `admitted` is what it holds of its key's rate limits, `standings` how they stood at its arrival.
    `confined` is where its prompt must stay, `bypass` the rule by which it was answered without a model.
    `enveloped` remembers whether its body holds state sealed for us, once somebody has looked.
    `tape` is its recording, where there is one. `pictures` were fetched for it, by address.
    """

    inbound: Inbound
    caller: Caller = LOCAL
    head: Head | None = None
    pictures: Mapping[str, Picture] = _NO_PICTURES
    request: Request | None = None
    supplemented: bool = False
    members: tuple[str, ...] = ()
    amend: Callable[[Request], Request] | None = None
    continuation: Continuation | None = None
    enveloped: bool | None = None
    step: str = ""
    plan: Plan | None = None
    stay: Stay | None = None
    confined: Confinement | None = None
    bypass: str = ""
    named: bool = False
    stateless: bool = False
    lane: Lane | None = None
    attempts: list[AttemptLog] = []
    request_losses: tuple[Loss, ...] = ()
    reply_losses: tuple[Loss, ...] = ()
    answered_model: str | None = None
    finish: str | None = None
    called: tuple[str, ...] = ()
    usage: Usage | None = None
    status: int = 0
    outcome: Outcome = "error"
    problem: Problem | None = None
    first_content_at: float | None = None
    seams: list[Seam] = []
    not_completed: str | None = None
    upstream_wait: float = 0.0
    waited: float = 0.0
    bytes_out: int = 0
    settled: bool = False
    admitted: Admitted | None = None
    standings: tuple[Standing, ...] = ()
    hold: Held | None = None
    budget_warning: str = ""
    tape: Taped | None = None

    def __repr__(self) -> str:
        return f"Exchange({self.inbound.request_id!r})"

    @property
    def answering(self) -> AttemptLog | None:
        """Return the attempt whose answer the client got or is getting, the last one where none has begun."""
        attempts = self.attempts
        if not attempts:
            return None
        last = attempts[-1]
        if len(attempts) == 1 or last.verdict == "answered":
            return last
        return next((log for log in reversed(attempts) if log.verdict in ("answered", "cut")), last)

    def carry(self, body: bytes) -> None:
        """Go on with another body: the same request, its history told in another way."""
        if body is not self.inbound.body:
            self.inbound = msgspec.structs.replace(self.inbound, body=body)
            self.request = self.enveloped = None
            self.supplemented, self.members = False, ()

    def spare(self) -> None:
        """Let go of the request where it can be read again at little cost: few need it once content has left."""
        request = self.request
        if request is not None and not self.supplemented and len(self.inbound.body) <= READ_AGAIN:
            self.members, self.request = request.members, None


def delivered_tokens(exchange: Exchange) -> int | None:
    """Return the tokens of all attempts that the client heard of, read and written; None where one is unknown."""
    total = 0
    for log in exchange.attempts:
        if log.delivered:
            usage = log.usage or exchange.usage
            if usage is None:
                return None
            total += usage.total_input + usage.total_output
    return total


def skimmed(inbound: Inbound) -> Head:
    """Return the head of the body and the address; raises `CallerError`. Only conversations are streamed."""
    head = codec(inbound.dialect).skim(inbound.body)
    if inbound.model is None and inbound.stream is None and inbound.operation == "generate":
        return head
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
        if inbound.model is not None or inbound.stream is not None:
            request = msgspec.structs.replace(
                request,
                model=request.model if inbound.model is None else inbound.model,
                stream=request.stream if inbound.stream is None else inbound.stream,
            )
        exchange.request = request
    return exchange.request


__all__ = ["READ_AGAIN", "Exchange", "Inbound", "Operation", "delivered_tokens", "parsed", "skimmed"]
