"""Odd clients and odd upstreams, byte by byte over real sockets: nothing hangs, nothing slips past the guard."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import msgspec
import pytest

from flowrouter.httpkit.keys import mint
from tests.e2e.conftest import Stand, accounts
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

MESSAGES = [{"role": "user", "content": "hi"}]
ASK = msgspec.json.encode({"model": "chat/gpt-4.1", "messages": MESSAGES})
JSON = {"content-type": "application/json"}
WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}'
)
CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}\n\n'
)
FINISH = CHUNK.replace(b'{"content":"Hello"}', b"{}").replace(b"null", b'"stop"')
STREAM = CHUNK + FINISH + b"data: [DONE]\n\n"


def post(path: str = "/v1/chat/completions", body: bytes = ASK, *lines: str, version: str = "1.1") -> bytes:
    """Return a request as bytes; `lines` are further header lines."""
    head = [f"POST {path} HTTP/{version}", "content-type: application/json", f"content-length: {len(body)}"]
    return ("\r\n".join([*head, *lines]) + "\r\n\r\n").encode("latin-1") + body


def talk(port: int, sent: bytes, *, until: bytes = b"", seconds: float = 20.0) -> bytes:
    """Send bytes and return what comes back, up to `until` or the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(sent)
        heard = b""
        while not until or until not in heard:
            piece = connection.recv(65536)
            if not piece:
                break
            heard += piece
        return heard


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "request_bytes",
    [
        post("/v1/chat/completions", ASK, "connection: close"),
        post("/v1/chat/completions", ASK, "host: evil.example", "connection: close"),
        post("/v1/chat/completions", ASK, "host: 127.0.0.1", "host: evil.example", "connection: close"),
        post("/v1/chat/completions", ASK, "host: evil.example", "host: 127.0.0.1", "connection: close"),
        post("/v1/chat/completions", ASK, "host: 127.0.0.1@evil.example", "connection: close"),
        post("/v1/chat/completions", ASK, version="1.0"),
        post("http://127.0.0.1/v1/chat/completions", ASK, "host: evil.example", "connection: close"),
        post("/v1%2Fchat%2fcompletions", ASK, "host: evil.example", "connection: close"),
        post("//v1//chat/completions", ASK, "host: 127.0.0.1", "origin: null", "connection: close"),
        post("/v1/chat/completions", ASK, "host: 127.0.0.1", "origin: http://127.0.0.1", "origin: http://evil.example", "connection: close"),
        post("/v1/chat/completions", ASK, "host: 127.0.0.1", "content-type: text/plain", "connection: close"),
    ],
)  # fmt: skip
def test_no_form_of_a_request_passes_the_guard(stand: Stand, request_bytes: bytes) -> None:
    before = len(stand.chat.calls)
    assert status(talk(stand.gateway.port, request_bytes)) in (400, 403, 415, 421)
    assert len(stand.chat.calls) == before


@pytest.mark.parametrize(
    "path", ["//api/accounts", "/api//accounts", "/%61pi/accounts", "/v1/../api/accounts", "/api/accounts/"]
)
def test_no_spelling_of_a_management_path_needs_no_credential(stand: Stand, path: str) -> None:
    code, body = stand.gateway.get(path)
    assert code in (401, 404), body
    assert b"base_url" not in body


def test_head_is_answered_like_get_without_a_body(stand: Stand) -> None:
    for path in ("/healthz", "/readyz", "/v1/models"):
        heard = talk(
            stand.gateway.port,
            f"HEAD {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode(),
        )
        assert status(heard) == 200
        assert heard.partition(b"\r\n\r\n")[2] == b""


def test_requests_sent_behind_each_other_are_answered_in_their_order(stand: Stand) -> None:
    first = msgspec.json.encode({"model": "chat/gpt-4.1", "messages": MESSAGES, "stream": True})
    sent = post("/v1/chat/completions", first, "host: 127.0.0.1")
    sent += post("/v1/chat/completions", ASK, "host: 127.0.0.1", "connection: close")
    heard = talk(stand.gateway.port, sent)
    assert heard.count(b"HTTP/1.1 200") == 2
    assert heard.index(b"[DONE]") < heard.index(b'"chat.completion"')


