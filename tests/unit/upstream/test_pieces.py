"""The parser puts the pieces of a body into a list by itself: whose they are is settled behind each read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.upstream.http1.connection import BARREN, HIGH, Connection, Http1Reply
from flowrouter.upstream.http1.origin import Origin, split_url

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TWO = CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 110 Unheard Of\r\nContent-Length: 5\r\n\r\nnever"


class Socket(asyncio.Transport):
    """Takes everything; notes whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.cut = False

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        self.cut = True

    def is_closing(self) -> bool:
        return self.cut

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0


class Home:
    """Notes which connections could be used again."""

    def __init__(self) -> None:
        self.kept: list[Connection] = []

    def idle(self, connection: Connection) -> None:
        self.kept.append(connection)

    def gone(self, connection: Connection) -> None:
        pass


def origin() -> Origin:
    return split_url("http://127.0.0.1:1/")[0]


def asked(home: Home) -> tuple[Connection, Socket, Http1Reply]:
    """Return a connection that was sent a request."""
    connection, socket = Connection(home, origin()), Socket()
    connection.connection_made(socket)
    return connection, socket, connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")


async def body_of(reply: Http1Reply) -> bytes:
    body = b""
    while piece := await reply.read():
        body += piece
    return body


@pytest.mark.parametrize("wire", [TWO, INTERIM + TWO, INTERIM + INTERIM + TWO], ids=["plain", "one", "two"])
async def test_a_body_is_the_answer_s_alone_wherever_reads_are_cut(wire: bytes) -> None:
    for cut in range(1, len(wire)):
        home = Home()
        connection, _, reply = asked(home)
        connection.data_received(wire[:cut])
        connection.data_received(wire[cut:])
        assert reply.status == 200
        assert await body_of(reply) == b"hello world"
        assert home.kept == [connection]


async def test_a_second_answer_is_nobody_s() -> None:
    home = Home()
    connection, socket, reply = asked(home)
    connection.data_received(TWO + TWO.replace(b"hello", b"olleh"))
    assert await body_of(reply) == b"hello world"
    assert not home.kept
    assert socket.cut


async def test_an_answer_that_waits_keeps_its_pieces_and_the_next_begins_with_none() -> None:
    home = Home()
    connection, _, first = asked(home)
    connection.data_received(TWO)
    assert first.pieces == [b"hello", b" world"]
    assert await body_of(first) == b"hello world"
    second = connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
    assert second.pieces == []
    connection.data_received(CHUNKED + b"3\r\nand\r\n")
    assert (first.pieces, second.pieces) == ([], [b"and"])


async def test_what_waits_is_counted_once_and_stops_the_socket() -> None:
    connection, socket, reply = asked(Home())
    connection.data_received(CHUNKED)
    piece = b"x" * (HIGH // 4)
    for number in range(1, 6):
        connection.data_received(b"%x\r\n%b\r\n" % (len(piece), piece))
        assert reply.size == number * len(piece)
        assert socket.reading is (number <= 4)
    assert await reply.read() == piece * 5
    assert reply.size == 0
    assert socket.reading


async def test_a_flow_leaves_nothing_to_count() -> None:
    connection, socket, reply = asked(Home())
    connection.data_received(CHUNKED + b"1\r\na\r\n")
    assert await reply.read() == b"a"
    taken: list[bytes] = []
    flowing = reply.flow(lambda piece: taken.append(piece) is None)
    for _ in range(20):
        connection.data_received(b"10000\r\n%b\r\n2\r\nbc\r\n" % (b"x" * 0x10000))
    assert (len(taken), {len(piece) for piece in taken}) == (20, {0x10002})
    assert (reply.size, socket.reading) == (0, True)
    connection.data_received(b"0\r\n\r\n")
    await flowing
    assert await reply.read() == b""


async def test_what_holds_nothing_of_a_body_has_an_end_also_where_pieces_wait() -> None:
    connection, socket, reply = asked(Home())
    connection.data_received(CHUNKED + b"5\r\nhello\r\n5;")
    for _ in range(BARREN // 1000 + 1):
        assert not socket.cut
        connection.data_received(b"x" * 1000)
    assert socket.cut
    assert await reply.read() == b"hello"
    with pytest.raises(UpstreamError):
        await reply.read()


async def test_a_request_on_a_lost_connection_fails_at_once() -> None:
    connection, _, _ = asked(Home())
    connection.connection_lost(None)
    with pytest.raises(UpstreamError):
        await connection.send(b"GET / HTTP/1.1\r\n\r\n", b"").head()
