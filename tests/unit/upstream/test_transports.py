"""Both ways to reach providers keep the contract; what only our own does."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import brotli
import pytest

from flowrouter.errors import UpstreamError
from flowrouter.upstream import Transport
from flowrouter.upstream.aiohttp_client import AiohttpTransport
from flowrouter.upstream.http1 import Http1Transport, client, origin
from flowrouter.upstream.http1.dial import Proxy
from flowrouter.upstream.http1.origin import split_url
from flowrouter.upstream.inflate import Inflater
from flowrouter.upstream.lookup import Found
from tests.contracts.transport import TEN, TransportContract, request, says, whole
from tests.support.raw_server import Peer, RawServer
from tests.support.tls import certificate


class TestHttp1(TransportContract):
    @pytest.fixture
    async def transport(self) -> AsyncIterator[Transport]:
        transport = Http1Transport(connect_timeout=5)
        yield transport
        await transport.close()


class TestAiohttp(TransportContract):
    @pytest.fixture
    async def transport(self) -> AsyncIterator[Transport]:
        transport = AiohttpTransport(connect_timeout=5)
        yield transport
        await transport.close()

    @pytest.mark.xfail(strict=True, reason="aiohttp takes what a host says unasked for its next answer")
    async def test_a_late_answer_to_nobody(self, transport: Transport) -> None:
        await super().test_a_late_answer_to_nobody(transport)


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    made = Http1Transport(connect_timeout=5)
    yield made
    await made.close()


async def test_a_request_that_met_a_dying_connection_is_sent_again(transport: Http1Transport) -> None:
    """The other end closes an idle connection in the moment it is used."""

    async def script(peer: Peer, _request: bytes) -> None:
        if peer.turn == 1:
            await peer.say(TEN + b"0123456789")
        else:
            peer.reset()

    async with RawServer(script).running() as server:
        for _ in range(3):
            assert await whole(transport, request(server.url)) == (200, b"0123456789")
        assert server.connections == 3


async def test_a_new_connection_that_dies_is_a_failure(transport: Http1Transport) -> None:
    async def script(peer: Peer, _request: bytes) -> None:
        peer.reset()

    async with RawServer(script).running() as server:
        with pytest.raises(UpstreamError) as caught:
            await transport.send(request(server.url))
        assert caught.value.kind == "reset"
        assert server.connections == 1


async def test_nothing_is_sent_again_once_an_answer_began(transport: Http1Transport) -> None:
    async def script(peer: Peer, _request: bytes) -> None:
        if peer.turn == 1:
            await peer.say(TEN + b"0123456789")
        else:
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-")
            peer.close()

    async with RawServer(script).running() as server:
        await whole(transport, request(server.url))
        with pytest.raises(UpstreamError) as caught:
            await transport.send(request(server.url))
        assert caught.value.kind == "reset"
        assert len(server.requests) == 2


async def test_an_early_refusal_of_a_large_body(transport: Http1Transport) -> None:
    """The answer comes before the body has left; the connection is not used again."""
    taken, over = 0, asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for expected in (1, 2):
        assert await whole(transport, request(url, b"x" * 32_000_000)) == (413, b"big")
        assert taken == expected
    over.set()
    server.close()
    await asyncio.sleep(0.01)


async def test_an_address_without_end_is_not_kept() -> None:
    """Some hold the model's name, which a caller may choose."""

    transport = Http1Transport(connect_timeout=5)
    caches = (origin._split_kept, client._kept)
    async with says(TEN + b"0123456789").running() as server:
        for path, more in (("x" * 10_000, 0), ("short", 1)):
            before = [cache.cache_info().misses for cache in caches]
            await whole(transport, request(f"{server.url}/v1/models/{path}:generateContent"))
            assert [cache.cache_info().misses for cache in caches] == [each + more for each in before]
    await transport.close()


async def test_idle_connections_are_closed_after_a_while() -> None:
    transport = Http1Transport(connect_timeout=5, keepalive=0.05)
    async with says(TEN + b"0123456789").running() as server:
        await whole(transport, request(server.url))
        await asyncio.sleep(0.1)
        await whole(transport, request(server.url))
        assert server.connections == 2
        await transport.close()


