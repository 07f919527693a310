"""Short ways to say a request, shared by the tests of the request side."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Text
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.dialects.openai_responses.parse_requests import parse_request
from flowrouter.dialects.openai_responses.render_requests import render_request
from flowrouter.wire.json import dumps, loads

HI: tuple[Message, ...] = (Message(role="user", parts=(Text(text="hi"),)),)


def asked(**members: Any) -> Request:
    """Return the request of a Responses client's body."""
    return parse_request(dumps({"model": "m", "input": "hi", **members}))


def items_of(*items: Any) -> Request:
    """Return the request of a Responses client that sends these items."""
    return asked(input=list(items))


def back(**members: Any) -> dict[str, Any]:
    """Return what a Responses client's body leaves as for its own dialect."""
    rendered = render_request(asked(**members), "m", Capabilities())
    assert rendered.losses == ()
    return loads(rendered.body)


def render(capabilities: Capabilities | None = None, **members: Any) -> Rendered:
    """Return an Anthropic client's request rendered for this dialect."""
    request = Request(**{"origin": "anthropic", "model": "m", "messages": HI, **members})
    return render_request(request, "gpt", capabilities or Capabilities())


def body(capabilities: Capabilities | None = None, **members: Any) -> dict[str, Any]:
    """Return the body of `render`."""
    return loads(render(capabilities, **members).body)


def lost(capabilities: Capabilities | None = None, **members: Any) -> list[str]:
    """Return the paths of the losses of `render`."""
    return [loss.path for loss in render(capabilities, **members).losses]


def sent(*messages: Message, **capabilities: Any) -> list[dict[str, Any]]:
    """Return the items for `messages`."""
    return body(Capabilities(**capabilities), messages=messages)["input"]


def user(*parts: Part | str) -> Message:
    """Return a user's turn."""
    return said("user", *parts)


def said(role: Any, *parts: Part | str) -> Message:
    """Return a turn of `role`."""
    held = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Message(role=role, parts=held)


__all__ = ["HI", "asked", "back", "body", "items_of", "lost", "render", "said", "sent", "user"]
