"""The Gemini API (generateContent), from the vendor's side: rules, signatures, reading, answers and errors."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from tests.upstreams.dialect import Dialect, Exchange, Form, Refusal, Route
from tests.upstreams.frames import Frame
from tests.upstreams.gemini import errors
from tests.upstreams.gemini.answers import AnswerWriter
from tests.upstreams.gemini.embeddings import embeddings
from tests.upstreams.gemini.profiles import profile_of
from tests.upstreams.gemini.reading import configured, read_prompt
from tests.upstreams.gemini.rules import check_count_request, check_request
from tests.upstreams.gemini.shapes import bad
from tests.upstreams.prompts import Answer, Prompt
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName

VERB = re.compile(r"^/(?:v1|v1beta)/models/(?P<model>.+):(?P<verb>\w+)$")
MODELS = re.compile(r"^/(?:v1|v1beta)/models(?:/(?P<model>[^:]+))?$")
ROUTES: dict[str, Route] = {
    "generateContent": "generate",
    "streamGenerateContent": "generate",
    "countTokens": "count_tokens",
    "embedContent": "embed",
    "batchEmbedContents": "embed",
}
PAGE = 50
LARGEST_PAGE = 1000


class Gemini(Dialect):
    """The vendor behind `/v1beta/models/{model}:generateContent`."""

    name = "gemini"
    refusals: ClassVar[dict[str, Refusal]] = errors.REFUSALS
    line_end = b"\r\n"

    def route(self, received: Received) -> Route | None:
        verb = VERB.match(received.path)
        if verb:
            return ROUTES.get(verb["verb"])
        listed = MODELS.match(received.path)
        # Under /v1 the list has the same address as OpenAI's and Anthropic's: only the key tells whose is asked for.
        if listed is None or not (received.path.startswith("/v1beta/") or self.credential(received)):
            return None
        return "model" if listed["model"] else "models"

    def credential(self, received: Received) -> str | None:
        return received.header("x-goog-api-key") or received.query.get("key") or None

    def check_headers(self, received: Received) -> None:
        if received.query.get("alt", "json") not in ("json", "sse", "proto", "media"):
            raise bad(f'Invalid value "{received.query["alt"]}" for query parameter "alt"')

    def model_named(self, received: Received) -> str:
        matched = VERB.match(received.path) or MODELS.match(received.path)
        return (matched and matched["model"]) or ""

    def form(self, received: Received) -> Form:
        return "sse" if received.query.get("alt") == "sse" else "array"

    def check(self, exchange: Exchange) -> None:
        check_request(exchange)

    def check_count(self, exchange: Exchange) -> None:
        check_count_request(exchange)

    def read(self, exchange: Exchange) -> Prompt:
        return read_prompt(exchange)

    def choices(self, exchange: Exchange) -> int:
        return configured(exchange.body).get("candidateCount") or 1

    def whole(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
        return AnswerWriter(exchange, prompt, answers).whole()

    def stream(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> list[Frame]:
        return list(AnswerWriter(exchange, prompt, answers).chunks())

    def count(self, exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
        total = prompt.input_tokens
        return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}

    def embed(self, exchange: Exchange) -> dict[str, Any]:
        return embeddings(exchange)

    def models(self, received: Received, names: Sequence[str]) -> dict[str, Any]:
        query = received.query
        size = min(int(query.get("pageSize") or PAGE), LARGEST_PAGE)
        start = int(query.get("pageToken") or 0)
        page = [self.one_model(name) for name in names[start : start + size]]
        more = {"nextPageToken": str(start + size)} if start + size < len(names) else {}
        return {"models": page, **more}

    def one_model(self, name: str) -> dict[str, Any]:
        embeds = "embedding" in name
        methods = ["embedContent", "countTokens"] if embeds else ["generateContent", "countTokens"]
        return {
            "name": f"models/{name}",
            "version": "001",
            "displayName": name.replace("-", " ").title(),
            "description": f"The scripted {name}",
            "inputTokenLimit": 2048 if embeds else 1_048_576,
            "outputTokenLimit": 1 if embeds else 65_536,
            "supportedGenerationMethods": methods,
            **({} if embeds else {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2}),
            "thinking": profile_of(ModelName(name).base).thinks,
        }

    def envelope(self, refusal: Refusal, request_id: str) -> dict[str, Any]:
        return errors.envelope(refusal)

    def error_body(self, refusal: Refusal, request_id: str, *, received: Received) -> Any:
        body = errors.envelope(refusal)
        in_array = received.streaming and self.form(received) == "array"
        return [body] if in_array else body

    def error_frame(self, refusal: Refusal, request_id: str) -> Frame:
        return Frame(data=errors.envelope(refusal), bare=True, last=True)

    def headers(self, request_id: str) -> tuple[tuple[str, str], ...]:
        return (
            ("vary", "Origin"),
            ("vary", "X-Origin"),
            ("vary", "Referer"),
            ("server", "scaffolding on HTTPServer2"),
            ("x-xss-protection", "0"),
            ("x-frame-options", "SAMEORIGIN"),
            ("x-content-type-options", "nosniff"),
            ("server-timing", "gfet4t7; dur=7"),
        )

    def model_missing(self, name: str) -> Refusal:
        return errors.model_missing(name)

    def unauthorized(self, credential: str | None) -> Refusal:
        return errors.unauthorized(credential)
