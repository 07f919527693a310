"""Thought signatures, and our own envelopes where clients carry them in their stead.

The field is of type bytes, so SDKs decode and encode it (Python's with the URL-safe alphabet): an
envelope travels as base64 of itself, several before one part joined by a space.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterable

from flowrouter.canonical.parts import Provenance, Reasoning

SEALED_PREFIX = "flr1."
_SEALED_START = "ZmxyMS"


def as_signature(envelopes: Iterable[str]) -> str:
    """Return envelopes as one value for the field `thoughtSignature`."""
    return b64encode(" ".join(envelopes).encode()).decode()


def envelopes_in(signature: str) -> tuple[str, ...]:
    """Return the envelopes that a signature holds; none where it is the vendor's own.

    One that was cut or mangled on its way is still ours: an envelope, though nobody will open it.
    """
    if not is_envelope(signature):
        return ()
    plain = signature.replace("+", "-").replace("/", "_").rstrip("=")
    try:
        text = urlsafe_b64decode(plain + "=" * (-len(plain) % 4)).decode("ascii")
    except ValueError:
        return (SEALED_PREFIX,)
    return tuple(text.split(" "))


def is_envelope(signature: object) -> bool:
    """Return whether a signature is ours and for no vendor."""
    return isinstance(signature, str) and signature.startswith(_SEALED_START)


def reasoning_of(
    signature: str | None,
    *,
    text: str = "",
    provenance: Provenance | None = None,
    field: str | None = None,
    call_id: str | None = None,
) -> list[Reasoning]:
    """Return the reasoning parts that a signed part stands for; `provenance` tells a vendor's reply.

    `text` is the thought's own; `field` and `call_id` say what bore the signature.
    """
    envelopes = envelopes_in(signature) if signature and provenance is None else ()
    if not envelopes:
        return [
            Reasoning(text=text, signature=signature, provenance=provenance, field=field, call_id=call_id)
        ]
    first = Reasoning(text=text, sealed=envelopes[0], field=field, call_id=call_id)
    return [first, *(Reasoning(sealed=held, field=field, call_id=call_id) for held in envelopes[1:])]


__all__ = ["SEALED_PREFIX", "as_signature", "envelopes_in", "is_envelope", "reasoning_of"]
