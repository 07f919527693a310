"""`providers test` against a provider on loopback that can refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flowrouter.accounts.account import Account
from flowrouter.gateway.probe import choose_model
from flowrouter.providers import catalog
from flowrouter.providers.listing import ListedModel
from tests.unit.cli.conftest import Ran, Run

KEY = "sk-canary-0123456789"
CHAT_REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "small",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}
MESSAGES_REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "small",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


class Provider:
    """Answers from a table of path → (status, body) and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "/v1/models": (200, {"object": "list", "data": [{"id": "text-embed-1"}, {"id": "small"}]}),
            "/v1/chat/completions": (200, CHAT_REPLY),
            "/v1/messages": (200, MESSAGES_REPLY),
        }
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        provider = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(None)

            def do_POST(self) -> None:
                self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def answer(self, body: Any) -> None:
                path = self.path.partition("?")[0]
                headers = {name.lower(): value for name, value in self.headers.items()}
                provider.asked.append((path, headers, body))
                status, reply = provider.answers.get(path, (404, {"error": {"message": "no such route"}}))
                data = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


def tried(run: Run, provider: Provider, *arguments: str, preset: str = "custom-openai") -> Ran:
    added = run("providers", "add", "box", "--preset", preset, "--base-url", provider.url, "--api-key", KEY)
    assert added.code == 0, added.err
    return run("providers", "test", "box", *arguments)


@pytest.mark.parametrize(
    ("preset", "path"), [("custom-openai", "/v1/chat/completions"), ("custom-anthropic", "/v1/messages")]
)
def test_it_lists_the_models_and_asks_one(run: Run, provider: Provider, preset: str, path: str) -> None:
    ran = tried(run, provider, preset=preset)
    assert ran.code == 0, ran.out + ran.err
    assert "2 listed" in ran.out
    assert "'hello'" in ran.out
    asked, headers, body = provider.asked[-1]
    assert asked == path
    assert body["model"] == "small"
    assert KEY in (headers.get("authorization", "") + headers.get("x-api-key", ""))
    assert headers["user-agent"].startswith("flow-router/")
    assert KEY not in ran.out + ran.err


def test_the_outcome_is_there_for_programs(run: Run, provider: Provider) -> None:
    found = tried(run, provider, "--json", "--model", "other").json
    assert (found["ok"], found["model"], found["reply"], found["dialect"]) == (
        True,
        "other",
        "hello",
        "openai_chat",
    )


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/v1/models", 401, "--replace"),
        ("/v1/chat/completions", 402, "credit"),
        ("/v1/chat/completions", 404, "model's name"),
        ("/v1/chat/completions", 429, "quota"),
        ("/v1/chat/completions", 503, "later"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(
    run: Run, provider: Provider, path: str, status: int, said: str
) -> None:
    provider.answers[path] = (status, {"error": {"message": f"refused, your key is {KEY}"}})
    ran = tried(run, provider)
    assert ran.code == 1
    assert str(status) in ran.err
    assert said in ran.err
    assert KEY not in ran.out + ran.err


def test_a_list_that_is_missing_does_not_end_the_trial(run: Run, provider: Provider) -> None:
    provider.answers["/v1/models"] = (404, {})
    ran = tried(run, provider, "--model", "small")
    assert ran.code == 0, ran.err
    assert "no list" in ran.out


def test_an_answer_that_is_none_is_said(run: Run, provider: Provider) -> None:
    provider.answers["/v1/chat/completions"] = (200, ["<html>"])
    ran = tried(run, provider)
    assert ran.code == 1
    assert "no openai_chat reply" in ran.err


def test_a_provider_that_is_not_there_is_said(run: Run, provider: Provider) -> None:
    provider.server.shutdown()
    provider.server.server_close()
    ran = tried(run, provider)
    assert ran.code == 1
    assert "base URL" in ran.err


def test_the_model_to_ask_is_a_small_one_that_can_chat(data: Path) -> None:
    presets = catalog.packaged()
    openai, custom = presets.get("openai"), presets.get("custom-openai")
    account = Account(id="a", name="a", preset="openai", owner_id="local")
    listed = tuple(ListedModel(id=name) for name in ("text-embedding-3", "gpt-4.1", "gpt-5.4-mini"))
    assert choose_model(account, openai, listed) == "gpt-5.4-mini"
    assert choose_model(account, custom, listed) == "gpt-5.4-mini"
    assert choose_model(account, custom, ()) is None
    assert choose_model(account, custom, listed[:1]) == "text-embedding-3"
    own = Account(id="a", name="a", preset="openai", owner_id="local", models=("gpt-*", "mine"))
    assert choose_model(own, openai, listed) == "mine"
