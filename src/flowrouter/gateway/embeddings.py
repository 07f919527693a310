"""Embeddings: who may be asked for them, what they are asked, and what their answer is worth.

Between client and provider of one dialect all bytes pass but the model's name. Between two, texts, width
and vectors cross; what only one of them knows is a loss.
"""

from __future__ import annotations

import math

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.canonical.estimate import text_tokens
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt import Lane
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import Codec, available, codec
from flowrouter.dialects.codec import Embeddings
from flowrouter.errors import CallerError
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.world import World
from flowrouter.providers.adapter import Operation
from flowrouter.routing import Plan, Target


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What one target is asked, and what that leaves out."""

    operation: Operation
    body: bytes
    lane: Lane
    losses: tuple[Loss, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An answer for the client, with what is booked of it."""

    body: bytes
    model: str
    usage: Usage | None


def embedders(plan: Plan, world: World) -> Plan:
    """Return `plan` with only the targets that can embed, each in a dialect in which it does.

    Raises `CallerError` if the model has targets and none of them can; a plan that was empty stays so.
    """
    able = tuple(found for target in plan.targets if (found := _embedding(target, world)) is not None)
    if plan.targets and not able:
        raise CallerError(
            f"the accounts that answer for {plan.asked!r} make no embeddings; name a model of a provider "
            "that does",
            param="model",
            code="embeddings_not_supported",
        )
    return msgspec.structs.replace(plan, targets=able)


def makes_embeddings(target: Target, world: World) -> bool:
    """Return whether the target's provider makes embeddings in a form that is known."""
    return _embedding(target, world) is not None


def question(exchange: Exchange, target: Target, capabilities: Capabilities) -> Question:
    """Return what to ask `target`; raises `CallerError` for what it cannot be asked."""
    inbound, head = exchange.inbound, exchange.head
    assert head is not None
    own, theirs = _form(codec(inbound.dialect)), _form(codec(target.dialect))
    if target.dialect == inbound.dialect:
        body = inbound.body if target.model == head.model else own.rename(inbound.body, target.model)
        return Question(operation=inbound.operation, body=body, lane="passthrough")
    asked = asked_for(exchange)
    lost = sorted(asked.extra.keys() - own.honoured)
    if lost and capabilities.unsupported == "refuse":
        raise CallerError(
            f"`{lost[0]}` has no place at this provider", param=lost[0], code="unsupported_value"
        )
    return Question(
        operation="batch_embed" if target.dialect == "gemini" else "embeddings",
        body=theirs.ask(msgspec.structs.replace(asked, batch=True, extra={}), target.model),
        lane="translate",
        losses=tuple(
            Loss(path=name, kind="dropped", reason=f"known to {inbound.dialect} only") for name in lost
        ),
    )


def asked_for(exchange: Exchange) -> EmbeddingRequest:
    """Return the texts the client sent; raises `CallerError`."""
    inbound, head = exchange.inbound, exchange.head
    assert head is not None
    own = _form(codec(inbound.dialect))
    return own.parse(inbound.body, head.model, inbound.operation == "batch_embed")


def told(exchange: Exchange, target: Target, body: bytes, *, model: str) -> Told:
    """Return a provider's answer as the client reads it; raises `ValueError` if it is none.

    `model` is what the answer calls it where it is rewritten.
    """
    inbound = exchange.inbound
    if target.dialect == inbound.dialect:
        measured = codec(target.dialect).measure(body)
        # Google's answers tell no counts, so theirs are always estimated; a host that should tell and does
        # not has its reasons.
        silent = measured.usage is None and target.dialect == "gemini"
        usage = _estimated(exchange) if silent else measured.usage
        return Told(body=body, model=measured.model, usage=usage)
    own, theirs = _form(codec(inbound.dialect)), _form(codec(target.dialect))
    asked, reply = asked_for(exchange), theirs.read(body)
    if len(reply.vectors) != len(asked.texts):
        raise ValueError(f"{len(asked.texts)} texts were answered with {len(reply.vectors)} vectors")
    if asked.dimensions is not None and target.dialect == "gemini":
        reply = _normalised(reply)
    counted = reply.usage_tokens
    usage = Usage(input=counted, output=0) if counted is not None else _estimated(exchange)
    if counted is None and usage is not None:
        reply = msgspec.structs.replace(reply, usage_tokens=usage.input)
    return Told(body=own.render(reply, asked, model), model=reply.model, usage=usage)


def _estimated(exchange: Exchange) -> Usage | None:
    try:
        size = sum(len(text) for text in asked_for(exchange).texts)
    except CallerError:
        return None
    return Usage(input=text_tokens(size), output=0, estimated=True)


def _normalised(reply: EmbeddingReply) -> EmbeddingReply:
    """Return vectors of length one: Google shortens without that, OpenAI's clients rely on it."""
    vectors: list[tuple[float, ...]] = []
    for vector in reply.vectors:
        length = math.hypot(*vector)
        vectors.append(tuple(number / length for number in vector) if length else vector)
    return msgspec.structs.replace(reply, vectors=tuple(vectors))


def _form(spoken: Codec) -> Embeddings:
    if spoken.embeddings is None:
        raise CallerError(f"{spoken.name} has no embeddings", code="embeddings_not_supported")
    return spoken.embeddings


def _embedding(target: Target, world: World) -> Target | None:
    preset, account = world.presets[target.account_id], world.accounts[target.account_id]
    if "embedding" not in preset.kinds:
        return None
    served: tuple[Dialect, ...] = account.dialects or preset.served_dialects
    for dialect in (target.dialect, *served):
        if dialect in served and dialect in available() and codec(dialect).embeddings is not None:
            return msgspec.structs.replace(target, dialect=dialect)
    return None


__all__ = ["Question", "Told", "asked_for", "embedders", "makes_embeddings", "question", "told"]
