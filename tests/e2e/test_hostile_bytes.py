"""What is not exactly HTTP/1.1 is refused and its connection closed; what dawdles is cut (raw sockets)."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import msgspec
import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

HOST = b"Host: 127.0.0.1"
JSON = b"Content-Type: application/json"
CHUNKED = b"Transfer-Encoding: chunked"
POST = b"POST /v1/chat/completions HTTP/1.1"
GET = b"GET /healthz HTTP/1.1"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
"""What an attacker hides behind a request: it must never be answered."""


def lines(*parts: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join(parts) + b"\r\n\r\n" + body


SMUGGLED: dict[str, bytes] = {
    "length and chunks": lines(POST, HOST, JSON, b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "chunks and length": lines(POST, HOST, JSON, CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": lines(POST, HOST, JSON, b"Content-Length: 0", b"Content-Length: 6"),
    "one length twice": lines(POST, HOST, JSON, b"Content-Length: 0", b"Content-Length: 0"),
    "a list of lengths": lines(POST, HOST, JSON, b"Content-Length: 0, 0"),
    "a length with a sign": lines(POST, HOST, JSON, b"Content-Length: +0"),
    "a negative length": lines(POST, HOST, JSON, b"Content-Length: -1"),
    "a length in hex": lines(POST, HOST, JSON, b"Content-Length: 0x0"),
    "a length with an underscore": lines(POST, HOST, JSON, b"Content-Length: 1_0"),
    "a length beyond all": lines(POST, HOST, JSON, b"Content-Length: 99999999999999999999999"),
    "an encoding that looks alike": lines(POST, HOST, JSON, b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "an encoding behind a control": lines(POST, HOST, JSON, b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n"),
    "chunks and then identity": lines(POST, HOST, JSON, b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "compressed chunks": lines(POST, HOST, JSON, b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunks twice": lines(POST, HOST, JSON, CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunks in HTTP/1.0": lines(b"POST /v1/chat/completions HTTP/1.0", HOST, JSON, CHUNKED, body=b"0\r\n\r\n"),
    "a blank before the colon": lines(POST, HOST, JSON, b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a folded line": lines(GET, HOST, b"X-A: a\r\n b"),
    "a folded encoding": lines(POST, HOST, JSON, b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
    "a fold at once": lines(GET, b" X-A: a", HOST),
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n",
    "one bare line feed": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\nX: y\r\n\r\n",
    "a bare line feed at the end": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\n",
    "a bare carriage return": lines(GET, HOST, b"X: a\rTransfer-Encoding: chunked"),
    "a zero byte": lines(GET, HOST, b"X: a\x00b"),
    "a line without a colon": lines(GET, HOST, b"Xfoo"),
    "a header without a name": lines(GET, HOST, b": foo"),
    "two hosts": lines(GET, HOST, b"Host: evil.example"),
    "one host twice": lines(GET, HOST, HOST),
    "no host": lines(GET, b"X: y"),
    "an address that is not the host's": lines(b"GET http://evil.example/healthz HTTP/1.1", HOST),
    "a chunk of negative size": lines(POST, HOST, JSON, CHUNKED, body=b"-1\r\n\r\n"),
    "a chunk size with a prefix": lines(POST, HOST, JSON, CHUNKED, body=b"0x5\r\naaaaa\r\n0\r\n\r\n"),
    "a chunk size beyond all": lines(POST, HOST, JSON, CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\n"),
    "a chunk that ends in a line feed": lines(POST, HOST, JSON, CHUNKED, body=b"5\naaaaa\r\n0\r\n\r\n"),
    "a chunk without its end": lines(POST, HOST, JSON, CHUNKED, body=b"5\r\naaaaaX0\r\n\r\n"),
    "a line feed in a chunk's extension": lines(POST, HOST, JSON, CHUNKED, body=b"5;a\nb\r\naaaaa\r\n0\r\n\r\n"),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/2 in the clear": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0 by name": lines(b"GET /healthz HTTP/2.0", HOST),
    "a tunnel": lines(b"CONNECT evil.example:80 HTTP/1.1", HOST),
    "tabs for blanks": b"GET\t/healthz\tHTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "no text in the address": lines(b"GET /heal\xffthz HTTP/1.1", HOST),
}  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(upstream: ScriptedUpstream) -> Iterator[RunningGateway]:
    account = {
        "name": "chat", "preset": "custom-openai", "base_url": upstream.openai_url, "api_key": "k", "models": ["*"],
    }  # fmt: skip
    server = {"header_timeout": 0.5, "body_timeout": 0.5, "header_limit_kib": 32, "header_count": 60}
    with RunningGateway([account], settings={"server": server}) as running:
        yield running


def exchange(gateway: RunningGateway, *pieces: bytes, until_closed: bool = True) -> bytes:
    """Send `pieces` and return all that comes back until the gateway closes (or one answer is whole)."""
    answer = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65536):
                answer += piece
                if not until_closed and answer.endswith(b"}"):
                    break
        except ConnectionError:
            pass  # closed while we were still sending
    return answer


@pytest.mark.parametrize("case", SMUGGLED)
def test_ambiguous_requests_are_refused_and_the_connection_ends(gateway: RunningGateway, case: str) -> None:
    answer = exchange(gateway, SMUGGLED[case] + NEXT)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert len(re.findall(rb"HTTP/1\.1 \d", answer)) == 1, "what stood behind it was taken for a request"
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (lines(GET, HOST, b"X: " + b"a" * 100_000), 431),
        (lines(GET, HOST, *[b"X%d: a" % number for number in range(100)]), 431),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 10_000_000, 431),
        (lines(b"GET /healthz?" + b"a" * 20_000 + b" HTTP/1.1", HOST), 414),
    ],
    ids=["one large", "many", "one without end", "a long address"],
)
def test_heads_have_limits(gateway: RunningGateway, head: bytes, status: int) -> None:
    answer = exchange(gateway, head)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert gateway.get("/healthz")[0] == 200


def test_trailers_are_no_headers(gateway: RunningGateway, upstream: ScriptedUpstream) -> None:
    body = msgspec.json.encode({"model": "chat/m", "messages": [{"role": "user", "content": "hi"}]})
    trailer = b"Host: evil.example\r\nOrigin: https://evil.example\r\nAnthropic-Beta: canary-trailer\r\n"
    sent = lines(POST, HOST, JSON, CHUNKED, body=b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer))
    answer = exchange(gateway, sent, until_closed=False)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    upstream.assert_never_received("canary-trailer")


def test_an_offer_to_upgrade_loses_no_body(gateway: RunningGateway) -> None:
    """Java's HTTP client offers HTTP/2 on every first request in the clear."""
    body = msgspec.json.encode({"model": "chat/m", "messages": [{"role": "user", "content": "hi"}]})
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAAAAIAAAAB")
    sent = lines(POST, HOST, JSON, b"Content-Length: %d" % len(body), *offer, body=body)
    for pieces in ((sent,), (sent[:40], sent[40:-7], sent[-7:])):
        answer = exchange(gateway, *pieces, until_closed=False)
        assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_slow_heads_are_cut(gateway: RunningGateway) -> None:
    answer = exchange(gateway, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    assert answer.startswith(b"HTTP/1.1 408 "), answer


@pytest.mark.parametrize("said", [b"", b"\r\n\r\n"], ids=["silence", "empty lines"])
def test_connections_without_a_request_are_closed(gateway: RunningGateway, said: bytes) -> None:
    assert exchange(gateway, said) == b""


def test_slow_bodies_are_cut(gateway: RunningGateway) -> None:
    answer = exchange(gateway, lines(POST, HOST, JSON, b"Content-Length: 1000", body=b"{"))
    assert answer.startswith(b"HTTP/1.1 408 "), answer


def test_a_slow_body_on_a_management_route_is_cut(gateway: RunningGateway) -> None:
    token = (gateway.data / "local.token").read_text().strip().encode()
    head = lines(
        b"POST /api/keys HTTP/1.1", HOST, JSON, b"Authorization: Bearer " + token, b"Content-Length: 90"
    )
    assert exchange(gateway, head, b"{").startswith(b"HTTP/1.1 408 ")


def test_many_dawdlers_hold_up_nobody(gateway: RunningGateway) -> None:
    dawdlers = [socket.create_connection(("127.0.0.1", gateway.port), timeout=20) for _ in range(200)]
    try:
        for dawdler in dawdlers:
            dawdler.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost:")
        assert gateway.get("/healthz")[0] == 200
        for dawdler in dawdlers:
            assert dawdler.recv(100).startswith(b"HTTP/1.1 408 ")
    finally:
        for dawdler in dawdlers:
            dawdler.close()


def test_nothing_of_this_is_a_defect(gateway: RunningGateway) -> None:
    gateway.assert_no_complaints()
