"""What the gateway reads of a reply to `/embeddings`; the vectors themselves are never looked at."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import Measured
from flowrouter.dialects.openai_chat.reading import as_object
from flowrouter.dialects.openai_chat.usage import parse_usage
from flowrouter.wire.json import Raw, typed


class _Reply(msgspec.Struct):
    data: Raw = Raw(b"")
    model: Any = None
    usage: Any = None


_reply = typed(_Reply)


def measure(body: bytes) -> Measured:
    """Return the model and usage a reply names; raises `ValueError` if it holds no list of embeddings."""
    try:
        reply = _reply.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"the reply cannot be read: {error}") from None
    if not bytes(reply.data).startswith(b"["):
        raise ValueError("the reply holds no embeddings")
    usage = as_object(reply.usage)
    return Measured(
        model=reply.model if isinstance(reply.model, str) else "", usage=_input_only(parse_usage(usage or {}))
    )


def _input_only(usage: Usage) -> Usage | None:
    """Return the usage of a call that can have no output, whatever zeros its host writes there."""
    if usage.input is None and usage.cache_read is None:
        return None
    return msgspec.structs.replace(usage, output=0, reasoning=None)


__all__ = ["measure"]
