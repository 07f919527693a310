"""One tool round by any of the SDKs, read alike."""

import json
from collections.abc import Callable
from typing import Any

from tests.conformance.cells import Cell
from tests.conformance.samples import (
    CLAUDE_TOOL,
    GOOGLE_TOOL,
    OPENAI_TOOL,
    RESPONSES_TOOL,
    streamed_completion,
)


def calling(cell: Cell, sdk: Any, fields: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    """Ask with a tool at hand; return text, finish, calls and usage, which both forms must agree on."""
    return _READERS[cell.name](sdk, fields, stream)


def _openai(sdk: Any, fields: dict[str, Any], stream: bool) -> dict[str, Any]:
    fields = {**fields, "tools": [OPENAI_TOOL]}
    made = streamed_completion(sdk, **fields) if stream else sdk.chat.completions.create(**fields)
    (choice,) = made.choices
    calls = [(c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls]
    usage = made.usage.model_dump()
    return {"text": choice.message.content, "finish": choice.finish_reason, "calls": calls, "usage": usage}


def _responses(sdk: Any, fields: dict[str, Any], stream: bool) -> dict[str, Any]:
    fields = {**fields, "tools": [RESPONSES_TOOL]}
    if stream:
        with sdk.responses.stream(**fields) as events:
            made = events.get_final_response()
    else:
        made = sdk.responses.create(**fields)
    calls = [(i.name, json.loads(i.arguments)) for i in made.output if i.type == "function_call"]
    usage = made.usage.model_dump()
    return {"text": made.output_text, "finish": made.status, "calls": calls, "usage": usage}


def _anthropic(sdk: Any, fields: dict[str, Any], stream: bool) -> dict[str, Any]:
    fields = {**fields, "tools": [CLAUDE_TOOL]}
    if stream:
        with sdk.messages.stream(**fields) as events:
            made = events.get_final_message()
    else:
        made = sdk.messages.create(**fields)
    text = "".join(block.text for block in made.content if block.type == "text")
    calls = [(block.name, block.input) for block in made.content if block.type == "tool_use"]
    return {"text": text, "finish": made.stop_reason, "calls": calls, "usage": made.usage.model_dump()}


def _google(sdk: Any, fields: dict[str, Any], stream: bool) -> dict[str, Any]:
    fields = {**fields, "config": {"tools": [GOOGLE_TOOL]}}
    if stream:
        pieces = list(sdk.models.generate_content_stream(**fields))
    else:
        pieces = [sdk.models.generate_content(**fields)]
    candidates = [candidate for piece in pieces for candidate in piece.candidates or ()]
    parts = [part for candidate in candidates for part in (candidate.content.parts or ())]
    return {
        "text": "".join(part.text or "" for part in parts if not part.thought),
        "finish": candidates[-1].finish_reason,
        "calls": [(part.function_call.name, part.function_call.args) for part in parts if part.function_call],
        "usage": pieces[-1].usage_metadata.model_dump(),
    }


_READERS: dict[str, Callable[[Any, dict[str, Any], bool], dict[str, Any]]] = {
    "openai": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "google": _google,
}
