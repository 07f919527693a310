"""Short ways to make requests, render them and have the scripted vendor judge the body."""

from __future__ import annotations

import json
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.messages import Message, Role
from flowrouter.canonical.parts import Part, Text
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool
from flowrouter.dialects.anthropic import CODEC
from tests.upstreams.anthropic_messages.rules import check_request
from tests.upstreams.dialect import Exchange
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName

WEATHER = FunctionTool(
    name="get_weather",
    description="Current weather for a city.",
    schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def say(role: Role, *parts: Part | str, **members: Any) -> Message:
    """Return a message; strings are text parts."""
    return Message(
        role=role, parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), **members
    )


def chat(*messages: Message, **members: Any) -> Request:
    """Return a request that came from an OpenAI Chat client."""
    return Request(origin="openai_chat", model="asked", messages=messages or (say("user", "Hi"),), **members)


def render(request: Request, *, model: str = "any-model", **capabilities: Any) -> Rendered:
    """Render for Anthropic and let the vendor's rules judge the body."""
    rendered = CODEC.render_request(request, model, Capabilities(**capabilities))
    judge(rendered)
    return rendered


def judge(rendered: Rendered) -> None:
    """Raise the vendor's refusal for a body it would answer 400 to."""
    body = json.loads(rendered.body)
    received = Received(
        index=0, connection_id=0, method="POST", target="/v1/messages", headers=list(rendered.headers),
        body=rendered.body, at=0.0,
    )  # fmt: skip
    check_request(
        Exchange(received=received, model=ModelName(body["model"]), account="a", request_id="r", body=body)
    )


def body_of(request: Request, **capabilities: Any) -> dict[str, Any]:
    """Return the judged body of a render."""
    body: dict[str, Any] = json.loads(render(request, **capabilities).body)
    return body


def rows(losses: tuple[Loss, ...] | list[Loss]) -> list[tuple[str, str]]:
    """Return (path, kind) of each loss."""
    return [(loss.path, loss.kind) for loss in losses]


def parse(**members: Any) -> Request:
    """Parse an Anthropic body with the given members over a minimal one."""
    body = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}], **members}
    return CODEC.parse_request(json.dumps(body).encode())
