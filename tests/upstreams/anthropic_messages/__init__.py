"""Anthropic Messages, from the vendor's side: rules, reading, answers and errors."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tests.upstreams.anthropic_messages.answers import events, message
from tests.upstreams.anthropic_messages.reading import read_prompt
from tests.upstreams.anthropic_messages.rules import check_count_request, check_request
from tests.upstreams.dialect import Dialect, Exchange, Refusal, Route
from tests.upstreams.frames import Frame
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
CREATED_AT = "2026-01-01T00:00:00Z"
PAGE = 20


class AnthropicMessages(Dialect):
    """The vendor behind `/v1/messages`."""

    name = "anthropic"
    refusals: ClassVar[dict[str, Refusal]] = {
        "401": Refusal(401, "invalid x-api-key"),
        "402": Refusal(
            402, "Your credit balance is too low to access the API. Please go to Plans & Billing."
        ),
        "403": Refusal(403, "Your API key does not have permission to use the specified resource."),
        "429": Refusal(
            429, "This request would exceed your organization's rate limit. Please try again later."
        ),
        "500": Refusal(500, "Internal server error"),
        "context-length": Refusal(400, "prompt is too long: 200000 tokens > 180000 maximum"),
        "content-policy": Refusal(400, "Output blocked by content filtering policy"),
    }

    def route(self, received: Received) -> Route | None:
        path = received.path
        if path == "/v1/messages":
            return "generate"
        if path == "/v1/messages/count_tokens":
            return "count_tokens"
        if received.header("anthropic-version") is not None and received.method == "GET":
            if path == "/v1/models":
                return "models"
            if path.startswith("/v1/models/"):
                return "model"
        return None

    def credential(self, received: Received) -> str | None:
        key = received.header("x-api-key")
        if key:
            return key
        scheme, _, token = (received.header("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def check_headers(self, received: Received) -> None:
        if received.header("anthropic-version") is None:
            raise Refusal(400, "anthropic-version: header is required")
        kind = (received.header("content-type") or "").split(";")[0].strip()
        if received.method == "POST" and kind != "application/json":
            raise Refusal(400, f"content-type: expected application/json, found {kind!r}")

    def check(self, exchange: Exchange) -> None:
        check_request(exchange)

    def check_count(self, exchange: Exchange) -> None:
        check_count_request(exchange)

    def read(self, exchange: Exchange) -> Prompt:
        return read_prompt(exchange)

    def choices(self, exchange: Exchange) -> int:
        return 1

    def whole(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
        return message(exchange, prompt, answers[0])

    def stream(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> list[Frame]:
        return events(exchange, prompt, answers[0])

    def count(self, exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
        managed = {"context_management": {"original_input_tokens": prompt.input_tokens}}
        return {
            "input_tokens": prompt.input_tokens,
            **(managed if "context_management" in exchange.body else {}),
        }

    def models(self, received: Received, names: Sequence[str]) -> dict[str, Any]:
        query = received.query
        start, stop = 0, len(names)
        if query.get("after_id") in names:
            start = names.index(query["after_id"]) + 1
        if query.get("before_id") in names:
            stop = names.index(query["before_id"])
        page = list(names[start:stop])[: int(query.get("limit", PAGE))]
        return {
            "data": [self.one_model(name) for name in page],
            "has_more": start + len(page) < stop,
            "first_id": page[0] if page else None,
            "last_id": page[-1] if page else None,
        }

    def one_model(self, name: str) -> dict[str, Any]:
        return {
            "type": "model",
            "id": name,
            "display_name": name.replace("-", " ").title(),
            "created_at": CREATED_AT,
            "lifecycle": "active",
            "max_input_tokens": 200_000,
            "max_tokens": ModelName(name).anthropic.max_output,
        }

    def envelope(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {
            "type": refusal.type or TYPES.get(refusal.status, "api_error"),
            "message": refusal.message,
        }
        if refusal.details is not None:
            error["details"] = refusal.details
        return {"type": "error", "error": error, "request_id": request_id}

    def error_frame(self, refusal: Refusal, request_id: str) -> Frame:
        return Frame(event="error", data=self.envelope(refusal, request_id))

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        return (
            ("request-id", request_id),
            ("anthropic-organization-id", "scripted-org"),
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z"),
            ("set-cookie", "_cfuvid=scripted; path=/; HttpOnly; Secure"),
            ("server", "cloudflare"),
        )

    def model_missing(self, name: str) -> Refusal:
        return Refusal(404, f"model: {name}")

    def unauthorized(self, credential: str | None) -> Refusal:
        if credential is None:
            return Refusal(401, "x-api-key header is required")
        return Refusal(401, "invalid x-api-key")
