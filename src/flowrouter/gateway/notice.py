"""Response headers: what is known when the head leaves, in at most a kilobyte."""

from __future__ import annotations

from functools import lru_cache

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.standing import limit_headers
from flowrouter.httpkit.fields import lines_of
from flowrouter.httpkit.replies import Headers

_LOSSES_MAX = 420
_ASKED, _TARGET = 160, 200
_IDS = b"\r\nx-request-id: %b\r\nrequest-id: %b\r\nx-flowrouter-overhead-ms: %.2f"
_REACHED = _IDS + b"%b%d"


def head_lines(exchange: Exchange, clock: Clock) -> bytes:
    """Return the ids, what the gateway itself took and, where a target was reached, the start of the receipt.

    Lines as they leave: whatever others choose is made printable ASCII on its way in.
    """
    inbound, head = exchange.inbound, exchange.head
    request_id = inbound.request_id.encode()
    took = clock.monotonic() - inbound.started - exchange.upstream_wait
    milliseconds = took * 1000 if took > 0 else 0.0
    attempts = exchange.attempts
    log = attempts[0] if len(attempts) == 1 else exchange.answering
    if log is None or head is None:
        lines = _IDS % (request_id, request_id, milliseconds)
    else:
        target = log.target
        reached = _reached(head.model[:_ASKED], target.account, target.model[:_TARGET])
        lines = _REACHED % (request_id, request_id, milliseconds, reached, len(attempts))
    if exchange.standings:
        lines += lines_of(limit_headers(exchange.standings, inbound.dialect))
    if exchange.budget_warning:
        lines += b"\r\nx-flowrouter-budget: " + _ascii(exchange.budget_warning, 120)
    if exchange.bypass:
        lines += b"\r\nx-flowrouter-bypass: " + _ascii(exchange.bypass, 100)
    if exchange.request_losses:
        lines += b"\r\nx-flowrouter-losses: " + _listed([loss.path for loss in exchange.request_losses])
    return lines


@lru_cache(maxsize=256)
def _reached(asked: str, account: str, model: str) -> bytes:
    """Return what was asked for and who is asked, up to the number of attempts."""
    target = _ascii(f"{account}/{model}", _TARGET)
    return b"\r\nx-flowrouter-asked: %b\r\nx-flowrouter-target: %b\r\nx-flowrouter-attempts: " % (
        _ascii(asked, _ASKED),
        target,
    )


def overhead_header(seconds: float) -> tuple[bytes, bytes]:
    """Return what tells how long the gateway itself took, waiting for providers apart."""
    return (b"x-flowrouter-overhead-ms", b"%.2f" % (max(seconds, 0.0) * 1000))


def error_headers(problem: Problem) -> Headers:
    """Return what tells a client's SDK whether and when to try again."""
    headers: Headers = []
    if problem.retry is not None:
        headers.append((b"x-should-retry", b"true" if problem.retry else b"false"))
    if problem.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, -int(-problem.retry_after // 1))))
    return headers


def _listed(paths: list[str]) -> bytes:
    """Return as many of `paths` as fit, then `+n`."""
    unique = list(dict.fromkeys(paths))
    taken: list[str] = []
    size = 0
    for path in unique:
        size += len(path) + 1
        if size > _LOSSES_MAX:
            break
        taken.append(path)
    left = len(unique) - len(taken)
    return _ascii(",".join([*taken, *([f"+{left}"] if left else [])]), _LOSSES_MAX + 16)


def _ascii(text: str, limit: int) -> bytes:
    text = text[:limit]
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(c if " " <= c <= "~" else "?" for c in text).encode()


__all__ = ["error_headers", "head_lines", "overhead_header"]
