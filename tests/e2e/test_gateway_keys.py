"""Gateway keys at the front door: shown in every place SDKs use, bounded, counted, and never sent on."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from flowrouter.cli.desk import opened
from flowrouter.httpkit.keys import LOCAL_OWNER, KeyLimits, KeyPolicy
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.upstreams import ScriptedUpstream

VENDORS = ("openai_chat", "openai_responses", "anthropic", "gemini")
PRESETS = dict(
    zip(VENDORS, ("custom-openai", "custom-responses", "custom-anthropic", "custom-gemini"), strict=True)
)
MODELS = {
    "openai_chat": "gpt-4.1",
    "openai_responses": "gpt-5.2",
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
}


def account(upstream: ScriptedUpstream, dialect: str) -> dict[str, Any]:
    address = {"anthropic": upstream.url, "gemini": upstream.url}.get(dialect, upstream.openai_url)
    return {
        "name": dialect.replace("_", "-"),
        "preset": PRESETS[dialect],
        "base_url": address,
        "api_key": f"{dialect}-key",
        "models": [MODELS[dialect]],
    }


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, ScriptedUpstream]]:
    started = {dialect: ScriptedUpstream(dialect, keys=[f"{dialect}-key"]).start() for dialect in VENDORS}
    yield started
    for upstream in started.values():
        upstream.stop()


class Place:
    """A running gateway, the keys its owner makes, and the vendors behind it."""

    def __init__(self, gateway: RunningGateway, upstreams: dict[str, ScriptedUpstream]) -> None:
        self.gateway = gateway
        self.upstreams = upstreams
        self.tokens: list[str] = []

    def key(self, *, limits: dict[str, int] | None = None, **policy: Any) -> str:
        """Return the token of a new key, once the gateway knows it."""
        with opened(None, str(self.gateway.data)) as desk:
            made = KeyPolicy(limits=KeyLimits(**(limits or {})), **policy)
            name = f"key-{len(self.tokens)}"
            _, minted = desk.management.keys.create(name, owner_id=LOCAL_OWNER, policy=made)
        self.tokens.append(minted.token)
        deadline = time.monotonic() + 20
        while self.gateway.get("/v1/models", headers={"x-api-key": minted.token})[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return minted.token

    def change(self, *arguments: str) -> None:
        """Run `flow-router keys …`."""
        from flowrouter.cli.main import main

        assert main(["keys", *arguments, "--data", str(self.gateway.data)]) == 0

    def asked(self) -> int:
        return sum(len(upstream.requests) for upstream in self.upstreams.values())


@pytest.fixture(scope="module")
def place(upstreams: dict[str, ScriptedUpstream]) -> Iterator[Place]:
    accounts = [account(upstream, dialect) for dialect, upstream in upstreams.items()]
    with RunningGateway(accounts, settings={"logs": {"level": "debug", "access": True}}) as gateway:
        made = Place(gateway, upstreams)
        yield made
        gateway.assert_no_complaints()
        for upstream in upstreams.values():
            upstream.assert_never_received("flr_", *made.tokens)
        for token in made.tokens:
            assert token not in gateway.log


def calls(dialect: str, model: str, *, stream: bool) -> tuple[str, dict[str, Any]]:
    """Return path and body of a request that a client of `dialect` sends."""
    said = [{"role": "user", "content": "Hello"}]
    match dialect:
        case "openai_chat":
            return "/v1/chat/completions", {"model": model, "messages": said, "stream": stream}
        case "openai_responses":
            return "/v1/responses", {"model": model, "input": "Hello", "store": False, "stream": stream}
        case "anthropic":
            return "/v1/messages", {"model": model, "max_tokens": 100, "messages": said, "stream": stream}
        case _:
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return f"/v1beta/models/{model}:{verb}", {
                "contents": [{"role": "user", "parts": [{"text": "Hello"}]}]
            }


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", VENDORS)
@pytest.mark.parametrize("upstream", VENDORS)
def test_se9_a_key_reaches_no_provider_on_any_lane(
    place: Place, client: str, upstream: str, stream: bool
) -> None:
    """Every place at once, and every pair of dialects: what arrives at a provider is checked at the end too."""
    token = place.tokens[0] if place.tokens else place.key()
    path, body = calls(client, MODELS[upstream], stream=stream)
    places: list[dict[str, str]] = [
        {"authorization": f"Bearer {token}"},
        {"x-api-key": token},
        {"x-goog-api-key": token},
        {"api-key": token},
        {"x-flowrouter-key": token, "authorization": "Bearer sk-ant-oat01-their-own-login"},
    ]
    for headers in places:
        status, answer = place.gateway.call("POST", path, body=json.dumps(body).encode(), headers=headers)
        assert status == 200, answer
    if client == "gemini":
        address = f"{path}{'&' if '?' in path else '?'}key={token}"
        assert place.gateway.call("POST", address, body=json.dumps(body).encode())[0] == 200
    place.upstreams[upstream].assert_never_received(token, "flr_", "their-own-login")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"])
def test_a_key_in_the_query_counts_on_googles_routes_only(place: Place, path: str) -> None:
    token = place.tokens[0] if place.tokens else place.key()
    assert place.gateway.call("POST", f"{path}?key={token}", body=b"{}")[0] == 401


def test_a_key_in_the_query_stays_out_of_the_log(place: Place) -> None:
    token = place.tokens[0] if place.tokens else place.key()
    assert place.gateway.get(f"/v1beta/models?key={token}")[0] == 200
    assert place.gateway.get(f"/v1beta/models/nothing?key={token}")[0] == 404
    assert token not in place.gateway.log


def test_each_sdk_hears_of_its_limits_and_of_their_end(place: Place) -> None:
    day = {"requests_per_day": 2, "tokens_per_day": 10**6}
    url, data = place.gateway.url, {"messages": [{"role": "user", "content": "Hello"}]}
    chat: Any = openai.OpenAI(api_key=place.key(limits=day), base_url=place.gateway.openai_url)
    for left in ("1", "0"):
        raw = chat.chat.completions.with_raw_response.create(model="claude-haiku-4-5", **data)
        assert raw.headers["x-ratelimit-remaining-requests"] == left
    with pytest.raises(openai.RateLimitError) as refused:
        chat.chat.completions.create(model="claude-haiku-4-5", **data)
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) > 0

    claude: Any = anthropic.Anthropic(api_key=place.key(limits=day), base_url=url)
    count = claude.messages.with_raw_response.count_tokens(model="gpt-4.1", **data)
    assert count.headers["anthropic-ratelimit-requests-remaining"] == "1"
    raw = claude.messages.with_raw_response.create(model="gpt-4.1", max_tokens=100, **data)
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "0"
    for ask in (
        lambda: claude.messages.create(model="gpt-4.1", max_tokens=100, **data),
        lambda: claude.messages.count_tokens(model="gpt-4.1", **data),
    ):
        with pytest.raises(anthropic.RateLimitError, match="may make 2 requests a day"):
            ask()

    token = place.key(limits={"requests_per_day": 1})
    google = genai.Client(api_key=token, http_options=types.HttpOptions(base_url=url))
    assert google.models.generate_content(model="gpt-4.1", contents="Hello").text
    with pytest.raises(errors.ClientError) as stopped:
        google.models.generate_content(model="gpt-4.1", contents="Hello")
    assert stopped.value.code == 429
    assert "RetryInfo" in str(stopped.value.details)


def test_a_scope_binds_every_operation_and_every_list(place: Place) -> None:
    token = place.key(models=("claude-*",), accounts=("anthropic", "openai-chat"))
    bearer = {"authorization": f"Bearer {token}"}
    before = place.asked()
    refused = {
        "/v1/chat/completions": calls("openai_chat", "gpt-4.1", stream=False)[1],
        "/v1/messages": calls("anthropic", "gemini-2.5-flash", stream=True)[1],
        "/v1/messages/count_tokens": {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]},
        "/v1/responses": calls("openai_responses", "gpt-5.2", stream=False)[1],
        "/v1/responses/compact": {"model": "gpt-5.2", "input": "Hello"},
        "/v1/completions": {"model": "gpt-4.1", "prompt": "Hello"},
        "/v1/embeddings": {"model": "gpt-4.1", "input": "Hello"},
        "/v1beta/models/gemini-2.5-flash:generateContent": calls("gemini", "", stream=False)[1],
        "/v1beta/models/gpt-4.1:countTokens": calls("gemini", "", stream=False)[1],
    }
    for path, body in refused.items():
        status, answer = place.gateway.call("POST", path, body=json.dumps(body).encode(), headers=bearer)
        assert status == 403, (path, answer)
        assert b"claude-*" in answer
    assert place.asked() == before, "nobody was asked"
    for path in ("/v1/models", "/v1/models/info", "/v1beta/models", "/v1/models?client_version=1"):
        status, answer = place.gateway.get(path, headers=bearer)
        assert status == 200
        assert b"claude-haiku-4-5" in answer
        assert not any(name.encode() in answer for name in ("gpt-4.1", "gpt-5.2", "gemini-2.5")), path
    assert place.gateway.get("/v1/models/gpt-4.1", headers=bearer)[0] == 404
    path, body = calls("openai_chat", "claude-haiku-4-5", stream=False)
    assert place.gateway.call("POST", path, body=json.dumps(body).encode(), headers=bearer)[0] == 200


def test_a_dialect_scope_binds_routes_not_lists(place: Place) -> None:
    bearer = {"x-api-key": place.key(dialects=("anthropic",))}
    for dialect, expected in (
        ("anthropic", 200),
        ("openai_chat", 403),
        ("openai_responses", 403),
        ("gemini", 403),
    ):
        path, body = calls(dialect, "claude-haiku-4-5", stream=False)
        assert place.gateway.call("POST", path, body=json.dumps(body).encode(), headers=bearer)[0] == expected
    assert place.gateway.get("/v1/responses/resp_1", headers=bearer)[0] == 403
    assert place.gateway.get("/v1/models", headers=bearer)[0] == 200


@pytest.mark.parametrize("kept", [False, True], ids=["anew each time", "on one connection"])
def test_a_key_is_changed_while_the_gateway_runs(place: Place, kept: bool) -> None:
    token = place.key()
    name, bearer = f"key-{len(place.tokens) - 1}", {"x-api-key": token}
    path, asked = calls("openai_chat", "gpt-4.1", stream=False)
    body = json.dumps(asked).encode()
    connection = socket.create_connection(("127.0.0.1", place.gateway.port), timeout=30)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {token}\r\ncontent-type: application/json\r\n"
    )
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    def status() -> int:
        if not kept:
            return place.gateway.call("POST", path, body=body, headers=bearer)[0]
        connection.sendall(request)  # what is known of its head must not outlive the keys
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer.status

    assert status() == status() == 200
    for change, expected in (
        (("edit", name, "--models", "claude-*"), 403),
        (("edit", name, "--models", ""), 200),
        (("disable", name), 401),
        (("enable", name), 200),
        (("revoke", name), 401),
    ):
        place.change(*change)
        deadline = time.monotonic() + 20
        while status() != expected:
            assert time.monotonic() < deadline, change
            time.sleep(0.1)
    connection.close()


def test_what_a_key_used_is_summed_up(place: Place) -> None:
    token = place.key()
    path, body = calls("openai_chat", "gpt-4.1", stream=False)
    for _ in range(2):
        place.gateway.call("POST", path, body=json.dumps(body).encode(), headers={"x-api-key": token})
    local = (place.gateway.data / "local.token").read_text().strip()
    (row,) = (
        row
        for row in json.loads(place.gateway.get("/api/keys", headers={"x-api-key": local})[1])["data"]
        if token.startswith(row["shown"].removesuffix("…"))
    )
    deadline = time.monotonic() + 20
    while True:
        lines = json.loads(place.gateway.get("/api/usage?group_by=key", headers={"x-api-key": local})[1])[
            "data"
        ]
        if [line["requests"] for line in lines if line["group"] == row["id"]] == [2]:
            return
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="SEVERAL WORKERS need a POSIX system")
@pytest.mark.timeout(240)
async def test_two_workers_count_as_one(
    redis_server: RedisServer, upstreams: dict[str, ScriptedUpstream], tmp_path: Path
) -> None:
    settings = {
        "server": {"workers": 2},
        "state": {"redis": redis_server.url, "prefix": f"{secrets.token_hex(6)}:"},
    }
    accounts = [{**account(upstreams["openai_chat"], "openai_chat"), "models": ["*"]}]
    gateway = RunningGateway(accounts, settings=settings, data=tmp_path)
    with opened(None, str(tmp_path)) as desk:
        requests, tokens, places = (
            desk.management.keys.create(
                name, owner_id=LOCAL_OWNER, policy=KeyPolicy(limits=KeyLimits(**{name: limit}))
            )[1].token
            for name, limit in (("requests_per_day", 100), ("tokens_per_day", 40_000), ("concurrent", 7))
        )
    before = len(upstreams["openai_chat"].calls)
    with gateway:
        asked = await ask_all(gateway, 400, key=requests, model="gpt-4.1")
        assert asked == {200: 100, 429: 300}
        assert len(upstreams["openai_chat"].calls) - before == 100
        spent = await ask_all(gateway, 200, key=tokens, model="gpt-4.1")
        # Each is estimated at about 1,004 tokens and gives most of them back when it ends.
        assert spent[200] >= 39
        assert set(spent) == {200, 429}
        held = await ask_all(gateway, 60, key=places, model="fault-slow-headers")
        assert set(held) == {200, 429}
        assert most_at_once(upstreams["openai_chat"], "fault-slow-headers") <= 7
        again = await ask_all(gateway, 7, key=places, model="gpt-4.1")
        assert again[200] >= 1, "places come back"
        gateway.assert_no_complaints()


async def ask_all(gateway: RunningGateway, count: int, *, key: str, model: str) -> Counter[int]:
    """Send `count` requests at once, each over a connection of its own, and count the statuses."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, headers={"x-api-key": key}) as session:

        async def one() -> int:
            async with session.post(f"{gateway.openai_url}/chat/completions", json=body) as reply:
                await reply.read()
                return reply.status

        return Counter(await asyncio.gather(*(one() for _ in range(count))))


def most_at_once(upstream: ScriptedUpstream, model: str) -> int:
    """Return how many calls of `model` were in flight together, as the upstream saw it."""
    seen = upstream.calls_of(model)
    changes = sorted(
        [(call.at, 1) for call in seen] + [(call.ended_at, -1) for call in seen if call.ended_at is not None]
    )
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most
