"""Short ways to make requests, render them and have the scripted vendor judge the body."""

from __future__ import annotations

import json
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.messages import Message, Role
from flowrouter.canonical.parts import Part, Text, ToolCall, ToolResult
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool
from flowrouter.dialects.gemini.parse_requests import parse_request
from flowrouter.dialects.gemini.render_requests import render_request
from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.rules import check_request
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName

WEATHER = FunctionTool(
    name="get_weather",
    description="Current weather for a city.",
    schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
GEMINI_3: dict[str, Any] = {
    "model": "gemini-3.1-pro-preview",
    "thinking_style": "level",
    "efforts": ("low", "medium", "high"),
    "can_disable_thinking": False,
}
GEMINI_25: dict[str, Any] = {
    "model": "gemini-2.5-flash",
    "thinking_style": "budget",
    "budget_min": 0,
    "budget_max": 24_576,
    "json_with_tools": False,
}


def say(role: Role, *parts: Part | str, **members: Any) -> Message:
    """Return a message; strings are text parts."""
    return Message(
        role=role, parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), **members
    )


def call(call_id: str, name: str = "get_weather", arguments: str = '{"city":"Rome"}') -> ToolCall:
    """Return a tool call."""
    return ToolCall(id=call_id, name=name, arguments=arguments)


def result(call_id: str, *parts: Part | str, **members: Any) -> ToolResult:
    """Return a tool's answer."""
    return ToolResult(
        call_id=call_id,
        content=tuple(Text(text=p) if isinstance(p, str) else p for p in parts),
        **members,
    )


def chat(*messages: Message, **members: Any) -> Request:
    """Return a request that came from an OpenAI Chat client."""
    return Request(
        **{"origin": "openai_chat", "model": "asked", "messages": messages or (say("user", "Hi"),), **members}
    )


def render(request: Request, *, model: str = "lenient", **capabilities: Any) -> Rendered:
    """Render for Gemini and let the vendor's rules judge the body; unknown models take anything."""
    rendered = render_request(request, model, Capabilities(**capabilities))
    judge(rendered, model)
    return rendered


def judge(rendered: Rendered, model: str) -> None:
    """Raise the vendor's refusal for a body it would answer 400 to."""
    received = Received(
        index=0, connection_id=0, method="POST", target=f"/v1beta/models/{model}:generateContent", headers=[],
        body=rendered.body, at=0.0,
    )  # fmt: skip
    body = json.loads(rendered.body)
    check_request(Exchange(received=received, model=ModelName(model), account="a", request_id="r", body=body))


def body_of(request: Request, **options: Any) -> dict[str, Any]:
    """Return the judged body of a render."""
    body: dict[str, Any] = json.loads(render(request, **options).body)
    return body


def rows(losses: tuple[Loss, ...] | list[Loss]) -> list[tuple[str, str]]:
    """Return (path, kind) of each loss."""
    return [(loss.path, loss.kind) for loss in losses]


def parse(**members: Any) -> Request:
    """Parse a Gemini body with the given members over a minimal one."""
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], **members}
    return parse_request(json.dumps(body).encode())


def own(request: Request, **capabilities: Any) -> dict[str, Any]:
    """Return the body of a request for its own vendor."""
    capabilities.pop("model", None)
    body: dict[str, Any] = json.loads(render_request(request, "m", Capabilities(**capabilities)).body)
    return body
