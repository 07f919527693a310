"""One request as rules, conditions and bills see it; nothing of its body is read before somebody asks."""

from __future__ import annotations

from flowrouter.canonical.estimate import IMAGE_TOKENS, text_tokens
from flowrouter.canonical.head import Counts, Texts
from flowrouter.clock import local_minute
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from flowrouter.gateway.exchange import Exchange
from flowrouter.routing.conditions import Circumstances

DOCUMENT_TOKENS = 2_000
"""What a document counts before anybody has read it: about one page."""

_TEXT_BESIDE_MEDIA = 40_000
"""Bytes of text that a body with pictures is taken to hold at most, which stand in it as base64."""


def circumstances(exchange: Exchange) -> Circumstances:
    """Return what rules may ask of `exchange`, which is skimmed and has its caller."""
    inbound, head = exchange.inbound, exchange.head
    spoken = codec(inbound.dialect)

    def counts() -> Counts | None:
        if inbound.operation != "generate":
            return None
        try:
            return spoken.skim_counts(inbound.body)
        except CallerError:
            return None

    def texts() -> Texts | None:
        return spoken.skim_texts(inbound.body)

    return Circumstances(
        counts=counts,
        tokens=lambda seen: _tokens(seen.counts, len(inbound.body)),
        minute=lambda: local_minute(inbound.wall),
        user_agent=inbound.headers.get("user-agent", ""),
        tags=exchange.caller.policy.tags,
        texts=texts,
        max_output=head.max_tokens if head is not None else None,
    )


def _tokens(counts: Counts | None, length: int) -> int:
    """Return the estimated input: text by the usual bytes a token, pictures and documents apart."""
    if counts is None:
        return text_tokens(length)
    media = counts.images * IMAGE_TOKENS + counts.documents * DOCUMENT_TOKENS
    text = min(counts.text_bytes, _TEXT_BESIDE_MEDIA) if media else counts.text_bytes
    return text_tokens(text) + media


__all__ = ["DOCUMENT_TOKENS", "circumstances"]
