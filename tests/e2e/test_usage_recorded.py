"""Usage of streams is in the books, as the provider counted it, though the client never asked for it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

PRESETS = {
    "openai_chat": "custom-openai",
    "openai_responses": "custom-responses",
    "anthropic": "custom-anthropic",
    "gemini": "custom-gemini",
}
UPSTREAMS = tuple(PRESETS)
TEXT = "Hello"
TURN = {"role": "user", "content": TEXT}


def asked(client: str, model: str) -> tuple[str, dict[str, Any]]:
    """Return where and what a client of that dialect asks for, as a stream, without a word about usage."""
    match client:
        case "openai_chat":
            return "/v1/chat/completions", {"model": model, "stream": True, "messages": [TURN]}
        case "openai_completions":
            return "/v1/completions", {"model": model, "stream": True, "prompt": TEXT}
        case "openai_responses":
            return "/v1/responses", {"model": model, "stream": True, "input": TEXT}
        case "anthropic":
            return "/v1/messages", {"model": model, "stream": True, "max_tokens": 64, "messages": [TURN]}
        case _:
            body = {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
            return f"/v1beta/models/{model}:streamGenerateContent?alt=sse", body


CLIENTS = ("openai_chat", "openai_completions", "openai_responses", "anthropic", "gemini")


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    with contextlib.ExitStack() as stack:
        accounts = []
        for dialect in UPSTREAMS:
            vendor = stack.enter_context(ScriptedUpstream(dialect, keys=["key"]))
            address = {"gemini": vendor.gemini_url, "anthropic": vendor.url}.get(dialect, vendor.openai_url)
            accounts.append(
                {
                    "name": dialect.replace("_", "-"), "preset": PRESETS[dialect], "base_url": address,
                    "api_key": "key", "models": [f"m-{dialect}"],
                }
            )  # fmt: skip
        yield stack.enter_context(RunningGateway(accounts))


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=str)
@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_of_each_dialect(gateway: RunningGateway, client: str, upstream: str) -> None:
    path, body = asked(client, f"m-{upstream}")
    session = f"{client}-{upstream}"
    status, answer = gateway.call(
        "POST", path, body=json.dumps(body).encode(), headers={"x-session-id": session}
    )
    assert status == 200, answer
    row = logged(gateway, session)
    assert row["stream"], row
    assert row["input_tokens"], row
    assert row["output_tokens"], row
    assert not row["usage_estimated"], row


def logged(gateway: RunningGateway, session: str) -> dict[str, Any]:
    token = (gateway.data / "local.token").read_text().strip()
    deadline = time.monotonic() + 20
    while True:
        status, answer = gateway.call(
            "GET", f"/api/requests?session={session}", headers={"authorization": f"Bearer {token}"}
        )
        assert status == 200, answer
        if rows := json.loads(answer)["data"]:
            return dict(rows[0])
        assert time.monotonic() < deadline, "it is not in the books"
        time.sleep(0.05)
