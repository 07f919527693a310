"""Tools that an item of the conversation offers (`additional_tools`), as Codex tells its newest models all of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.dialects import codec
from flowrouter.dialects.openai_responses.echo import Echo
from flowrouter.wire.json import dumps, loads

LOOK: dict[str, Any] = {
    "type": "function",
    "name": "look",
    "parameters": {"type": "object", "properties": {}},
}
PATCH: dict[str, Any] = {"type": "custom", "name": "patch"}
SPACE: dict[str, Any] = {"type": "namespace", "name": "clock", "tools": [{**LOOK, "name": "sleep"}, PATCH]}
HI: dict[str, Any] = {"type": "message", "role": "user", "content": "Hi"}


def item(*tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "additional_tools", "role": "developer", "tools": list(tools)}


def body(*items: dict[str, Any], **more: Any) -> bytes:
    return dumps({"model": "m", "input": [*items, HI], **more})


def test_they_are_tools_in_the_order_they_are_offered() -> None:
    request = codec("openai_responses").parse_request(body(item(SPACE), item(PATCH), tools=[LOOK]))
    assert [(tool.name, tool.place) for tool in request.tools] == [
        ("look", ""),
        ("clock__sleep", "input[0].tools[0].tools[0]"),
        ("clock__patch", "input[0].tools[0].tools[1]"),
        ("patch", "input[1].tools[0]"),
    ]


def test_a_tool_that_is_offered_again_counts_once() -> None:
    request = codec("openai_responses").parse_request(body(item(LOOK), item(LOOK, PATCH), tools=[LOOK]))
    assert [tool.name for tool in request.tools] == ["look", "patch"]


@pytest.mark.parametrize(
    "more", [{}, {"tools": []}, {"tools": [LOOK, SPACE]}], ids=["none", "empty", "others"]
)
def test_in_their_own_dialect_they_stay_in_their_item(more: dict[str, Any]) -> None:
    came = body(item({**SPACE, "name": "other"}, LOOK), **more)
    request = codec("openai_responses").parse_request(came)
    rendered = codec("openai_responses").render_request(request, "m", Capabilities())
    assert loads(rendered.body) == loads(came)
    assert rendered.losses == ()


@pytest.mark.parametrize("target", ["openai_chat", "anthropic", "gemini"])
def test_elsewhere_they_stand_with_the_others_and_that_is_told(target: Any) -> None:
    request = codec("openai_responses").parse_request(body(item(SPACE), tools=[LOOK]))
    rendered = codec(target).render_request(request, "m", Capabilities())
    sent = rendered.body.decode()
    assert sent.index('"look"') < sent.index('"clock__sleep"') < sent.index('"clock__patch"')
    assert ("input[0]", "emulated") in [(loss.path, loss.kind) for loss in rendered.losses]


def test_a_call_of_one_finds_its_namespace_again() -> None:
    assert Echo(body(item(SPACE))).namespaces["clock__sleep"] == ("clock", "sleep")


def test_they_are_counted() -> None:
    assert codec("openai_responses").skim_counts(body(item(SPACE, LOOK), tools=[PATCH])).tools == 4
