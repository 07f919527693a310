"""Our own envelopes around state that travels through clients: how they are told, and who seals them."""

from __future__ import annotations

from typing import Protocol

PREFIX = "flr1."
_NOT_FOR_VENDORS = (PREFIX.encode(), b'"signature":""', b'"signature": ""', b'"ZmxyMS')


class Seals(Protocol):
    """What of the vault is needed here."""

    def seal(self, value: bytes, *, table: str, row: str, field: str) -> bytes: ...

    def open(self, blob: bytes, *, table: str, row: str, field: str) -> bytes: ...


def holds_envelopes(body: bytes) -> bool:
    """Return whether a request body carries reasoning state that is for us, never for a vendor.

    That is an envelope of ours, or the empty signature under which we show the reasoning of a vendor
    that signs nothing: one that signs would refuse the whole request for it. Gemini's signatures are
    base64, so there an envelope stands as base64 of itself (`ZmxyMS` is `flr1.`).
    """
    return any(mark in body for mark in _NOT_FOR_VENDORS)


__all__ = ["PREFIX", "Seals", "holds_envelopes"]
