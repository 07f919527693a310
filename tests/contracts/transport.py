"""The contract of `Transport`: what any way to reach providers does with any bytes they may send."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.upstream import Reply, Transport
from flowrouter.wire.http import HttpRequest
from tests.support.raw_server import Peer, RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
TEN = OK + b"Content-Length: 10\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def request(url: str, body: bytes = b"{}", path: str = "/v1/x") -> HttpRequest:
    return HttpRequest(
        method="POST", url=url + path, headers=(("content-type", "application/json"),), body=body
    )


async def whole(transport: Transport, asked: HttpRequest) -> tuple[int, bytes]:
    """Return status and body; raises `UpstreamError`."""
    reply = await transport.send(asked)
    try:
        body = b""
        while piece := await reply.read():
            body += piece
        return reply.status, body
    finally:
        reply.close()


async def flowed(reply: Reply, *, greedy: bool) -> bytes:
    """Return the body of a reply, as much of it as may be by `flow`; raises `UpstreamError`."""
    body = bytearray()

    def take(piece: bytes) -> bool:
        body.extend(piece)
        return greedy

    while piece := await reply.read():
        body += piece
        await reply.flow(take)
    return bytes(body)


def says(*pieces: bytes, then: str = "stay") -> RawServer:
    """Return a server that answers every request so; `then` it may `close` or `reset`."""

    async def script(peer: Peer, _request: bytes) -> None:
        await peer.say(*pieces)
        if then == "close":
            peer.close()
        elif then == "reset":
            await asyncio.sleep(0.02)
            peer.reset()

    return RawServer(script)


FRAMINGS: dict[str, tuple[bytes, ...]] = {
    "length": (TEN + b"0123456789",),
    "length in pieces": (TEN, b"01234", b"56789"),
    "byte by byte": tuple(bytes([each]) for each in TEN + b"0123456789"),
    "chunks": (CHUNKED + b"4\r\n0123\r\n6;ext=1\r\n456789\r\n0\r\n\r\n",),
    "chunks with a trailer": (CHUNKED, b"a\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    "an interim answer first": (b"HTTP/1.1 100 Continue\r\n\r\n", TEN + b"0123456789"),
    "early hints first": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + TEN + b"0123456789",),
}

DAMAGED: dict[str, bytes] = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "two lengths": OK + b"Content-Length: 10\r\nContent-Length: 11\r\n\r\n0123456789",
    "length and chunks": OK
    + b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
    "a negative length": OK + b"Content-Length: -1\r\n\r\n0123456789",
    "a length that is none": OK + b"Content-Length: ten\r\n\r\n0123456789",
    "a chunk size that is none": CHUNKED + b"zz\r\n0123456789\r\n0\r\n\r\n",
    "a chunk size beyond all": CHUNKED + b"f" * 20 + b"\r\n0123456789\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"2\r\n0123456789\r\n0\r\n\r\n",
    "a header without a colon": OK + b"nonsense\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a header too long": OK + b"X: " + b"x" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    "a header without end": OK + b"X: " + b"x" * 300_000,
}

CUT: dict[str, bytes] = {
    "before anything": b"",
    "in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "before the body": TEN,
    "in the body": TEN + b"01234",
    "in a chunk": CHUNKED + b"a\r\n01234",
    "between chunks": CHUNKED + b"5\r\n01234\r\n",
    "before the last chunk's end": CHUNKED + b"5\r\n01234\r\n0\r\n",
}


class TransportContract:
    """Subclass it and override `transport`."""

    @pytest.fixture
    def transport(self) -> Transport:
        raise NotImplementedError

    @pytest.mark.parametrize("framing", FRAMINGS)
    async def test_every_framing(self, transport: Transport, framing: str) -> None:
        async with says(*FRAMINGS[framing]).running() as server:
            for _ in range(2):
                assert await whole(transport, request(server.url)) == (200, b"0123456789")
            assert server.connections == 1

    @pytest.mark.parametrize("framing", FRAMINGS)
    async def test_a_body_is_had_entire_or_read(self, transport: Transport, framing: str) -> None:
        async with says(b"".join(FRAMINGS[framing])).running() as server:
            for _ in range(2):
                reply = await transport.send(request(server.url))
                body = reply.entire() or b""
                while piece := await reply.read():
                    body += piece
                reply.close()
                assert body == b"0123456789"
            assert server.connections == 1

    async def test_a_body_that_ends_with_the_connection(self, transport: Transport) -> None:
        async with says(OK + b"\r\n", b"01234", b"56789", then="close").running() as server:
            for _ in range(2):
                assert await whole(transport, request(server.url)) == (200, b"0123456789")
            assert server.connections == 2

    @pytest.mark.parametrize("status", [204, 304])
    async def test_statuses_without_a_body(self, transport: Transport, status: int) -> None:
        async with says(b"HTTP/1.1 %d X\r\n\r\n" % status).running() as server:
            for _ in range(2):
                assert await whole(transport, request(server.url)) == (status, b"")

    async def test_what_is_sent(self, transport: Transport) -> None:
        async with says(TEN + b"0123456789").running() as server:
            await whole(transport, request(server.url, b"{1}", "/a%2Fb:c?d=e%20f"))
            lines, _, body = server.requests[0].partition(b"\r\n\r\n")
            first, *headers = lines.split(b"\r\n")
            assert first == b"POST /a%2Fb:c?d=e%20f HTTP/1.1"
            named = dict(line.lower().split(b": ", 1) for line in headers)
            assert named[b"host"] == f"127.0.0.1:{server.port}".encode()
            assert named[b"content-length"] == b"3"
            assert b"user-agent" not in named
            assert body == b"{1}"

    async def test_a_target_in_other_letters(self, transport: Transport) -> None:
        async with says(TEN + b"0123456789").running() as server:
            await whole(transport, request(server.url, path="/models/größe x?q=ü"))
            assert server.requests[0].startswith(b"POST /models/gr%C3%B6%C3%9Fe%20x?q=%C3%BC HTTP/1.1\r\n")

    async def test_a_header_cannot_become_two(self, transport: Transport) -> None:
        async with says(TEN + b"0123456789").running() as server:
            for value in ("x\r\nx-evil: 1", "x\nx-evil: 1", "x\r\n\r\nGET / HTTP/1.1", "x\0"):
                asked = HttpRequest(method="POST", url=server.url, headers=(("x-a", value),), body=b"{}")
                with pytest.raises(UpstreamError):
                    await transport.send(asked)
            assert not any(b"evil" in each for each in server.requests)

    async def test_headers_are_lower_case_and_repeated_ones_are_not_lost(self, transport: Transport) -> None:
        async with says(OK + b"X-One: 1\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n").running() as server:
            reply = await transport.send(request(server.url))
            assert (reply.headers["x-one"], reply.headers["retry-after"]) == ("1", "3")
            reply.close()

    @pytest.mark.parametrize("case", DAMAGED)
    async def test_what_is_no_answer_is_an_error(self, transport: Transport, case: str) -> None:
        async with says(DAMAGED[case]).running() as server:
            with pytest.raises(UpstreamError) as caught:
                await asyncio.wait_for(whole(transport, request(server.url)), 10)
            assert caught.value.kind in ("protocol", "reset")

    @pytest.mark.parametrize("then", ["close", "reset"])
    @pytest.mark.parametrize("case", CUT)
    async def test_a_cut_is_never_an_end(self, transport: Transport, case: str, then: str) -> None:
        async with says(CUT[case], then=then).running() as server:
            with pytest.raises(UpstreamError) as caught:
                await asyncio.wait_for(whole(transport, request(server.url)), 10)
            assert caught.value.kind in ("protocol", "reset")

    async def test_an_answer_to_nobody_is_nobody_s(self, transport: Transport) -> None:
        """A second answer behind the first must not become the next request's."""

        async def script(peer: Peer, asked: bytes) -> None:
            mine = b"own-" + asked[-6:]
            smuggled = TEN + b"SMUGGLED!!"
            await peer.say(TEN + mine + (smuggled if peer.number == 1 else b""))

        async with RawServer(script).running() as server:
            for body in (b"aaaaaa", b"bbbbbb", b"cccccc"):
                assert (await whole(transport, request(server.url, body)))[1] == b"own-" + body

    async def test_a_late_answer_to_nobody(self, transport: Transport) -> None:
        async def script(peer: Peer, asked: bytes) -> None:
            await peer.say(TEN + b"own-" + asked[-6:])
            if peer.number == 1:
                await asyncio.sleep(0.05)
                await peer.say(TEN + b"SMUGGLED!!")

        async with RawServer(script).running() as server:
            for body in (b"aaaaaa", b"bbbbbb"):
                assert (await whole(transport, request(server.url, body)))[1] == b"own-" + body
                await asyncio.sleep(0.15)

    async def test_a_closed_idle_connection_is_not_used(self, transport: Transport) -> None:
        async with says(TEN + b"0123456789", then="close").running() as server:
            for _ in range(3):
                assert await whole(transport, request(server.url)) == (200, b"0123456789")
                await asyncio.sleep(0.02)
            assert server.connections == 3

    async def test_connection_close_is_heeded(self, transport: Transport) -> None:
        answer = OK + b"Connection: close\r\nContent-Length: 10\r\n\r\n0123456789"
        async with says(answer).running() as server:
            for _ in range(2):
                assert await whole(transport, request(server.url)) == (200, b"0123456789")
            assert server.connections == 2

    async def test_close_before_the_end_cuts_the_connection(self, transport: Transport) -> None:
        ended = asyncio.Event()

        async def script(peer: Peer, _request: bytes) -> None:
            await peer.say(CHUNKED + b"5\r\n01234\r\n")
            await peer.reader.read()
            ended.set()

        async with RawServer(script).running() as server:
            reply = await transport.send(request(server.url))
            assert await reply.read() == b"01234"
            reply.close()
            await asyncio.wait_for(ended.wait(), 5)

    async def test_a_caller_who_leaves_cuts_the_connection(self, transport: Transport) -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def script(peer: Peer, _request: bytes) -> None:
            asked.set()
            await peer.reader.read()
            ended.set()

        async with RawServer(script).running() as server:
            sending = asyncio.ensure_future(transport.send(request(server.url)))
            await asyncio.wait_for(asked.wait(), 5)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await asyncio.wait_for(ended.wait(), 5)

    async def test_a_slow_reader_stops_the_sender(self, transport: Transport) -> None:
        """32 MB that nobody reads do not become 32 MB of memory: the sender comes to a halt."""
        size, sent, halted = 32 * 1024 * 1024, 0, asyncio.Event()

        async def script(peer: Peer, _request: bytes) -> None:
            nonlocal sent
            peer.writer.write(OK + b"Content-Length: %d\r\n\r\n" % size)
            piece = b"x" * 65_536
            while sent < size:
                peer.writer.write(piece)
                sent += len(piece)
                try:
                    await asyncio.wait_for(peer.writer.drain(), 0.5)
                except TimeoutError:
                    halted.set()
                    await peer.writer.drain()

        async with RawServer(script).running() as server:
            reply = await transport.send(request(server.url))
            await asyncio.wait_for(halted.wait(), 10)
            assert sent < size // 2
            total = 0
            while total < 1024 * 1024:
                total += len(await reply.read())
            reply.close()

    @pytest.mark.parametrize("greedy", [True, False], ids=["all", "one at a time"])
    @pytest.mark.parametrize("framing", FRAMINGS, ids=str)
    async def test_what_flows_and_what_is_read_are_the_body(
        self, transport: Transport, framing: str, greedy: bool
    ) -> None:
        async with says(*FRAMINGS[framing]).running() as server:
            for _ in range(2):
                reply = await transport.send(request(server.url))
                assert await flowed(reply, greedy=greedy) == b"0123456789"
                reply.close()
            assert server.connections == 1

    @pytest.mark.parametrize("then", ["close", "reset"])
    @pytest.mark.parametrize("case", ["in the body", "in a chunk", "between chunks"])
    async def test_a_cut_in_a_flow_is_never_an_end(self, transport: Transport, case: str, then: str) -> None:
        async with says(CUT[case], then=then).running() as server:
            reply = await transport.send(request(server.url))
            with pytest.raises(UpstreamError):
                await flowed(reply, greedy=True)
            reply.close()

    async def test_who_takes_no_more_stops_the_sender(self, transport: Transport) -> None:
        """What `take` refuses to go on with stays with the sender, and goes on where it stood."""
        size, sent, halted, enough = 32 * 1024 * 1024, 0, asyncio.Event(), 0

        async def script(peer: Peer, _request: bytes) -> None:
            nonlocal sent
            peer.writer.write(OK + b"Content-Length: %d\r\n\r\n" % size)
            while sent < size:
                piece = b"%015d\n" % (sent // 16) + b"." * 16_368
                peer.writer.write(piece)
                sent += len(piece)
                try:
                    await asyncio.wait_for(peer.writer.drain(), 0.5)
                except TimeoutError:
                    halted.set()
                    await peer.writer.drain()

        async with RawServer(script).running() as server:
            reply = await transport.send(request(server.url))
            came = bytearray(await reply.read())
            calls, greedy = 0, False

            def take(piece: bytes) -> bool:
                nonlocal calls
                calls += 1
                came.extend(piece)
                return greedy and len(came) < enough

            await reply.flow(take)
            await asyncio.wait_for(halted.wait(), 10)
            assert sent < size // 2
            assert calls <= 1
            greedy, enough = True, sent + 1024 * 1024
            while len(came) < enough:
                came += await reply.read()
                await reply.flow(take)
            reply.close()
        assert all(came[at : at + 16] == b"%015d\n" % (at // 16) for at in range(0, enough, 16_384))

    @pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")  # aiohttp's advice
    async def test_large_bodies_go_out_whole(self, transport: Transport) -> None:
        body = bytes(range(256)) * 40_000
        async with says(TEN + b"0123456789").running() as server:
            assert (await whole(transport, request(server.url, body)))[0] == 200
            assert server.requests[0].endswith(b"\r\n\r\n" + body)

    @pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
    async def test_packed_answers_come_out_plain(self, transport: Transport, told: bool) -> None:
        text = b"0123456789" * 5_000
        packed = gzip.compress(text)
        head = (
            OK
            + (b"Content-Encoding: gzip\r\n" if told else b"")
            + b"Content-Length: %d\r\n\r\n" % len(packed)
        )
        async with says(head + packed).running() as server:
            assert await whole(transport, request(server.url)) == (200, text)

    async def test_many_at_once(self, transport: Transport) -> None:
        async def script(peer: Peer, asked: bytes) -> None:
            await asyncio.sleep(0.01)
            await peer.say(TEN + b"own-" + asked[-6:])

        async with RawServer(script).running() as server:
            bodies = [b"%06d" % number for number in range(100)]
            for _ in range(2):
                answers = await asyncio.gather(
                    *(whole(transport, request(server.url, each)) for each in bodies)
                )
                assert [body for _, body in answers] == [b"own-" + each for each in bodies]
            assert server.connections == 100

    async def test_nobody_listens(self, transport: Transport) -> None:
        async with says(b"").running() as server:
            url = server.url
        with pytest.raises(UpstreamError) as caught:
            await transport.send(request(url))
        assert caught.value.kind == "connect"

    @pytest.mark.parametrize(
        "url", ["http://", "http:///x", "ftp://127.0.0.1/x", "nonsense", "http://[::1/x"]
    )
    async def test_an_address_that_is_none(self, transport: Transport, url: str) -> None:
        with pytest.raises(UpstreamError) as caught:
            await transport.send(request(url))
        assert caught.value.kind == "connect"


__all__ = ["CHUNKED", "OK", "TEN", "TransportContract", "request", "says", "whole"]
