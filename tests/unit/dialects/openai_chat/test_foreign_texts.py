"""A text that stands alone in what other dialects say: most do, and what stands about one is told all the same."""

from __future__ import annotations

from copy import copy

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Text, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.wire.json import loads


@pytest.mark.parametrize(
    ("text", "content", "told"),
    [
        (Text(text="x"), "x", 0),
        (Text(text=""), None, 0),
        (Text(text="x", cache=CacheHint()), "x", 1),
        (Text(text="x", citations=({"type": "char_location"},)), "x", 1),
        (Text(text="x", extra={"odd": 1}), "x", 1),
        (Text(text="x-anthropic-billing-header: a"), None, 1),
    ],
    ids=["alone", "empty", "marked", "cited", "odd", "attribution"],
)
def test_what_stands_about_one_text_is_told_wherever_it_stands(
    text: Text, content: str | None, told: int
) -> None:
    leads, said, result = copy(text), copy(text), copy(text)
    call = ToolCall(id="toolu_1", name="f", arguments="{}")
    turns = (
        Message(role="user", parts=(Text(text="go"),)),
        Message(role="assistant", parts=(said, call)),
        Message(role="user", parts=(ToolResult(call_id="toolu_1", content=(result,)),)),
    )
    request = Request(origin="anthropic", model="m", messages=turns, system=(leads,))
    asked = CODEC.render_request(request, "gpt", Capabilities())
    messages = loads(asked.body)["messages"]
    assert messages[0] == (
        {"role": "system", "content": content} if content else {"role": "user", "content": "go"}
    )
    assert messages[-2]["content"] == content
    assert messages[-1]["content"] == (content or "")
    assert len(asked.losses) == 3 * told
