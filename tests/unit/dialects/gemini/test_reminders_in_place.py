"""A later system message stands in the same place when the conversation goes on: cached prefixes stay valid."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.dialects import codec
from flowrouter.wire.json import dumps, loads

TOOLS = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


REMINDER = {"role": "system", "content": "Remember."}
ANSWER = {"role": "assistant", "content": [text("Yes.")]}
CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]}
FOUND = user({"type": "tool_result", "tool_use_id": "t1", "content": "found"})
STORIES = {
    "behind-the-first-turn": [[user(text("Hi")), REMINDER], [ANSWER, user(text("Go on."))]],
    "behind-results": [[user(text("Hi")), CALL, FOUND, REMINDER], [ANSWER, user(text("Go on."))]],
    "before-a-turn": [
        [user(text("Hi"))],
        [ANSWER, REMINDER, user(text("Go on."))],
        [ANSWER, user(text("End."))],
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_what_was_sent_is_sent_again(name: str) -> None:
    told: list[list[Any]] = []
    messages: list[Any] = []
    for more in STORIES[name]:
        messages += more
        body = dumps({"model": "m", "max_tokens": 9, "messages": messages, "tools": TOOLS})
        request = codec("anthropic").parse_request(body)
        rendered = codec("gemini").render_request(request, "m", Capabilities())
        told.append(loads(rendered.body)["contents"])
    for earlier, later in pairwise(told):
        assert later[: len(earlier)] == earlier
    assert str(told[-1]).count("Remember.") == 1
