"""The cells of OpenAI's and of Anthropic's SDK; Google's has a module of its own."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai

from tests.conformance.cell import Asked, Cell


class _OpenAI(Cell):
    """OpenAI's SDK; loading certificates for each client would take longer than all else."""

    sdk = openai
    failures = (openai.APIError,)
    timeouts = openai.APITimeoutError

    @property
    def base_url(self) -> str:
        return f"{super().base_url}/v1"

    def client(self, **changes: Any) -> openai.OpenAI:
        http_client = openai.DefaultHttpxClient(verify=False)
        return openai.OpenAI(http_client=http_client, **{**self.client_options, **changes})

    def async_client(self, **changes: Any) -> openai.AsyncOpenAI:
        http_client = openai.DefaultAsyncHttpxClient(verify=False)
        return openai.AsyncOpenAI(http_client=http_client, **{**self.client_options, **changes})


class OpenAICell(_OpenAI):
    """OpenAI's SDK asking for chat completions."""

    name = "openai"
    home = "chat"
    natural = "stop"

    def fields(
        self, scenario: str = "", text: str = "one two three", *, base: str | None = None
    ) -> dict[str, Any]:
        return {
            "model": self.model(scenario, base=base),
            "messages": [{"role": "user", "content": text}],
        }

    def create(self, sdk: Any, **fields: Any) -> Any:
        return sdk.chat.completions.create(**fields)

    def open(self, sdk: Any, **fields: Any) -> Any:
        return sdk.chat.completions.create(stream=True, **fields)

    def helper(self, sdk: Any, **fields: Any) -> Any:
        return sdk.chat.completions.stream(**fields)

    async def aopen(self, sdk: Any, **fields: Any) -> AsyncIterator[Any]:
        return await sdk.chat.completions.create(stream=True, **fields)

    def read(self, made: Any) -> Asked:
        return Asked(made.choices[0].message.content or "", made.choices[0].finish_reason)

    def gather(self, asked: Asked, piece: Any) -> None:
        for choice in piece.choices:
            asked.text += choice.delta.content or ""
            asked.finish = choice.finish_reason or asked.finish

    def path(self, model: str, *, stream: bool = False) -> str:
        return "/v1/chat/completions"

    def body(self, model: str, text: str, *, stream: bool = False) -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}


class ResponsesCell(_OpenAI):
    """OpenAI's SDK asking for responses.

    It yields the event that tells of a failure like any other; `ask` raises it, as whoever reads it must.
    """

    name = "responses"
    home = "responses"
    natural = "completed"

    def fields(
        self, scenario: str = "", text: str = "one two three", *, base: str | None = None
    ) -> dict[str, Any]:
        return {"model": self.model(scenario, base=base), "input": text}

    def create(self, sdk: Any, **fields: Any) -> Any:
        return sdk.responses.create(**fields)

    def open(self, sdk: Any, **fields: Any) -> Any:
        return sdk.responses.create(stream=True, **fields)

    def helper(self, sdk: Any, **fields: Any) -> Any:
        return sdk.responses.stream(**fields)

    async def aopen(self, sdk: Any, **fields: Any) -> AsyncIterator[Any]:
        return await sdk.responses.create(stream=True, **fields)

    def read(self, made: Any) -> Asked:
        return Asked(made.output_text, made.status)

    def gather(self, asked: Asked, piece: Any) -> None:
        match piece.type:
            case "response.output_text.delta":
                asked.text += piece.delta
            case "response.completed" | "response.incomplete":
                asked.finish = piece.response.status
                asked.text = asked.text or piece.response.output_text
            case "response.failed":
                error = piece.response.error
                raise openai.APIError(error.message, request=None, body=error.model_dump())  # type: ignore[arg-type]
            case "error":
                raise openai.APIError(piece.message, request=None, body=piece.model_dump())  # type: ignore[arg-type]
            case _:
                pass

    def path(self, model: str, *, stream: bool = False) -> str:
        return "/v1/responses"

    def body(self, model: str, text: str, *, stream: bool = False) -> dict[str, Any]:
        return {"model": model, "input": text, "stream": stream}


class AnthropicCell(Cell):
    """Anthropic's SDK."""

    name = "anthropic"
    home = "claude"
    natural = "end_turn"
    sdk = anthropic
    failures = (anthropic.APIError,)
    timeouts = anthropic.APITimeoutError

    def client(self, **changes: Any) -> anthropic.Anthropic:
        http_client = anthropic.DefaultHttpxClient(verify=False)
        return anthropic.Anthropic(http_client=http_client, **{**self.client_options, **changes})

    def async_client(self, **changes: Any) -> anthropic.AsyncAnthropic:
        http_client = anthropic.DefaultAsyncHttpxClient(verify=False)
        return anthropic.AsyncAnthropic(http_client=http_client, **{**self.client_options, **changes})

    def fields(
        self, scenario: str = "", text: str = "one two three", *, base: str | None = None
    ) -> dict[str, Any]:
        return {
            "model": self.model(scenario, base=base),
            "max_tokens": 4000,
            "messages": [{"role": "user", "content": text}],
        }

    def create(self, sdk: Any, **fields: Any) -> Any:
        return sdk.messages.create(**fields)

    def open(self, sdk: Any, **fields: Any) -> Any:
        return sdk.messages.create(stream=True, **fields)

    def helper(self, sdk: Any, **fields: Any) -> Any:
        return sdk.messages.stream(**fields)

    async def aopen(self, sdk: Any, **fields: Any) -> AsyncIterator[Any]:
        return await sdk.messages.create(stream=True, **fields)

    def read(self, made: Any) -> Asked:
        text = "".join(block.text for block in made.content if block.type == "text")
        return Asked(text, made.stop_reason)

    def gather(self, asked: Asked, piece: Any) -> None:
        if piece.type == "content_block_delta" and piece.delta.type == "text_delta":
            asked.text += piece.delta.text
        if piece.type == "message_delta":
            asked.finish = piece.delta.stop_reason

    def path(self, model: str, *, stream: bool = False) -> str:
        return "/v1/messages"

    def body(self, model: str, text: str, *, stream: bool = False) -> dict[str, Any]:
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "stream": stream}
        return {"model": model, "max_tokens": 50, **asked}


__all__ = ["AnthropicCell", "Asked", "Cell", "OpenAICell", "ResponsesCell"]
