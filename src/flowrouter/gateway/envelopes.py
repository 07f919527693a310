"""Our own envelopes around state that travels through clients: how they are told, and who seals them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from flowrouter.canonical.dialect import Dialect
from flowrouter.wire.marks import holds

PREFIX = "flr1."
_SEALED = PREFIX.encode()
_NOT_FOR_VENDORS: Mapping[Dialect, tuple[bytes, ...]] = {
    "openai_chat": (_SEALED,),
    "openai_completions": (),
    "openai_responses": (_SEALED,),
    "anthropic": (_SEALED,),
    "gemini": (b'"ZmxyMS',),
}
_SIGNATURE = b'"signature"'
_EMPTY = re.compile(rb'\s*:\s*""')


class Seals(Protocol):
    """What of the vault is needed here."""

    def seal(self, value: bytes, *, table: str, row: str, field: str) -> bytes: ...

    def open(self, blob: bytes, *, table: str, row: str, field: str) -> bytes: ...


def holds_envelopes(body: bytes, dialect: Dialect) -> bool:
    """Return whether a request body of `dialect` carries reasoning state that is for us, never for a vendor.

    That is an envelope of ours, or the empty signature under which Anthropic's clients are shown the
    reasoning of a vendor that signs nothing: one that signs would refuse the whole request for it.
    Gemini's signatures are base64, so there an envelope stands as base64 of itself (`ZmxyMS` is `flr1.`).
    Each mark costs a look at the whole body, so only those of the dialect are looked for.
    """
    for mark in _NOT_FOR_VENDORS[dialect]:
        if holds(body, mark):
            return True
    return dialect == "anthropic" and _is_unsigned(body)


def _is_unsigned(body: bytes) -> bool:
    """Return whether a member `signature` is empty."""
    at = body.rfind(_SIGNATURE)
    while at >= 0:
        if _EMPTY.match(body, at + len(_SIGNATURE)):
            return True
        at = body.rfind(_SIGNATURE, 0, at)
    return False


__all__ = ["PREFIX", "Seals", "holds_envelopes"]
