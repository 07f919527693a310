"""Token counting: a request without its output side, answered by one number."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.anthropic.parse_requests import parse_request
from flowrouter.dialects.anthropic.render_requests import render_request
from flowrouter.wire.json import JsonError, dumps, loads

_OUTPUT_SIDE = (
    "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier",
)  # fmt: skip
"""Members of a request that its count does not take."""


def parse_count_request(body: bytes) -> Request:
    """Return the request whose input is to be counted; raises `CallerError` as `parse_request`."""
    return parse_request(body)


def render_count_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body that asks an Anthropic upstream to count a request of any dialect."""
    rendered = render_request(request, model, capabilities)
    body: dict[str, Any] = loads(rendered.body)
    for name in _OUTPUT_SIDE:
        body.pop(name, None)
    return Rendered(body=dumps(body), losses=rendered.losses, edits=rendered.edits, headers=rendered.headers)


def render_count(input_tokens: int) -> bytes:
    """Return the answer to a client."""
    return dumps({"input_tokens": input_tokens})


def parse_count(body: bytes) -> int:
    """Return the number an upstream counted; raises `ValueError` for any other body."""
    try:
        value = loads(body)
    except JsonError:
        raise ValueError("the count is not JSON") from None
    count = cast("dict[str, Any]", value).get("input_tokens") if isinstance(value, dict) else None
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError("the answer holds no count")
    return count


__all__ = ["parse_count", "parse_count_request", "render_count", "render_count_request"]
