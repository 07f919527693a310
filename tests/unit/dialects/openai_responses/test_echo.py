"""What answers repeat of their requests."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response as SdkResponse

from flowrouter.dialects.openai_responses.echo import DEFAULTS, Echo
from flowrouter.wire.json import dumps

HEAD = {"id": "resp_1", "object": "response", "created_at": 7, "model": "m", "output": []}


def echoed(**asked: Any) -> dict[str, Any]:
    """Return the members an answer repeats, which the SDK must take."""
    members = Echo(dumps({"model": "m", "input": "x", **asked})).members
    SdkResponse.model_validate({**HEAD, **members})
    return members


@pytest.mark.parametrize(
    "asked", [b"", b"{", b"[]", b'{"tools":7,"text":"x","reasoning":null,"metadata":null}']
)
def test_without_settings_the_defaults(asked: bytes) -> None:
    members = Echo(asked).members
    assert members.keys() == DEFAULTS.keys()
    assert {**members, "tools": [], "text": DEFAULTS["text"]} == DEFAULTS


def test_zeros_and_false_are_settings() -> None:
    members = echoed(temperature=0, top_p=0, parallel_tool_calls=False, store=False, instructions="")
    assert [members[name] for name in ("temperature", "top_p", "parallel_tool_calls", "store", "instructions")] == [
        0, 0, False, False, ""
    ]  # fmt: skip


def test_settings_inside_objects_join_their_defaults() -> None:
    members = echoed(reasoning={"effort": "low"}, text={"verbosity": "low"})
    assert members["reasoning"] == {"effort": "low", "summary": None}
    assert members["text"] == {"format": {"type": "text"}, "verbosity": "low"}


def test_tools_have_all_members_an_answers_has_to_have() -> None:
    tools = [{"type": "function", "name": "f"}, {"type": "web_search"}, {"type": "custom", "name": "c"}]
    assert echoed(tools=tools, tool_choice={"type": "function", "name": "f"})["tools"] == [
        {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None},
        *tools[1:],
    ]


def test_members_repeated_only_if_asked() -> None:
    members = echoed(
        conversation="conv_1", prompt_cache_key="k", safety_identifier="s", metadata={"a": "b"}, input="x"
    )
    assert members["conversation"] == {"id": "conv_1"}
    assert (members["prompt_cache_key"], members["safety_identifier"], members["metadata"]) == (
        "k",
        "s",
        {"a": "b"},
    )
    assert "input" not in members


def test_a_tier_left_to_the_vendor_is_the_default_one() -> None:
    assert [echoed(**asked)["service_tier"] for asked in ({}, {"service_tier": "auto"}, {"service_tier": "flex"})] == [
        "default", "default", "flex"
    ]  # fmt: skip


def test_names_of_tools_in_namespaces() -> None:
    inner = [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}, {"type": "function"}, 7]
    tools = [
        {"type": "namespace", "name": "ns", "tools": inner},
        {"type": "namespace", "tools": inner},
        {"type": "function", "name": "ns__c"},
    ]
    echo = Echo(dumps({"tools": tools}))
    assert echo.namespaces == {"ns__a": ("ns", "a"), "ns__b": ("ns", "b")}
