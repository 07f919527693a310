"""OpenAI Chat Completions, from the vendor's side: rules, reading, answers and errors."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tests.upstreams.dialect import Dialect, Exchange, Refusal, Route
from tests.upstreams.frames import Frame
from tests.upstreams.openai_chat import quotas
from tests.upstreams.openai_chat.answers import CREATED, chunks, completion
from tests.upstreams.openai_chat.embeddings import embeddings
from tests.upstreams.openai_chat.reading import read_prompt
from tests.upstreams.openai_chat.rules import check_request
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Received
from tests.upstreams.reply import Reply

TYPES = {
    429: "rate_limit_error",
    500: "server_error",
    502: "server_error",
    503: "server_error",
    504: "server_error",
}
CODES = {
    401: "invalid_api_key",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}


class OpenAIChat(Dialect):
    """The vendor behind `/v1/chat/completions`."""

    name = "openai_chat"
    refusals: ClassVar[dict[str, Refusal]] = {
        "401": Refusal(
            401, "Incorrect API key provided: sk-****. You can find your API key in your dashboard."
        ),
        "402": Refusal(
            402, "Insufficient balance.", type="insufficient_quota", code="billing_hard_limit_reached"
        ),
        "403": Refusal(403, "You are not allowed to use this model.", type="permission_error"),
        "429-quota": Refusal(
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            type="insufficient_quota",
            code="insufficient_quota",
        ),
        "overloaded": Refusal(
            503, "The engine is currently overloaded, please try again later.", code="overloaded"
        ),
        "context-length": Refusal(
            400,
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 "
            "tokens. Please reduce the length of the messages.",
            code="context_length_exceeded",
            param="messages",
        ),
        "content-policy": Refusal(
            400,
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            code="content_policy_violation",
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self.quota = quotas.Quota()

    def route(self, received: Received) -> Route | None:
        path = received.path
        if path == "/v1/chat/completions":
            return "generate"
        if path == "/v1/embeddings":
            return "embed"
        if received.header("anthropic-version") is None and received.method == "GET":
            if path == "/v1/models":
                return "models"
            if path.startswith("/v1/models/"):
                return "model"
            if path in quotas.ADDRESSES:
                return "resource"
        return None

    def resource(self, received: Received, request_id: str) -> Reply:
        return quotas.told(received, self.quota)

    def credential(self, received: Received) -> str | None:
        scheme, _, token = (received.header("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def check_headers(self, received: Received) -> None:
        kind = (received.header("content-type") or "").split(";")[0].strip()
        if received.method == "POST" and kind != "application/json":
            raise Refusal(400, f"Invalid Content-Type header ({kind}), expected application/json.")

    def check(self, exchange: Exchange) -> None:
        check_request(exchange)

    def check_count(self, exchange: Exchange) -> None:
        raise Refusal(404, "Invalid URL")

    def read(self, exchange: Exchange) -> Prompt:
        return read_prompt(exchange)

    def choices(self, exchange: Exchange) -> int:
        return exchange.body.get("n") or 1

    def whole(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
        return completion(exchange, prompt, answers)

    def stream(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> list[Frame]:
        return chunks(exchange, prompt, answers)

    def count(self, exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
        raise Refusal(404, "Invalid URL")

    def embed(self, exchange: Exchange) -> dict[str, Any]:
        return embeddings(exchange)

    def models(self, received: Received, names: Sequence[str]) -> dict[str, Any]:
        return {"object": "list", "data": [self.one_model(name) for name in names]}

    def one_model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"}

    def envelope(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        code = refusal.code if refusal.code is not None else CODES.get(refusal.status)
        error = {
            "message": refusal.message,
            "type": refusal.type or TYPES.get(refusal.status, "invalid_request_error"),
            "param": refusal.param,
            "code": code,
        }
        return {"error": error}

    def error_frame(self, refusal: Refusal, request_id: str) -> Frame:
        return Frame(data=self.envelope(refusal, request_id))

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        return (
            ("x-request-id", request_id),
            ("openai-version", "2020-10-01"),
            ("openai-organization", "scripted-org"),
            ("openai-processing-ms", "7"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "6ms"),
            ("set-cookie", "__cf_bm=scripted; path=/; HttpOnly; Secure"),
            ("server", "cloudflare"),
        )

    def model_missing(self, name: str) -> Refusal:
        message = f"The model `{name}` does not exist or you do not have access to it."
        return Refusal(404, message, code="model_not_found", param="model")

    def unauthorized(self, credential: str | None) -> Refusal:
        if credential is None:
            return Refusal(401, "You didn't provide an API key. You need to provide your API key.")
        shown = f"{credential[:3]}****{credential[-4:]}"
        return Refusal(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")
