"""A bare HTTP client for these tests: it shows what is on the wire and forgives nothing."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.upstreams import ScriptedUpstream

TOOL_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANTHROPIC_TOOL: dict[str, Any] = {"name": "get_weather", "input_schema": TOOL_SCHEMA}
RESPONSES_TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": TOOL_SCHEMA,
    "strict": False,
}
OPENAI_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": TOOL_SCHEMA},
}
GEMINI_TOOL: dict[str, Any] = {
    "functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": TOOL_SCHEMA}]
}


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.json["error"]["message"]


def send(
    up: ScriptedUpstream,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    timeout: float = 10,
) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=timeout)
    sent = {"authorization": "Bearer key-1", "content-type": "application/json", **(headers or {})}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, received, response.read())
    finally:
        connection.close()


def chat(up: ScriptedUpstream, **fields: Any) -> Response:
    body = {"model": "any-model", "messages": [{"role": "user", "content": "hi"}], **fields}
    return send(up, "/v1/chat/completions", {key: item for key, item in body.items() if item is not ...})


def respond(up: ScriptedUpstream, *, key: str = "key-1", **fields: Any) -> Response:
    body = {"model": "any-model", "input": "hi", **fields}
    sent = {name: item for name, item in body.items() if item is not ...}
    return send(up, "/v1/responses", sent, headers={"authorization": f"Bearer {key}"})


def messages(up: ScriptedUpstream, *, key: str = "key-1", beta: str | None = None, **fields: Any) -> Response:
    body = {
        "model": "any-model",
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "hi"}],
        **fields,
    }
    headers = {"anthropic-version": "2023-06-01", "x-api-key": key, "authorization": ""}
    if beta:
        headers["anthropic-beta"] = beta
    sent = {name: item for name, item in body.items() if item is not ...}
    return send(up, "/v1/messages", sent, headers=headers)


def generate(
    up: ScriptedUpstream,
    *,
    model: str = "any-model",
    key: str = "key-1",
    stream: bool = False,
    query: str = "?alt=sse",
    verb: str = "",
    **fields: Any,
) -> Response:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **fields}
    sent = {name: item for name, item in body.items() if item is not ...}
    verb = verb or ("streamGenerateContent" if stream else "generateContent")
    path = f"/v1beta/models/{model}:{verb}{query if stream else ''}"
    return send(up, path, sent, headers={"x-goog-api-key": key, "authorization": ""})


def sse(body: bytes) -> list[tuple[str | None, Any]]:
    """Parse a well-behaved event stream into (event, data)."""
    found: list[tuple[str | None, Any]] = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        lines = block.split("\n")
        event = next((line.removeprefix("event: ") for line in lines if line.startswith("event: ")), None)
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        if data:
            found.append((event, data[0] if data[0] == "[DONE]" else json.loads("\n".join(data))))
    return found