async def test_the_next_address_is_tried_where_one_is_silent() -> None:
    async def look_up(host: str, port: int) -> list[Found]:
        del host, port
        return [Found(socket.AF_INET6, "::1"), Found(socket.AF_INET, "127.0.0.1")]

    transport = Http1Transport(connect_timeout=5, look_up=look_up)
    async with says(TEN + b"0123456789").running() as server:
        url = f"http://somewhere.example:{server.port}"
        assert await whole(transport, request(url)) == (200, b"0123456789")
        assert f"host: somewhere.example:{server.port}".encode() in server.requests[0]
    await transport.close()


async def test_names_are_looked_up_once_a_minute() -> None:
    asked = []

    async def look_up(host: str, port: int) -> list[Found]:
        asked.append((host, port))
        return [Found(socket.AF_INET, "127.0.0.1")]

    transport = Http1Transport(connect_timeout=5, look_up=look_up)
    async with says(TEN + b"0123456789", then="close").running() as server:
        for _ in range(3):
            await whole(transport, request(f"http://somewhere.example:{server.port}"))
            await asyncio.sleep(0.01)
    assert len(asked) == 1
    await transport.close()


async def test_tls_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, authority = certificate(
        tmp_path, names=["localhost"], addresses=[ipaddress.ip_address("127.0.0.1")]
    )
    async with _secure(context).running() as server:
        stranger = Http1Transport(connect_timeout=5)
        with pytest.raises(UpstreamError, match="certificate"):
            await stranger.send(request(server.url))
        await stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        friend = Http1Transport(connect_timeout=5)
        for _ in range(2):
            assert await whole(friend, request(server.url)) == (200, b"0123456789")
        assert server.connections == 1
        await friend.close()


async def test_a_certificate_for_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, authority = certificate(tmp_path, names=["elsewhere.example"], addresses=[])
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with _secure(context).running() as server:
        transport = Http1Transport(connect_timeout=5)
        with pytest.raises(UpstreamError, match="certificate"):
            await transport.send(request(server.url))
        await transport.close()


async def test_a_proxy_opens_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are the proxy's to look up; TLS is spoken with the host behind it."""
    context, authority = certificate(tmp_path, names=["llm.example"], addresses=[])
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with _secure(context).running() as server, _tunnels(server.port).running() as proxy:
        origin, _ = split_url(proxy.url + "/")
        transport = Http1Transport(connect_timeout=5, proxy=Proxy(origin, user="me", password="s%20cret"))
        for _ in range(2):
            assert await whole(transport, request("https://llm.example")) == (200, b"0123456789")
        asked = proxy.requests[0]
        assert asked.startswith(b"CONNECT llm.example:443 HTTP/1.1\r\n")
        assert b"proxy-authorization: Basic bWU6cyBjcmV0\r\n" in asked
        assert (proxy.connections, b"proxy" in server.requests[0]) == (1, False)
        await transport.close()


async def test_a_proxy_that_refuses() -> None:
    async with says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").running() as proxy:
        origin, _ = split_url(proxy.url + "/")
        transport = Http1Transport(connect_timeout=5, proxy=Proxy(origin))
        with pytest.raises(UpstreamError, match=r"refused to connect \(407\)") as caught:
            await transport.send(request("http://llm.example"))
        assert caught.value.kind == "connect"
        await transport.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "inside.example", "a.near.example"])
def test_what_is_near_is_reached_without_the_proxy(host: str) -> None:
    proxy = Proxy(split_url("http://proxy.example:3128/")[0], besides=("inside.example", "*.near.example"))
    assert not proxy.serves(split_url(f"http://{host}/")[0])


def test_everything_else_is_reached_through_it() -> None:
    proxy = Proxy(split_url("http://proxy.example:3128/")[0], besides=(".near.example",))
    for host in ("api.openai.com", "far.example", "notnear.example", "10.0.0.7"):
        assert proxy.serves(split_url(f"https://{host}/")[0])


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://Example.COM/v1", "example.com", "/v1"),
        ("https://bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://x.example", "x.example", "/"),
        ("http://x.example?a=b", "x.example", "/?a=b"),
        ("http://x.example/a#fragment", "x.example", "/a"),
        ("http://[::1]:8080/a", "::1", "/a"),
    ],
)
def test_urls_are_taken_apart(url: str, host: str, target: str) -> None:
    origin, found = split_url(url)
    assert (origin.host, found) == (host, target)


def test_credentials_in_a_url_are_refused() -> None:
    with pytest.raises(UpstreamError):
        split_url("http://user:secret@x.example/")


