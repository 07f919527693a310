"""Response headers: what is known when the head leaves, in at most a kilobyte."""

from __future__ import annotations

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.gateway.exchange import Exchange
from flowrouter.httpkit.replies import Headers

_LOSSES_MAX = 600


def head_headers(exchange: Exchange, clock: Clock) -> Headers:
    """Return the ids and, for an exchange that reached a target, the start of its receipt."""
    request_id = exchange.inbound.request_id.encode()
    headers: Headers = [(b"x-request-id", request_id), (b"request-id", request_id)]
    if exchange.attempts:
        target = exchange.attempts[-1].target
        headers.append((b"x-flowrouter-target", _ascii(f"{target.account}/{target.model}", 200)))
        headers.append((b"x-flowrouter-attempts", b"%d" % len(exchange.attempts)))
        overhead = clock.monotonic() - exchange.inbound.started - exchange.upstream_wait
        headers.append((b"x-flowrouter-overhead-ms", b"%.2f" % (max(overhead, 0.0) * 1000)))
    if exchange.request_losses:
        paths = [loss.path for loss in exchange.request_losses]
        headers.append((b"x-flowrouter-losses", _listed(paths)))
    return headers


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
    return "".join(c if " " <= c <= "~" else "?" for c in text[:limit]).encode()


__all__ = ["error_headers", "head_headers"]
