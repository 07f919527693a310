"""What travels: bodies as they came, compressed bodies, limits, paths people type, answers byte for byte."""

from __future__ import annotations

import gzip
import http.client
import random
import zlib

import brotli
import msgspec
import pytest
import zstandard

from tests.e2e.conftest import Stand


def big_body(model: str, *, stream: bool = False) -> bytes:
    """Return an agent's request of about 120 KB with odd spacing, odd numbers and unknown members."""
    random.seed(7)
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "the",
        "lazy",
        "dog",
        "in",
        "Grüße",
        "你好",
        "\\u2028",
        "model",
    ]
    turns = []
    for turn in range(80):
        role = "user" if turn % 2 == 0 else "assistant"
        text = " ".join(random.choice(words) for _ in range(250))
        turns.append(f'{{ "role":"{role}",  "content" : "{text}", "x_turn":{turn}.0 }}')
    turns.append('{"role":"user","content":"say hello"}')
    return (
        f'{{\n  "zz_unknown": {{"deep": [1e2, 0.10, -0, null, {{"model": "decoy"}}]}},\n  "model" : "{model}",\n'
        f'  "stream":{str(stream).lower()}, "messages": [\n    '
        + ",\n    ".join(turns)
        + '\n  ],\n  "x_last":  true }\n'
    ).encode()


@pytest.mark.parametrize("stream", [False, True])
def test_120_kb_with_unknown_fields_differs_in_owned_fields_only(stand: Stand, stream: bool) -> None:
    asked = "chat/acme-large+lenient"
    body = big_body(asked, stream=stream)
    assert len(body) > 110_000
    status, _ = stand.gateway.call("POST", "/v1/chat/completions", body=body)
    assert status == 200
    sent = stand.chat.last.body
    wanted = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    got = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
    assert bytes(got.pop("model")) == b'"acme-large+lenient"'
    wanted.pop("model")
    if stream:
        assert bytes(got.pop("stream_options")) == b'{"include_usage":true}'
    assert {name: bytes(raw) for name, raw in got.items()} == {
        name: bytes(raw) for name, raw in wanted.items()
    }
    assert list(got) == list(wanted)


def raw_stream(port: int, path: str, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"content-type": "application/json", "x-api-key": "any", "anthropic-version": "2023-06-01"}
    connection.request("POST", path, body=body, headers=headers)
    answer = connection.getresponse()
    data = answer.read()
    assert answer.status == 200, data
    connection.close()
    return data


def test_replies_are_byte_identical(stand: Stand) -> None:
    """The same request straight to the vendor and through the gateway gives the same bytes."""
    chat = {
        "messages": [{"role": "user", "content": "tell me a story"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    claude = {"messages": [{"role": "user", "content": "tell me a story"}], "max_tokens": 200, "stream": True}
    for path, account, upstream, ask, model in (
        ("/v1/chat/completions", "chat", stand.chat, chat, "gpt-4.1"),
        ("/v1/messages", "claude", stand.claude, claude, "claude-haiku-4-5"),
    ):
        for streamed in (True, False):
            own = {key: value for key, value in ask.items() if streamed or not key.startswith("stream")}
            direct = _direct(upstream.port, path, {**own, "model": model}, key=f"{account}-key")
            through = raw_stream(
                stand.gateway.port, path, msgspec.json.encode({**own, "model": f"{account}/{model}"})
            )
            assert through == direct


def _direct(port: int, path: str, ask: dict[str, object], *, key: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {key}",
        "anthropic-version": "2023-06-01",
    }
    connection.request("POST", path, body=msgspec.json.encode(ask), headers=headers)
    data = connection.getresponse().read()
    connection.close()
    return data


ASK = msgspec.json.encode({"model": "chat/gpt-4.1", "messages": [{"role": "user", "content": "hi"}]})
RAW_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(ASK)),
        ("deflate", zlib.compress(ASK)),
        ("deflate", RAW_DEFLATE.compress(ASK) + RAW_DEFLATE.flush()),
        ("br", brotli.compress(ASK)),
        ("zstd", zstandard.compress(ASK)),
    ],
    ids=["gzip", "zlib", "raw deflate", "brotli", "zstd"],
)
def test_compressed_bodies_are_read(stand: Stand, encoding: str, body: bytes) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    assert stand.gateway.call("POST", "/v1/chat/completions", body=body, headers=headers)[0] == 200
    assert stand.chat.last.header("content-encoding") is None


def test_a_body_beyond_the_limit_is_refused_in_the_dialect(stand: Stand) -> None:
    bomb = gzip.compress(b'{"model":"' + b"x" * (70 * 1024 * 1024) + b'"}', 1)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    status, body = stand.gateway.call("POST", "/v1/messages", body=bomb, headers=headers)
    assert status == 413
    assert msgspec.json.decode(body)["error"]["type"] == "request_too_large"
    status, body = stand.gateway.call("POST", "/v1/chat/completions", body=bomb, headers=headers)
    assert msgspec.json.decode(body)["error"]["code"] == "request_too_large"


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/v1/chat/completions", "/chat/completions", "/v1/chat/completions/"]
)
def test_paths_as_people_type_them(stand: Stand, path: str) -> None:
    assert stand.gateway.call("POST", path, body=ASK)[0] == 200


def test_messages_with_beta_flag(stand: Stand) -> None:
    ask = {
        "model": "claude/claude-haiku-4-5",
        "max_tokens": 20,
        "messages": [{"role": "user", "content": "hi"}],
    }
    for path in ("/v1/messages?beta=true", "/messages?beta=true", "/v1/v1/messages"):
        assert stand.gateway.call("POST", path, body=msgspec.json.encode(ask))[0] == 200


def test_errors_speak_the_routes_dialect_and_carry_an_id(stand: Stand) -> None:
    for path, member in (("/v1/chat/completions", "code"), ("/v1/messages", "type")):
        connection = http.client.HTTPConnection("127.0.0.1", stand.gateway.port, timeout=30)
        connection.request("POST", path, body=b"{", headers={"content-type": "application/json"})
        answer = connection.getresponse()
        told = msgspec.json.decode(answer.read())
        assert answer.status == 400
        assert member in told["error"]
        assert answer.headers["x-request-id"] == answer.headers["request-id"]
        assert answer.headers["x-should-retry"] == "false"
        connection.close()


def test_wrong_method_and_unknown_path(stand: Stand) -> None:
    assert stand.gateway.get("/v1/chat/completions")[0] == 405
    assert stand.gateway.get("/v1/nothing")[0] == 404
