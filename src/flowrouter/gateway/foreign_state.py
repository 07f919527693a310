"""Leaves out reasoning state that only another account could read.

OpenAI's encrypted reasoning belongs to the organisation that made it; any other answers a 400, with which
a session could never leave a failing account. So it stays there while it can (`affinity`), and where it
must move, its reasoning items are left out, as a declared loss. Once it has moved, its history holds
items of both, which nobody could read.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Reasoning
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.request import Request
from flowrouter.gateway.affinity import carries_sealed
from flowrouter.gateway.exchange import Exchange
from flowrouter.routing.target import Target

_CODE = "invalid_encrypted_content"
"""What OpenAI answers (November 2026); hosts of its dialect say so in words."""


def is_foreign(exchange: Exchange, target: Target) -> bool:
    """Return whether the request carries state that `target` is known not to be able to read."""
    if target.dialect != "openai_responses":
        return False
    if exchange.stateless:
        return True
    before = None if exchange.stay is None else exchange.stay.before
    if before is None or not before.sealed or not carries_sealed(exchange):
        return False
    return before.moved or before.account != target.account_id


def is_unreadable(problem: Problem, exchange: Exchange) -> bool:
    """Return whether a provider could not read the request's state, and has not been asked without it."""
    if problem.status != 400 or exchange.stateless or not carries_sealed(exchange):
        return False
    return problem.code == _CODE or "encrypted content" in problem.message.lower()


def without_state(request: Request) -> tuple[Request, tuple[Loss, ...]]:
    """Return `request` without encrypted reasoning, and what that lost."""
    messages: list[Message] = []
    dropped = 0
    for message in request.messages:
        parts = tuple(part for part in message.parts if not _is_encrypted(part))
        dropped += len(message.parts) - len(parts)
        if parts or not message.parts:
            messages.append(message if len(parts) == len(message.parts) else _with(message, parts))
    if not dropped:
        return request, ()
    reason = f"{dropped} reasoning item{'' if dropped == 1 else 's'} that only another account can read"
    loss = Loss(path="input", kind="dropped", reason=reason)
    return msgspec.structs.replace(request, messages=tuple(messages)), (loss,)


def _is_encrypted(part: Part) -> bool:
    return isinstance(part, Reasoning) and part.signature is not None and part.sealed is None


def _with(message: Message, parts: tuple[Part, ...]) -> Message:
    return msgspec.structs.replace(message, parts=parts)


__all__ = ["is_foreign", "is_unreadable", "without_state"]
