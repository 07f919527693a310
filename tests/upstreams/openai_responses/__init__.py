"""OpenAI Responses, from the vendor's side: rules, reading, answers, events, errors and what is kept.

Responses are really kept: a request may go on from one (`previous_response_id`), read it, list its input, cancel it
where it runs in the background, and delete it. Those of another credential do not exist.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from tests.upstreams.dialect import Exchange, Refusal, Route
from tests.upstreams.frames import Frame
from tests.upstreams.openai_chat import OpenAIChat
from tests.upstreams.openai_responses.answers import response_of
from tests.upstreams.openai_responses.compaction import compaction
from tests.upstreams.openai_responses.events import events
from tests.upstreams.openai_responses.kept import NULL, Keeper
from tests.upstreams.openai_responses.reading import read_prompt
from tests.upstreams.openai_responses.resources import answer_for, keep
from tests.upstreams.openai_responses.rules import (
    check_compact_request,
    check_count_request,
    check_request,
)
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Received
from tests.upstreams.reply import Reply
from tests.upstreams.scenarios import ModelName

ROOT = "/v1/responses"
ROUTES: dict[str, Route] = {
    ROOT: "generate",
    f"{ROOT}/compact": "compact",
    f"{ROOT}/input_tokens": "count_tokens",
}
STREAM_CODES = {429: "rate_limit_exceeded", 400: "invalid_prompt"}


class OpenAIResponses(OpenAIChat):
    """The vendor behind `/v1/responses`: OpenAI's keys, models and errors, another wire format."""

    name = "openai_responses"
    refusals: ClassVar[dict[str, Refusal]] = {
        **OpenAIChat.refusals,
        "context-length": Refusal(
            400,
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            code="context_length_exceeded",
            param="input",
        ),
        "content-policy": Refusal(
            400,
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again "
            "with a different prompt.",
            code="invalid_prompt",
        ),
    }

    def __init__(self) -> None:
        self.keeper = Keeper()

    def route(self, received: Received) -> Route | None:
        path = received.path
        if path in ROUTES and received.method == "POST":
            return ROUTES[path]
        if path.startswith(f"{ROOT}/"):
            return "resource"
        route = super().route(received)
        return route if route in ("models", "model") else None

    def check(self, exchange: Exchange) -> None:
        check_request(exchange, self.keeper)

    def check_count(self, exchange: Exchange) -> None:
        check_count_request(exchange, self.keeper)

    def read(self, exchange: Exchange) -> Prompt:
        return read_prompt(exchange, self.keeper.thread(exchange))

    def choices(self, exchange: Exchange) -> int:
        return 1

    def whole(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
        return keep(self.keeper, exchange, response_of(exchange, prompt, answers[0]))

    def stream(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> list[Frame]:
        return events(exchange, response_of(exchange, prompt, answers[0]))

    def count(self, exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
        return {"object": "response.input_tokens", "input_tokens": prompt.input_tokens}

    def compact(self, exchange: Exchange) -> dict[str, Any]:
        if not exchange.model.has("unchecked"):
            check_compact_request(exchange, self.keeper)
        return compaction(exchange, self.keeper.thread(exchange))

    def resource(self, received: Received, request_id: str) -> Reply:
        return answer_for(self.keeper, received)

    def forget(self) -> None:
        self.keeper.forget()

    def envelope(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        body = super().envelope(refusal, request_id)
        if refusal.code == NULL:
            body["error"]["code"] = None
        return body

    def error_frame(self, refusal: Refusal, request_id: str) -> Frame:
        return self._error_event(refusal, request_id, number=0)

    def break_off(self, refusal: Refusal, request_id: str, *, sent: Sequence[Frame]) -> list[Frame]:
        if not sent:
            return [self.error_frame(refusal, request_id)]
        begun: dict[str, Any] = sent[0].data["response"]
        model = ModelName(begun["model"])
        error = self._error_event(refusal, request_id, number=len(sent))
        if model.has("quirk-nested-error"):
            told = self.envelope(refusal, request_id)
            return [replace(error, data={"type": "error", "sequence_number": len(sent), **told})]
        if model.has("quirk-error-event"):
            return [error]
        done = [frame.data["item"] for frame in sent if frame.data["type"] == "response.output_item.done"]
        code = STREAM_CODES.get(refusal.status, "server_error")
        failed = {"status": "failed", "error": {"code": code, "message": refusal.message}, "output": done}
        data = {
            "type": "response.failed",
            "sequence_number": len(sent),
            "response": {**begun, **failed},
        }
        return [Frame(event="response.failed", data=data)]

    def _error_event(self, refusal: Refusal, request_id: str, *, number: int) -> Frame:
        told = self.envelope(refusal, request_id)["error"]
        members = {name: told[name] for name in ("code", "message", "param")}
        return Frame(event="error", data={"type": "error", "sequence_number": number, **members})
