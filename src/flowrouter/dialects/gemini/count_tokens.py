"""Token counting: bare contents or a whole request inside, answered by one number."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.gemini.node import snake
from flowrouter.dialects.gemini.parse_requests import read_body, read_request
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, dumps, loads

_INSIDE = "generateContentRequest"


def parse_count_request(body: bytes) -> Request:
    """Return the request whose input is to be counted; raises `CallerError` as `parse_request`."""
    whole = read_body(body)
    name = _INSIDE if _INSIDE in whole else snake(_INSIDE)
    inside = whole.get(name)
    if inside is None:
        return read_request({key: value for key, value in whole.items() if key not in (name, "model")})
    if not isinstance(inside, dict):
        raise CallerError(f"{_INSIDE}: expected an object", param=_INSIDE)
    members = cast("dict[str, Any]", inside)
    return read_request({key: value for key, value in members.items() if key != "model"})


def render_count_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body that asks a Gemini upstream to count a request of any dialect."""
    rendered = render_request(request, model, capabilities)
    named = model if "/" in model else f"models/{model}"
    members: dict[str, Any] = {"model": named, **_members(rendered.body)}
    return Rendered(body=dumps({_INSIDE: members}), losses=rendered.losses, edits=rendered.edits)


def render_count(input_tokens: int) -> bytes:
    """Return the answer to a client."""
    return dumps({"totalTokens": input_tokens})


def parse_count(body: bytes) -> int:
    """Return the number an upstream counted; raises `ValueError` for any other body."""
    try:
        value = loads(body)
    except JsonError:
        raise ValueError("the count is not JSON") from None
    members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    count = members.get("totalTokens", members.get(snake("totalTokens")))
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError("the answer holds no count")
    return count


def _members(body: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", loads(body))


__all__ = ["parse_count", "parse_count_request", "render_count", "render_count_request"]
