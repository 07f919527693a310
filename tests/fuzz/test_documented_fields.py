"""The made requests hold every member that the vendors' own SDKs type, or a reason why not stands here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from anthropic.types.beta import message_create_params as anthropic_beta
from anthropic.types.message_create_params import MessageCreateParamsBase as AnthropicRequest
from google.genai import types as gemini
from openai.types import chat as chat_types
from openai.types import responses as responses_types
from openai.types.chat.completion_create_params import CompletionCreateParamsBase as ChatRequest
from openai.types.responses.response_create_params import ResponseCreateParamsBase as ResponsesRequest

from flowrouter.canonical.dialect import Dialect
from tests.fuzz.bodies import camel
from tests.fuzz.making import Maker
from tests.fuzz.subjects import MAKERS

LEFT_OUT: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset(),
    "openai_responses": frozenset(
        {
            # Inside parts that the maker gives as strings or in their other form.
            "phase",
        }
    ),
    "anthropic": frozenset(
        {
            "toolset_name",  # of the browser and computer toolsets, which only Anthropic runs
        }
    ),
    "gemini": frozenset(
        {
            # Parts that only Google's own services write.
            "toolCall", "toolResponse", "audioTranscription", "speechMetadata", "mediaProcessing",
            "documentMetadata", "spreadsheetMetadata", "audioMetadata",
            # Streaming of arguments, of replies only.
            "partialArgs",
        }
    ),
}  # fmt: skip


def members(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner)


def fields(*types: Any) -> set[str]:
    found: set[str] = set()
    for typed in types:
        for base in typed.__mro__:
            found |= set(getattr(base, "__annotations__", ()))
    return {name for name in found if not name.startswith("_")}


def google(*types: Any) -> set[str]:
    names = {field.alias or name for typed in types for name, field in typed.model_fields.items()}
    return set(camel(dict.fromkeys(names)))


DOCUMENTED: dict[Dialect, set[str]] = {
    "openai_chat": fields(
        ChatRequest,
        chat_types.ChatCompletionAssistantMessageParam,
        chat_types.ChatCompletionToolMessageParam,
        chat_types.ChatCompletionContentPartImageParam,
        chat_types.ChatCompletionContentPartInputAudioParam,
        chat_types.ChatCompletionContentPartTextParam,
        chat_types.ChatCompletionFunctionToolParam,
        chat_types.ChatCompletionStreamOptionsParam,
    ),
    "openai_responses": fields(
        ResponsesRequest,
        responses_types.ResponseReasoningItemParam,
        responses_types.ResponseFunctionToolCallParam,
        responses_types.ResponseInputImageParam,
        responses_types.ResponseInputFileParam,
        responses_types.FunctionToolParam,
        responses_types.CustomToolParam,
    ),
    "anthropic": fields(AnthropicRequest, anthropic_beta.MessageCreateParamsBase),
    "gemini": google(
        gemini.Content,
        gemini.Part,
        gemini.FunctionCall,
        gemini.FunctionResponse,
        gemini.FunctionDeclaration,
        gemini.GenerationConfig,
        gemini.ThinkingConfig,
        gemini.ToolConfig,
        gemini.FunctionCallingConfig,
        gemini.Tool,
    ),
}


@pytest.mark.parametrize("dialect", list(MAKERS))
def test_every_documented_member_is_made(dialect: Dialect) -> None:
    made: set[str] = set()
    for number in range(6000):
        body = MAKERS[dialect](Maker(f"documented/{number}"))
        made |= set(members(camel(body) if dialect == "gemini" else body))
        if number % 200 == 199 and DOCUMENTED[dialect] - LEFT_OUT[dialect] <= made:
            return
    assert sorted(DOCUMENTED[dialect] - LEFT_OUT[dialect] - made) == []
