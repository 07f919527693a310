"""The head of a body, its sizes and kinds, and that nothing of it is ours to edit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.dialects.gemini.envelope import prepare, skim, skim_counts
from flowrouter.errors import CallerError


def body(**members: Any) -> bytes:
    return json.dumps({"contents": [{"parts": [{"text": "Hi"}]}], **members}).encode()


@pytest.mark.parametrize(
    "config",
    [{"generationConfig": {"maxOutputTokens": 7}}, {"generation_config": {"max_output_tokens": 7}}],
    ids=["camel", "snake"],
)
def test_head(config: dict[str, Any]) -> None:
    text = body(**config, cachedContent="cachedContents/x")
    head = skim(text)
    assert (head.model, head.stream, head.length) == ("", False, len(text))
    assert (head.max_tokens, head.cache_key) == (7, "cachedContents/x")


def test_nothing_is_edited() -> None:
    text = b' {"contents" : [ ] , "model":"x"}\n'
    assert prepare(text, skim(text), "another", True) is text


@pytest.mark.parametrize("spelling", ["camel", "snake"])
def test_counts(spelling: str) -> None:
    def name(camel: str, snake: str) -> str:
        return camel if spelling == "camel" else snake

    def media(kind: str) -> dict[str, Any]:
        return {name("inlineData", "inline_data"): {name("mimeType", "mime_type"): kind, "data": "AA"}}

    contents = [
        {"parts": [{"text": "x"}, media("image/png"), media("application/pdf"), media("audio/wav")]},
        {"role": "model", "parts": {name("functionCall", "function_call"): {"name": "f"}}},
        {"parts": [{name("functionResponse", "function_response"): {"name": "f"}}]},
    ]
    counts = skim_counts(
        json.dumps(
            {
                "contents": contents,
                name("systemInstruction", "system_instruction"): {"parts": [{"text": "sys"}]},
                "tools": [
                    {name("functionDeclarations", "function_declarations"): [{}, {}]},
                    {"googleSearch": {}},
                ],
                name("generationConfig", "generation_config"): {
                    name("thinkingConfig", "thinking_config"): {name("thinkingBudget", "thinking_budget"): 5}
                },
            }
        ).encode()
    )
    assert (counts.turns, counts.tools, counts.images, counts.documents) == (3, 3, 1, 1)
    assert (counts.tool_results, counts.thinking) == (1, True)
    assert counts.text_bytes > 100


@pytest.mark.parametrize(
    ("thinking", "on"),
    [(None, False), ({}, True), ({"thinkingBudget": 0}, False), ({"thinkingLevel": "LOW"}, True)],
)
def test_thinking(thinking: dict[str, Any] | None, on: bool) -> None:
    assert skim_counts(body(generationConfig={"thinkingConfig": thinking})).thinking is on


def test_counts_of_single_objects_and_of_nonsense() -> None:
    assert skim_counts(b'{"contents":{"parts":{"text":"x"}}}').turns == 1
    assert skim_counts(b'{"contents":5,"tools":7}').turns == 0


@pytest.mark.parametrize(
    ("text", "param"),
    [
        (b"[]", None),
        (b"{", None),
        (b'{"generationConfig":{"maxOutputTokens":"many"}}', "generationConfig.maxOutputTokens"),
        (b'{"cachedContent":5}', "cachedContent"),
    ],
    ids=["list", "cut", "type", "name"],
)
def test_faults_are_named(text: bytes, param: str | None) -> None:
    with pytest.raises(CallerError) as raised:
        skim(text)
    assert raised.value.param == param


def test_lone_surrogates_and_bad_bytes_never_crash() -> None:
    assert skim(b'{"contents":[{"parts":[{"text":"\\ud800 \xff"}]}]}').length > 0
