"""Response headers: what is known when the head leaves, in at most a kilobyte."""

from __future__ import annotations

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.standing import limit_headers
from flowrouter.httpkit.replies import Headers

_LOSSES_MAX = 420


def head_headers(exchange: Exchange, clock: Clock) -> Headers:
    """Return the ids, what the gateway itself took and, where a target was reached, the start of the receipt."""
    inbound, head, log = exchange.inbound, exchange.head, exchange.answering
    request_id = inbound.request_id.encode()
    took = clock.monotonic() - inbound.started - exchange.upstream_wait
    headers: Headers = [(b"x-request-id", request_id), (b"request-id", request_id), overhead_header(took)]
    if log is not None and head is not None:
        target = log.target
        headers += (
            (b"x-flowrouter-asked", _ascii(head.model, 160)),
            (b"x-flowrouter-target", _ascii(f"{target.account}/{target.model}", 200)),
            (b"x-flowrouter-attempts", b"%d" % len(exchange.attempts)),
        )
    if exchange.standings:
        headers += limit_headers(exchange.standings, inbound.dialect)
    if exchange.budget_warning:
        headers.append((b"x-flowrouter-budget", _ascii(exchange.budget_warning, 120)))
    if exchange.bypass:
        headers.append((b"x-flowrouter-bypass", _ascii(exchange.bypass, 100)))
    if exchange.request_losses:
        paths = [loss.path for loss in exchange.request_losses]
        headers.append((b"x-flowrouter-losses", _listed(paths)))
    return headers


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


__all__ = ["error_headers", "head_headers", "overhead_header"]