def test_a_client_may_wait_for_100_continue(stand: Stand) -> None:
    request = post(
        "/v1/chat/completions", ASK, "host: 127.0.0.1", "expect: 100-continue", "connection: close"
    )
    with socket.create_connection(("127.0.0.1", stand.gateway.port), timeout=20) as connection:
        connection.sendall(request[: -len(ASK)])
        assert connection.recv(1024).startswith(b"HTTP/1.1 100")
        connection.sendall(ASK)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_strangers_body_is_not_waited_for(stand: Stand) -> None:
    head = post("/v1/messages", b"", "host: 127.0.0.1", "x-api-key: " + mint().token)
    head = head.replace(b"content-length: 0", b"content-length: 1000000")
    assert status(talk(stand.gateway.port, head, until=b"}")) == 401


class RawUpstream:
    """Answers every POST with the same bytes, on kept connections; counts what it accepts."""

    def __init__(self) -> None:
        self.answer = b""
        self.posts = 0
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                length = 0
                while (header := reader.readline()) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                reader.read(length)
                if not line.startswith(b"POST"):
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                    continue
                self.posts += 1
                connection.sendall(self.answer)
                if b"connection: close" in self.answer:
                    return


def framed(body: bytes, *lines: str, declared: int | None = None) -> bytes:
    """Return a 200 with `body` and its length, or another one."""
    head = ["HTTP/1.1 200 OK", f"content-length: {len(body) if declared is None else declared}", *lines]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


@pytest.fixture(scope="module")
def raw() -> Iterator[tuple[RunningGateway, RawUpstream]]:
    with RawUpstream() as upstream:
        account = {
            "name": "raw", "preset": "custom-openai", "base_url": f"http://127.0.0.1:{upstream.port}/v1",
            "api_key": "raw-secret-key", "models": ["*"],
        }  # fmt: skip
        with RunningGateway([account]) as gateway:
            yield gateway, upstream


def ask(gateway: RunningGateway, *, stream: bool) -> tuple[int, bytes]:
    body = msgspec.json.encode({"model": "m", "messages": MESSAGES, "stream": stream})
    return gateway.call("POST", "/v1/chat/completions", body=body)


SSE_TYPE, JSON_TYPE = "content-type: text/event-stream", "content-type: application/json"
SPOILED = {
    "blank": framed(b"\n", JSON_TYPE),
    "blanks and a mark": framed(b"\xef\xbb\xbf \r\n", JSON_TYPE),
    "no gzip": framed(STREAM, SSE_TYPE, "content-encoding: gzip"),
    "half a gzip": framed(gzip.compress(WHOLE)[:-20], JSON_TYPE, "content-encoding: gzip"),
    "less than declared": framed(CHUNK, SSE_TYPE, "connection: close", declared=5000),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    "an array": framed(b"[" + WHOLE + b"]", JSON_TYPE),
    "lines of JSON": framed(WHOLE + b"\n" + WHOLE, "content-type: application/x-ndjson"),
    "a number": framed(b"42", JSON_TYPE),
    "deep": framed(b"[" * 100_000, JSON_TYPE),
    "no text": framed(bytes(range(256)) * 20, JSON_TYPE),
    "a bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n",
    "no HTTP": b"hello\r\n\r\nconnection: close",
    "a head too many": framed(WHOLE, JSON_TYPE, "x-long: " + "x" * 100_000),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_answer_is_an_error_and_the_gateway_goes_on(
    raw: tuple[RunningGateway, RawUpstream], name: str, stream: bool
) -> None:
    gateway, upstream = raw
    upstream.answer = SPOILED[name]
    code, body = ask(gateway, stream=stream)
    if code == 200:
        assert stream, body
        assert b"[DONE]" not in body
    assert b'"error"' in body
    assert b"raw-secret-key" not in body
    assert gateway.get("/healthz")[0] == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        framed(STREAM + b"data: {]\n\ndata: [DONE]\n\n" + CHUNK, SSE_TYPE),
        framed(b"\xef\xbb\xbf" + STREAM, SSE_TYPE),
        framed(b": hi\n\n\n\n" + STREAM.replace(b"\n", b"\r\n"), SSE_TYPE),
        framed(b"\r\n \n" + WHOLE + b"\n", JSON_TYPE),
        framed(b"\xef\xbb\xbf" + WHOLE, JSON_TYPE),
        framed(gzip.compress(STREAM), SSE_TYPE, "content-encoding: gzip"),
        framed(STREAM, SSE_TYPE, "set-cookie: a=b", "connection: close"),
    ],
)
def test_an_answer_in_odd_clothes_arrives(
    raw: tuple[RunningGateway, RawUpstream], answer: bytes, stream: bool
) -> None:
    gateway, upstream = raw
    upstream.answer = answer
    code, body = ask(gateway, stream=stream)
    assert code == 200, body
    assert b"Hello" in body
    assert body.count(b"[DONE]") == (1 if stream else 0)


