"""A refusal teaches only where it names one optional field that was sent, and speaks of no range."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.problem import Problem
from flowrouter.gateway.learned import trim
from flowrouter.routing.refusal import OPTIONAL, present, refused_field, spelt
from flowrouter.wire.json import dumps, loads

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "what is 'temperature'?"}],
    "temperature": 0.5,
    "top_p": 0.9,
    "user": "u",
    "store": False,
    "max_tokens": 5,
    "reasoning": {"effort": "low", "summary": "auto"},
    "generationConfig": {"topK": 4, "temperature": 0.5},
}

TEACHING: list[tuple[str, Dialect, dict[str, Any], str]] = [
    (
        "openai names the parameter",
        "openai_chat",
        {
            "message": "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
            "param": "temperature",
            "code": "unsupported_value",
        },
        "temperature",
    ),
    (
        "openai wants the newer cap",
        "openai_chat",
        {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "param": "max_tokens",
            "code": "unsupported_parameter",
        },
        "max_tokens",
    ),
    (
        "an old host lists it",
        "openai_chat",
        {"message": "Unrecognized request argument supplied: top_p"},
        "top_p",
    ),
    (
        "a strict host",
        "openai_chat",
        {"message": "top_p: Extra inputs are not permitted", "status": 422},
        "top_p",
    ),
    ("a plain word called a parameter", "openai_chat", {"message": "Unknown parameter: 'user'."}, "user"),
    (
        "a nested member",
        "openai_responses",
        {"message": "Unsupported parameter: 'reasoning.summary'", "param": "reasoning.summary"},
        "reasoning.summary",
    ),
    (
        "google's snake case",
        "gemini",
        {
            "message": "Invalid JSON payload received. Unknown name \"top_k\" at 'generation_config': Cannot find field."
        },
        "generationConfig.topK",
    ),
    ("anthropic", "anthropic", {"message": "`temperature` is not supported by this model"}, "temperature"),
]

SILENT: list[tuple[str, dict[str, Any]]] = [
    (
        "a value out of range is the caller's",
        {"message": "'temperature' must be between 0 and 2, unsupported"},
    ),
    ("another status", {"message": "Unknown parameter: 'top_p'", "status": 500}),
    ("a required field", {"message": "Unsupported parameter: 'messages'", "param": "messages"}),
    ("a field that was not sent", {"message": "Unknown parameter: 'seed'", "param": "seed"}),
    ("two fields at once", {"message": "`temperature` and `top_p` are not allowed together"}),
    ("a role, not the field", {"message": "the role 'user' is not allowed here"}),
    ("an ordinary complaint", {"message": "the text about 'temperature' is too long"}),
]


def problem(said: dict[str, Any]) -> Problem:
    return Problem(**{"status": 400, **said})


@pytest.mark.parametrize(
    ("dialect", "said", "field"), [row[1:] for row in TEACHING], ids=[row[0] for row in TEACHING]
)
def test_what_teaches(dialect: Dialect, said: dict[str, Any], field: str) -> None:
    assert refused_field(problem(said), dialect, BODY) == field


@pytest.mark.parametrize("said", [row[1] for row in SILENT], ids=[row[0] for row in SILENT])
def test_what_does_not(said: dict[str, Any]) -> None:
    assert refused_field(problem(said), "openai_chat", BODY) is None


def test_nothing_that_carries_meaning_is_optional() -> None:
    needed = {
        "model",
        "messages",
        "input",
        "contents",
        "tools",
        "tool_choice",
        "system",
        "stop",
        "response_format",
    }
    for names in OPTIONAL.values():
        assert not names & needed


GOOGLE: dict[str, Any] = {
    "contents": [],
    "safety_settings": [],
    "generation_config": {"topK": 4, "top_p": 0.5, "thinking_config": {"include_thoughts": True}},
}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Unknown name \"top_k\" at 'generation_config': Cannot find field.", "generationConfig.topK"),
        ("Unknown name \"topP\" at 'generation_config': Cannot find field.", "generationConfig.topP"),
        (
            "Unknown name \"includeThoughts\" at 'generation_config.thinking_config': Cannot find field.",
            "generationConfig.thinkingConfig.includeThoughts",
        ),
        ('Unknown name "safetySettings": Cannot find field.', "safetySettings"),
    ],
    ids=["one level", "the other spelling", "two levels", "at the top"],
)
def test_google_takes_each_name_in_two_spellings(message: str, field: str) -> None:
    assert refused_field(problem({"message": message}), "gemini", GOOGLE) == field


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("generationConfig.topK", "generation_config.topK"),
        ("generationConfig.topP", "generation_config.top_p"),
        ("safetySettings", "safety_settings"),
        ("labels", None),
        ("generationConfig.topK.more", None),
    ],
    ids=["mixed", "snake", "top", "absent", "below a value"],
)
def test_a_path_is_told_as_the_body_spells_it(path: str, found: str | None) -> None:
    assert spelt(GOOGLE, path) == found
    assert present(GOOGLE, path) is (found is not None)


def test_what_is_left_out_is_told_and_removed_in_the_spelling_it_came_in() -> None:
    refused = frozenset({"generationConfig.topP", "safetySettings", "labels"})
    trimmed = trim(dumps(GOOGLE), refused, target="gemini", client="gemini")
    assert loads(trimmed.body) == {
        "contents": [],
        "generation_config": {"topK": 4, "thinking_config": {"include_thoughts": True}},
    }
    assert [loss.path for loss in trimmed.losses] == ["generation_config.top_p", "safety_settings"]