def _secure(context: ssl.SSLContext) -> RawServer:
    async def script(peer: Peer, _request: bytes) -> None:
        await peer.say(TEN + b"0123456789")

    return RawServer(script, context=context)


def _tunnels(port: int) -> RawServer:
    """Return a proxy that takes every host for the one at `port`."""

    async def script(peer: Peer, _request: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while piece := await source.read(4096):
                sink.write(piece)
            sink.close()

        try:
            await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))
        finally:
            writer.transport.abort()

    return RawServer(script)


async def test_what_may_have_been_worked_on_is_not_sent_again(
    transport: Http1Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reused connection that ends only after a while may have carried the request to somebody."""
    monkeypatch.setattr(client, "RESEND_SECONDS", 0.05)

    async def script(peer: Peer, _request: bytes) -> None:
        if peer.turn == 1:
            await peer.say(TEN + b"0123456789")
        else:
            await asyncio.sleep(0.2)
            peer.close()

    async with RawServer(script).running() as server:
        await whole(transport, request(server.url))
        with pytest.raises(UpstreamError) as caught:
            await transport.send(request(server.url))
        assert caught.value.kind == "reset"
        assert len(server.requests) == 2


async def test_nothing_is_sent_again_behind_the_end(transport: Http1Transport) -> None:
    async def script(peer: Peer, _request: bytes) -> None:
        if peer.turn == 1:
            await peer.say(TEN + b"0123456789")
        else:
            await peer.reader.read()

    async with RawServer(script).running() as server:
        await whole(transport, request(server.url))
        sending = asyncio.ensure_future(transport.send(request(server.url)))
        while len(server.requests) < 2:
            await asyncio.sleep(0.01)
        await transport.close()
        with pytest.raises(UpstreamError):
            await sending
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"], ids=["no", "an"]
)
async def test_an_end_while_the_body_is_still_leaving(transport: Http1Transport, answer: bytes) -> None:
    """The other end says no more and reads no more: neither a hang nor a connection left behind."""
    over = asyncio.Event()

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.write_eof()
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    asked = request(url, b"x" * 32_000_000)
    if answer:
        assert await asyncio.wait_for(whole(transport, asked), 10) == (413, b"big")
    else:
        with pytest.raises(UpstreamError):
            await asyncio.wait_for(transport.send(asked), 10)
    await asyncio.sleep(0.01)
    assert not transport._pool.open
    over.set()
    server.close()
    await asyncio.sleep(0.01)


async def test_a_packed_answer_that_breaks_off_within_is_cut(transport: Http1Transport) -> None:
    packed = gzip.compress(bytes(range(256)) * 200)[:-20]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with says(head + packed).running() as server:
        with pytest.raises(UpstreamError, match="cut off"):
            await whole(transport, request(server.url))


async def test_our_own_end_is_not_the_end_of_an_answer(transport: Http1Transport) -> None:
    async with says(b"HTTP/1.1 200 OK\r\n\r\n01234").running() as server:
        reply = await transport.send(request(server.url))
        assert await reply.read() == b"01234"
        await transport.close()
        with pytest.raises(UpstreamError, match="cut off"):
            await reply.read()


async def test_a_proxy_of_few_words() -> None:
    async def script(peer: Peer, asked: bytes) -> None:
        await peer.say(b"HTTP/1.1 200\r\n\r\n" if asked.startswith(b"CONNECT") else TEN + b"0123456789")

    async with RawServer(script).running() as proxy:
        transport = Http1Transport(connect_timeout=5, proxy=Proxy(split_url(proxy.url + "/")[0]))
        assert await whole(transport, request("http://llm.example")) == (200, b"0123456789")
        await transport.close()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
def test_packed_pieces_of_every_size(size: int) -> None:
    text = b"data: 0123456789\n\n" * 500
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    forms = {
        "gzip": gzip.compress(text) + gzip.compress(b"") + gzip.compress(text) + bytes(5),
        "deflate": zlib.compress(text + text),
        " deflate": bare.compress(text + text) + bare.flush(),
        "br": brotli.compress(text + text),
    }
    for name, packed in forms.items():
        inflater, plain = Inflater(name.strip()), b""
        for start in range(0, len(packed), size):
            plain += inflater.feed(packed[start : start + size])
            while more := inflater.rest():
                plain += more
        assert plain == text + text, name
        assert not inflater.is_cut(), name