@pytest.mark.parametrize("stream", [False, True])
def test_the_connection_to_a_provider_is_used_again(
    raw: tuple[RunningGateway, RawUpstream], stream: bool
) -> None:
    gateway, upstream = raw
    upstream.answer = framed(STREAM, SSE_TYPE)
    assert ask(gateway, stream=stream)[0] == 200
    before = upstream.connections
    for _ in range(5):
        assert ask(gateway, stream=stream)[0] == 200
    assert upstream.connections == before


def test_a_provider_that_restarted_is_reached_on_a_new_connection(stand: Stand) -> None:
    for _ in range(5):
        assert stand.gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200
        stand.chat.drop_connections()
    assert stand.gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200


def test_leaving_the_queue_of_a_full_account_leaves_no_trace(chat_upstream: ScriptedUpstream) -> None:
    account = {
        "name": "narrow", "preset": "custom-openai", "base_url": chat_upstream.openai_url,
        "api_key": "chat-key", "models": ["*"], "max_concurrency": 1,
    }  # fmt: skip
    slow = {"model": "gpt-4.1+long-40+gap-25", "messages": MESSAGES, "stream": True}
    with RunningGateway([account]) as gateway, ThreadPoolExecutor(8) as pool:

        def whole(wait: float) -> int:
            time.sleep(wait)
            return gateway.call("POST", "/v1/chat/completions", body=ASK)[0]

        def leave(wait: float) -> None:
            time.sleep(wait)
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
            connection.request("POST", "/v1/chat/completions", body=ASK, headers=JSON)
            time.sleep(0.2)
            connection.close()

        holding = pool.submit(gateway.call, "POST", "/v1/chat/completions", body=msgspec.json.encode(slow))
        leaving = [pool.submit(leave, 0.2) for _ in range(3)]
        waiting = [pool.submit(whole, 0.3) for _ in range(2)]
        assert b"[DONE]" in holding.result()[1]
        assert [one.result() for one in waiting] == [200, 200]
        assert [one.result() for one in leaving] == [None] * 3
        assert gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200
        token = (gateway.data / "local.token").read_text().strip()
        rows = gateway.get("/api/requests", headers={"authorization": f"Bearer {token}"})[1]
    assert rows.count(b'"cancelled"') == 3


def test_connections_that_are_reset_leave_no_noise_in_the_log() -> None:
    with ScriptedUpstream(dialect="openai_chat", keys=["chat-key"]) as upstream:
        account = {
            "name": "chat", "preset": "custom-openai", "base_url": upstream.openai_url,
            "api_key": "chat-key", "models": ["*"],
        }  # fmt: skip
        with RunningGateway([account]) as gateway:
            for model in ("gpt-4.1", "gpt-4.1+fault-reset-midstream", "gpt-4.1"):
                body = msgspec.json.encode({"model": model, "messages": MESSAGES, "stream": True})
                for _ in range(5):
                    gateway.call("POST", "/v1/chat/completions", body=body)
            upstream.drop_connections()
            for _ in range(20):
                gateway.get("/v1/models")
            assert gateway.stop() == 0
            assert "never retrieved" not in gateway.log
            assert "Traceback" not in gateway.log


def test_a_client_of_http_1_0_gets_its_stream_without_chunks(stand: Stand) -> None:
    ask = msgspec.json.encode({"model": "chat/gpt-4.1", "messages": MESSAGES, "stream": True})
    head, _, body = talk(
        stand.gateway.port, post("/v1/chat/completions", ask, "host: 127.0.0.1", version="1.0")
    ).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")
    assert all(frame.startswith((b"data: ", b": ")) for frame in body.split(b"\n\n") if frame)


def test_a_client_that_stays_but_reads_no_more_is_given_up(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    """A connection that is never read from must not hold its upstream call for ever."""
    patience = {"timeouts": {"stall": 1.0, "heartbeat": 0.5}}
    ask = {
        "model": "chat/gpt-4.1+long-60000",
        "stream": True,
        "messages": [{"role": "user", "content": "hi"}],
    }
    body = msgspec.json.encode(ask)
    with RunningGateway(accounts(chat_upstream, claude_upstream), settings=patience) as gateway:
        before = len(chat_upstream.disconnects)
        with socket.create_connection(("127.0.0.1", gateway.port)) as deaf:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            deaf.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            chat_upstream.wait_for(lambda: len(chat_upstream.disconnects) > before, timeout=30)
            chat_upstream.wait_for(lambda: not chat_upstream.in_flight, timeout=10)
