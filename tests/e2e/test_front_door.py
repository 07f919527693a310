"""What knocks at the front door: WebSockets, unknown verbs, keys in a query, listings, legacy completions."""

from __future__ import annotations

import json
import socket
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Stand

UPGRADE = (
    "GET /v1/responses HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "openai-beta: responses_websockets=2026-02-06\r\n{more}\r\n"
)


def knock(stand: Stand, more: str = "", *, until: bytes | None = None) -> bytes:
    """Ask for a WebSocket over a bare socket; return what comes, up to `until` or to the gateway's own end."""
    with socket.create_connection(("127.0.0.1", stand.gateway.port), timeout=30) as connection:
        connection.sendall(UPGRADE.format(port=stand.gateway.port, more=more).encode())
        got = b""
        while (until is None or until not in got) and (piece := connection.recv(65536)):
            got += piece
    return got


def test_a_websocket_is_turned_away_at_once_in_the_dialect(stand: Stand) -> None:
    head, _, body = knock(stand).partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0].startswith(b"http/1.1 426 ")
    assert b"upgrade: http/1.1" in lines
    assert b"x-should-retry: false" in lines
    error = json.loads(body)["error"]
    assert error["code"] == "websocket_not_supported"
    assert "POST /v1/responses" in error["message"]
    assert "WebSocket library" not in stand.gateway.log, "it has been answered; there is nothing to install"


def test_a_page_of_another_site_gets_no_further_than_any_other_call(stand: Stand) -> None:
    refused = knock(stand, "origin: http://evil.example\r\n", until=b"\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 403 ")


def test_a_plain_get_there_is_no_method(stand: Stand) -> None:
    status, body = stand.gateway.get("/v1/responses")
    assert status == 405
    assert "error" in json.loads(body)


@pytest.mark.parametrize("path", ["/v1beta/models/m:fly", "/v1/models/m:fly", "/v1beta/nothing"])
def test_unknown_verbs_are_told_in_googles_form(stand: Stand, path: str) -> None:
    status, body = stand.gateway.call("POST", path, body=b"{}")
    error = json.loads(body)["error"]
    assert (status, error["code"], error["status"]) == (404, 404, "NOT_FOUND")


def listed(stand: Stand, path: str, headers: dict[str, str] | None = None) -> Any:
    status, body = stand.gateway.get(path, headers)
    assert status == 200, body
    return json.loads(body)


def test_one_path_lists_in_every_clients_shape(stand: Stand) -> None:
    assert listed(stand, "/v1/models")["object"] == "list"
    assert "has_more" in listed(stand, "/v1/models", {"anthropic-version": "2023-06-01"})
    for path, headers in (
        ("/v1/models", {"x-goog-api-key": "any"}),
        ("/v1/models?key=any", {}),
        ("/v1beta/models", {}),
        ("/v1alpha/models?pageSize=5", {}),
    ):
        assert "models" in listed(stand, path, headers)
    assert "models" in listed(stand, "/v1/models?client_version=0.169.0")
    assert listed(stand, "/v1/models/info")["object"] == "list"


def test_legacy_completions_with_the_vendors_sdk(stand: Stand) -> None:
    stand.chat.reset()
    with openai.OpenAI(base_url=stand.gateway.openai_url, api_key="any", max_retries=0) as client:
        whole = client.completions.create(model="m", prompt="Say something", max_tokens=50)
        assert whole.object == "text_completion"
        assert whole.choices[0].text
        told = list(client.completions.create(model="m", prompt=["Say something"], stream=True))
        assert "".join(chunk.choices[0].text for chunk in told if chunk.choices) == whole.choices[0].text
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(model="m", prompt=["a", "b"])
        assert caught.value.param == "prompt"
    stand.chat.assert_all_valid()


@pytest.mark.parametrize("model", ["chat/gpt-4.1", "claude/claude-sonnet-4-5"])
def test_responses_answer_with_the_settings_that_were_asked(stand: Stand, model: str) -> None:
    settings: Any = {"model": model, "input": "Say something", "temperature": 0.5, "metadata": {"a": "b"}}
    with openai.OpenAI(base_url=stand.gateway.openai_url, api_key="any", max_retries=0) as client:
        whole = client.responses.create(**settings)
        assert whole.output_text
        told = list(client.responses.create(**settings, stream=True))
    assert told[-1].type == "response.completed"
    assert told[-1].response.output_text == whole.output_text
    for answer in (whole, told[-1].response):
        assert (answer.temperature, answer.metadata) == (0.5, {"a": "b"})
