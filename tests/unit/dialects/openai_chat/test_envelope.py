"""The passthrough lane reads a few members, and changes only those the gateway owns."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.dialects.openai_chat import CODEC
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps, loads

BODY = b'{ "model" : "gpt-4o",\n "messages":[{"role":"user","content":"say \\"model\\" \xc3\xa9"}],\n "x":{"a": 1.0}, "stream":true }'


def test_head() -> None:
    head = CODEC.skim(
        dumps(
            {
                "model": "a/b",
                "messages": [],
                "stream": True,
                "stream_options": {"include_usage": False},
                "max_tokens": 5,
                "max_completion_tokens": 9,
                "prompt_cache_key": "k",
            }
        )
    )
    assert (head.model, head.stream, head.include_usage) == ("a/b", True, False)
    assert (head.max_tokens, head.cache_key, head.legacy_calls) == (9, "k", False)
    assert CODEC.skim(BODY).length == len(BODY)


def test_head_tells_of_the_deprecated_form() -> None:
    assert CODEC.skim(b'{"model":"m","functions":[{"name":"f"}]}').legacy_calls is True
    assert CODEC.skim(b'{"model":"m","functions":null}').legacy_calls is False


def test_values_only_the_vendor_should_judge_pass() -> None:
    head = CODEC.skim(
        b'{"model":"m","max_tokens":"many","stream_options":[],"prompt_cache_key":7,"stream":null}'
    )
    assert (head.max_tokens, head.include_usage, head.cache_key, head.stream) == (None, None, None, False)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"messages":[]}', "model"),
        (b'{"model":""}', "model"),
        (b'{"model":5}', "model"),
        (b'{"model":"m","stream":"yes"}', "stream"),
        (b"[]", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_faults_are_named(body: bytes, param: str | None) -> None:
    with pytest.raises(CallerError) as caught:
        CODEC.skim(body)
    assert caught.value.param == param
    assert caught.value.status == 400


def test_a_lone_surrogate_in_a_skimmed_member_is_no_reason_to_refuse() -> None:
    assert CODEC.skim(b'{"model":"m","prompt_cache_key":"\\ud83d"}').cache_key == "\ufffd"


def test_only_owned_fields_change_their_bytes() -> None:
    head = CODEC.skim(BODY)
    edited = CODEC.prepare(BODY, head, "other/model", True)
    assert edited == BODY.replace(b'"gpt-4o"', b'"other/model"').replace(
        b"{", b'{"stream_options":{"include_usage":true},', 1
    )


def test_nothing_to_change_is_the_same_body() -> None:
    head = CODEC.skim(BODY)
    assert CODEC.prepare(BODY, head, "gpt-4o", False) is BODY
    whole = BODY.replace(b"true", b"false")
    assert CODEC.prepare(whole, CODEC.skim(whole), "gpt-4o", True) is whole


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"null", {"include_usage": True}),
        (b"{}", {"include_usage": True}),
        (
            b'{"include_obfuscation":false,"include_usage":false}',
            {"include_obfuscation": False, "include_usage": True},
        ),
        (b'{"include_usage": true }', {"include_usage": True}),
    ],
)
def test_usage_is_asked_for_beside_the_client_s_options(options: bytes, expected: dict[str, Any]) -> None:
    body = b'{"model":"m","stream":true,"stream_options":%b,"tools":[{"stream_options":1}]}' % options
    edited = loads(CODEC.prepare(body, CODEC.skim(body), "m", True))
    assert edited == {
        "model": "m",
        "stream": True,
        "stream_options": expected,
        "tools": [{"stream_options": 1}],
    }


def test_a_model_name_written_with_escapes_is_found() -> None:
    body = b'{"model":"gpt\\u002d4o","messages":[]}'
    assert loads(CODEC.prepare(body, CODEC.skim(body), "new", False)) == {"model": "new", "messages": []}


def test_counts() -> None:
    body = dumps(
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "s"},
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:x"}},
                        {"type": "file"},
                        {"type": "text"},
                    ],
                },
                {"role": "assistant", "content": None, "tool_calls": []},
                {"role": "tool", "tool_call_id": "a", "content": "r"},
                {"role": "function", "name": "f", "content": "r"},
            ],
            "tools": [{}, {}],
            "functions": [{}],
            "reasoning_effort": "low",
        }
    )
    counts = CODEC.skim_counts(body)
    assert (counts.turns, counts.tools, counts.images, counts.documents) == (5, 3, 1, 1)
    assert (counts.tool_results, counts.thinking) == (2, True)
    assert counts.text_bytes == len(dumps(loads(body)["messages"]))


@pytest.mark.parametrize(
    ("members", "thinking"),
    [
        ({}, False),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": None}, False),
        ({"enable_thinking": True}, True),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"reasoning": {"effort": "high"}}, True),
        ({"reasoning": {"enabled": False}}, False),
    ],
)
def test_whether_reasoning_was_asked_for(members: dict[str, Any], thinking: bool) -> None:
    assert CODEC.skim_counts(dumps({"model": "m", "messages": [], **members})).thinking is thinking


def test_counts_of_a_broken_body_are_refused() -> None:
    with pytest.raises(CallerError):
        CODEC.skim_counts(b'{"messages":[5]}')


@pytest.mark.parametrize(
    ("frame", "withheld"),
    [
        (b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":1}}\n\n', True),
        (b'data: {"id":"x","usage":{"prompt_tokens":1}, "choices" : [ ]}\r\n\r\n', True),
        (b'data: {"id":"x","choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}\n\n', False),
        (
            b'data: {"id":"x","choices":[{"delta":{"content":"\\"choices\\":[] \\"usage\\""}}],"usage":null}\n\n',
            False,
        ),
        (b'data: {"id":"x","choices":[],"usage":null}\n\n', False),
        (b'data: {"choices":[],"prompt_filter_results":[]}\n\n', False),
        (b"data: [DONE]\n\n", False),
        (b": ping\n\n", False),
        (b'data: {"choices":[],"usage"\n\n', False),
    ],
)
def test_the_frame_of_usage_alone_is_told_apart(frame: bytes, withheld: bool) -> None:
    assert CODEC.usage_only(frame) is withheld
