"""What is read and changed of a body on the passthrough lane."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.dialects.openai_responses.envelope import prepare, skim, skim_counts
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps

TEXT = {"type": "input_text", "text": "hi"}


def of(**members: Any) -> bytes:
    return dumps({"model": "gpt", "input": "hi", **members})


def test_head_of_a_plain_request() -> None:
    body = of(stream=True, max_output_tokens=64, prompt_cache_key="k")
    head = skim(body)
    assert (head.model, head.stream, head.length) == ("gpt", True, len(body))
    assert (head.max_tokens, head.cache_key, head.include_usage) == (64, "k", None)


def test_members_of_odd_types_are_the_vendors_to_judge() -> None:
    head = skim(of(max_output_tokens="many", prompt_cache_key=7, stream=None))
    assert (head.max_tokens, head.cache_key, head.stream) == (None, None, False)


def test_background_is_refused_on_every_lane() -> None:
    with pytest.raises(CallerError) as caught:
        skim(of(background=True))
    assert caught.value.param == "background"
    assert "background" in str(caught.value)
    assert skim(of(background=False)).model == "gpt"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"input":"hi"}', "model"),
        (b'{"model":""}', "model"),
        (b'{"model":5}', "model"),
        (b'{"model":"m","stream":"yes"}', "stream"),
        (b"[1]", None),
        (b"nonsense", None),
    ],
    ids=["no-model", "empty-model", "model-number", "stream-word", "list", "no-json"],
)
def test_errors_name_the_field(body: bytes, param: str | None) -> None:
    with pytest.raises(CallerError) as caught:
        skim(body)
    assert caught.value.param == param


def test_lone_surrogates_do_not_hinder() -> None:
    assert skim(b'{"model":"m","input":"\\ud800"}').model == "m"


def test_counts() -> None:
    image, file = (
        {"type": "input_image", "image_url": "https://a/b.png"},
        {"type": "input_file", "file_id": "f"},
    )
    counts = skim_counts(
        of(
            instructions="Be brief.",
            input=[
                {"role": "user", "content": [TEXT, image, file]},
                {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": [image]},
                {"type": "custom_tool_call_output", "call_id": "d", "output": "x"},
                {"type": "item_reference", "id": "msg_1"},
            ],
            tools=[
                {"type": "function", "name": "a"},
                {"type": "namespace", "name": "n", "tools": [{"name": "b"}, {"name": "c"}]},
            ],
            reasoning={"effort": "low"},
        )
    )
    assert (counts.turns, counts.images, counts.documents, counts.tool_results) == (5, 2, 1, 2)
    assert (counts.tools, counts.thinking) == (3, True)
    assert counts.text_bytes > 100


def test_counts_of_a_string_and_of_nothing() -> None:
    assert skim_counts(of()).turns == 1
    assert skim_counts(b'{"model":"m","previous_response_id":"r"}').turns == 0
    assert skim_counts(of(reasoning={"effort": "none"})).thinking is False
    with pytest.raises(CallerError):
        skim_counts(b'{"input":[1]}')


def test_prepare_changes_the_model_only() -> None:
    body = b'{ "input" : [ {"role":"user","content":"the \\"model\\" "} ], "model" : "a/b" , "stream":true }'
    head = skim(body)
    assert prepare(body, head, "a/b", True) == body
    assert prepare(body, head, "c", True) == body.replace(b'"a/b"', b'"c"')
