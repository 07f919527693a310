"""Which trace an exchange belongs to, and the ids of its spans: W3C Trace Context, level 1.

A client may name its own trace (`traceparent`); else the trace's id is made from the request's. Every span's
id is made from the request's id too, so that whoever asks the provider and whoever writes the trace down,
long after, come to the same one without a word between them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_STATE_MAX = 512
_FULL = 1 << 64


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an exchange stands: ids in lower-case hex; `parent_id` is the client's span, empty where it named none.

    `state` is the client's `tracestate`, `sampled` whether the trace is to be written down.
    """

    trace_id: str
    parent_id: str = ""
    state: str = ""
    sampled: bool = True


def trace_of(headers: Mapping[str, str], request_id: str, *, share: float = 1.0) -> Trace:
    """Return the trace the client names, else a new one, of which `share` are written down.

    A name that is not well-formed counts for none (W3C, 3.2.2), and so does its state.
    """
    named = headers.get(TRACEPARENT)
    if named is not None and (found := _read(named.strip())) is not None:
        trace_id, parent_id, sampled = found
        state = headers.get(TRACESTATE, "")
        return Trace(
            trace_id=trace_id,
            parent_id=parent_id,
            state=state if len(state) <= _STATE_MAX else "",
            sampled=sampled,
        )
    trace_id = hashlib.sha256(f"trace {request_id}".encode()).hexdigest()[:32]
    return Trace(trace_id=trace_id, sampled=int(trace_id[16:], 16) < share * _FULL)


def span_id(request_id: str, number: int = 0) -> str:
    """Return the id of an exchange's own span (0) or of its attempt `number`, counted from 1."""
    return hashlib.sha256(f"span {request_id} {number}".encode()).hexdigest()[:16]


def forwarded(trace: Trace, parent_id: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that put a provider's spans below `parent_id`."""
    flags = "01" if trace.sampled else "00"
    named = (TRACEPARENT, f"00-{trace.trace_id}-{parent_id}-{flags}")
    return (named, (TRACESTATE, trace.state)) if trace.state else (named,)


def _read(text: str) -> tuple[str, str, bool] | None:
    """Return trace, parent and the flag `sampled`; later versions may go on behind the flags."""
    found = _FORM.match(text)
    if found is None:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not (trace_id.strip("0") and parent_id.strip("0")):
        return None
    return trace_id, parent_id, bool(int(flags, 16) & 1)


__all__ = ["TRACEPARENT", "TRACESTATE", "Trace", "forwarded", "span_id", "trace_of"]
