"""One tool session by any of the SDKs: a step is an answer and the results of its calls, at any vendor."""

import copy
from collections.abc import Callable
from typing import Any

from google.genai import types

from tests.conformance.cells import Cell
from tests.conformance.samples import (
    CLAUDE_TOOL,
    GOOGLE_TOOL,
    OPENAI_TOOL,
    RESPONSES_TOOL,
    THINK,
    replayed,
    streamed_completion,
    user,
)

ENVELOPE = "flr1."


class Session:
    """The history of one client; `forgetful` drops what stands in an envelope of the gateway's."""

    def __init__(self, sdk: Any, text: str, *, stream: bool, forgetful: bool) -> None:
        self.sdk = sdk
        self.stream = stream
        self.forgetful = forgetful
        self.history: list[Any] = self.begun(text)

    def begun(self, text: str) -> list[Any]:
        """Return a history of one question."""
        return user(text)

    def step(self, model: str) -> list[str]:
        """Ask a model, answer its calls, and return the cities it asked for; none when it is done."""
        raise NotImplementedError

    def bare(self) -> list[Any]:
        """Return the history with nothing but ids and text, as somebody would have it who only saw it."""
        raise NotImplementedError


class ChatSession(Session):
    """OpenAI's SDK, chat completions."""

    def step(self, model: str) -> list[str]:
        fields: Any = {
            "model": model,
            "messages": self.history,
            "tools": [OPENAI_TOOL],
            "reasoning_effort": "high",
        }
        made = (
            streamed_completion(self.sdk, **fields)
            if self.stream
            else self.sdk.chat.completions.create(**fields)
        )
        message = replayed(made.choices[0].message)
        if self.forgetful:
            message.pop("reasoning_signatures", None)
            message.pop("reasoning_content", None)
        calls = message.get("tool_calls", ())
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "18"} for call in calls]
        self.history = [*self.history, message, *results]
        return [call["function"]["arguments"] for call in calls]

    def bare(self) -> list[Any]:
        names = ("reasoning_signatures", "reasoning_content")
        return [{key: item for key, item in message.items() if key not in names} for message in self.history]


class ResponsesSession(Session):
    """OpenAI's SDK, responses without anything kept."""

    def step(self, model: str) -> list[str]:
        fields: Any = {
            "model": model,
            "input": self.history,
            "tools": [RESPONSES_TOOL],
            "reasoning": {"effort": "high", "summary": "auto"},
            "store": False,
            "include": ["reasoning.encrypted_content"],
        }
        if self.stream:
            with self.sdk.responses.stream(**fields) as stream:
                made = stream.get_final_response()
        else:
            made = self.sdk.responses.create(**fields)
        items = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in made.output]
        if self.forgetful:
            items = [item for item in items if not str(item.get("encrypted_content")).startswith(ENVELOPE)]
        calls = [item for item in items if item["type"] == "function_call"]
        results = [
            {"type": "function_call_output", "call_id": call["call_id"], "output": "18"} for call in calls
        ]
        self.history = [*self.history, *items, *results]
        return [call["arguments"] for call in calls]

    def bare(self) -> list[Any]:
        return [item for item in self.history if item.get("type") != "reasoning"]


class AnthropicSession(Session):
    """Anthropic's SDK."""

    def step(self, model: str) -> list[str]:
        fields: Any = {
            "model": model,
            "max_tokens": 4000,
            "messages": self.history,
            "tools": [CLAUDE_TOOL],
            "thinking": THINK,
        }
        if self.stream:
            with self.sdk.messages.stream(**fields) as stream:
                made = stream.get_final_message()
        else:
            made = self.sdk.messages.create(**fields)
        blocks = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in made.content]
        if self.forgetful:
            blocks = [
                block
                for block in blocks
                if not str(block.get("signature", block.get("data"))).startswith(ENVELOPE)
            ]
        calls = [block for block in blocks if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "18"} for call in calls]
        answered = user(results) if results else []
        self.history = [*self.history, {"role": "assistant", "content": blocks}, *answered]
        return [str(call["input"]) for call in calls]

    def bare(self) -> list[Any]:
        history: list[Any] = copy.deepcopy(self.history)
        for message in history:
            if isinstance(message["content"], list):
                kept = [b for b in message["content"] if b["type"] not in ("thinking", "redacted_thinking")]
                message["content"] = kept
        return history


class GoogleSession(Session):
    """Google's SDK."""

    def begun(self, text: str) -> list[Any]:
        return [types.UserContent(text)]

    def step(self, model: str) -> list[str]:
        config: Any = {
            "tools": [GOOGLE_TOOL],
            "thinking_config": {"include_thoughts": True, "thinking_budget": 1024},
        }
        fields: Any = {"model": model, "contents": self.history, "config": config}
        if self.stream:
            chunks = list(self.sdk.models.generate_content_stream(**fields))
        else:
            chunks = [self.sdk.models.generate_content(**fields)]
        parts = [
            part
            for chunk in chunks
            for candidate in chunk.candidates or ()
            for part in (candidate.content and candidate.content.parts) or ()
        ]
        if self.forgetful:
            for part in parts:
                if (part.thought_signature or b"").startswith(ENVELOPE.encode()) or _is_packed(part):
                    part.thought_signature = None
        calls = [part.function_call for part in parts if part.function_call]
        results = [
            types.Part(
                function_response=types.FunctionResponse(id=c.id, name=c.name, response={"result": "18"})
            )
            for c in calls
        ]
        answered = [types.UserContent(results)] if results else []
        self.history = [*self.history, types.ModelContent(parts), *answered]
        return [str(call.args) for call in calls]

    def bare(self) -> list[Any]:
        history = copy.deepcopy(self.history)
        for content in history:
            content.parts = [part for part in content.parts if not part.thought]
            for part in content.parts:
                part.thought_signature = None
        return history


def _is_packed(part: Any) -> bool:
    return ENVELOPE.encode() in (part.thought_signature or b"")


SESSIONS: dict[str, Callable[..., Session]] = {
    "openai": ChatSession,
    "responses": ResponsesSession,
    "anthropic": AnthropicSession,
    "google": GoogleSession,
}


def session(cell: Cell, sdk: Any, text: str, *, stream: bool, forgetful: bool) -> Session:
    """Begin a session of the cell's client."""
    return SESSIONS[cell.name](sdk, text, stream=stream, forgetful=forgetful)


__all__ = ["Session", "session"]
