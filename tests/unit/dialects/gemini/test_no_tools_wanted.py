"""`tool_choice: none` holds for Google's own tools too: they can only be left out."""

from __future__ import annotations

import json

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.dialects import codec

SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FUNCTION = {"name": "f", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    "tools", [[SEARCH], [SEARCH, FUNCTION]], ids=["search alone", "search and a function"]
)
def test_a_search_is_not_offered_where_no_tool_is_wanted(tools: list[dict[str, object]]) -> None:
    asked = {
        "model": "m",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": tools,
        "tool_choice": {"type": "none"},
    }
    request = codec("anthropic").parse_request(json.dumps(asked).encode())
    able = Capabilities(hosted=frozenset({"web_search"}), thinking_style="level")
    rendered = codec("gemini").render_request(request, "m", able)
    assert b"googleSearch" not in rendered.body
    assert "tool_choice" in [loss.path for loss in rendered.losses]
    assert (b'"NONE"' in rendered.body) == (len(tools) == 2)
