"""A request on a connection of ours as the data plane sees it: its body, its answer, and who hears that a client left."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from flowrouter.httpkit.fields import lines_of
from flowrouter.httpkit.visit import AsgiVisit, AsgiWay, Visit
from flowrouter.tasks import TaskGroup
from tests.unit.httpkit.wire import OK, Wire, length, live, request, settle

STREAM = lines_of([(b"content-type", b"text/event-stream")])
LARGE = b"x" * 100_000


class Plane:
    """An application that knows visits."""

    def __init__(self, serve: Callable[[Visit], Coroutine[Any, Any, None]]) -> None:
        self.serve = serve

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a connection of ours speaks to it as it likes best")


class Waiting:
    """Somebody who works for a client."""

    def __init__(self) -> None:
        self.heard = 0

    def left(self) -> None:
        self.heard += 1


def by_asgi(visit: Visit) -> Visit:
    """Return the same visit with another in between."""
    return AsgiVisit(visit.scope(), visit.receive, visit.send, tasks=TaskGroup(lambda *_: None))


def itself(visit: Visit) -> Visit:
    return visit


WAYS = pytest.mark.parametrize("way", [itself, by_asgi], ids=["our own", "ASGI"])


async def stream(visit: Visit, *pieces: bytes) -> None:
    for later in (visit.open(200, STREAM), *map(visit.write, pieces), visit.end(b"end")):
        assert later is None


@WAYS
def test_a_whole_answer_leaves_in_one_piece(way: Callable[[Visit], Visit]) -> None:
    async def serve(visit: Visit) -> None:
        body = LARGE if visit.path == "/large" else b"hello"
        assert way(visit).answer(200, lines_of([length(len(body))]), body) is None

    async def story() -> None:
        wire = Wire(Plane(serve))
        assert await wire.says(request()) == OK + b"\r\ncontent-length: 5\r\n\r\nhello"
        assert len(wire.transport.writes) == 1
        await wire.says(request("GET /large HTTP/1.1"))
        assert wire.transport.writes[-1] == LARGE, "it is not copied to be put behind the head"
        await wire.says(request("GET / HTTP/1.0"))
        assert wire.written.endswith(b"\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        assert wire.transport.closed

    live(story)


def test_what_leaves_at_once_leaves_behind_what_waits() -> None:
    async def serve(visit: Visit) -> None:
        if visit.path == "/stream":
            await stream(visit, b"one")
        else:
            assert visit.answer(200, lines_of([length(5)]), b"hello") is None

    async def story() -> None:
        wire = Wire(Plane(serve))
        wire.connection.outbox.crowd = range(100)
        written = await wire.says(request() + request("GET /stream HTTP/1.1") + request("GET / HTTP/1.0"))
        assert re.findall(rb"hello|one|end|close", written) == [b"hello", b"one", b"end", b"close", b"hello"]
        assert wire.transport.closed

    live(story)


def test_an_answer_leaves_although_its_client_says_no_more() -> None:
    async def serve(visit: Visit) -> None:
        assert visit.answer(200, lines_of([length(5)]), b"hello") is None
        wire.connection.eof_received()  # read in the same turn of the loop, which then closes
        wire.transport.close()

    async def story() -> None:
        nonlocal wire
        wire = Wire(Plane(serve))
        wire.connection.outbox.crowd = range(100)
        assert (await wire.says(request())).endswith(b"hello")

    wire: Wire
    live(story)


@WAYS
def test_heads_are_answered_without_a_body(way: Callable[[Visit], Visit]) -> None:
    async def serve(visit: Visit) -> None:
        if visit.path == "/stream":
            await stream(way(visit), b"one")
        else:
            way(visit).answer(200, lines_of([length(5)]), b"hello")

    async def story() -> None:
        wire = Wire(Plane(serve))
        await wire.says(request("HEAD / HTTP/1.1"), request("HEAD /stream HTTP/1.1"))
        head = OK + b"\r\ncontent-type: text/event-stream\r\n\r\n"
        assert wire.written == OK + b"\r\ncontent-length: 5\r\n\r\n" + head
        assert not wire.door.tasks

    live(story)


@WAYS
def test_pieces_of_a_stream_leave_in_the_very_call(way: Callable[[Visit], Visit]) -> None:
    async def serve(visit: Visit) -> None:
        await stream(way(visit), b"one", b"", b"x" * 20)

    async def story() -> None:
        wire = Wire(Plane(serve))
        await wire.says(request())
        head = OK + STREAM + b"\r\ntransfer-encoding: chunked\r\n\r\n"
        pieces = [b"3\r\none\r\n", b"14\r\n" + b"x" * 20 + b"\r\n", b"3\r\nend\r\n0\r\n\r\n"]
        assert wire.transport.writes == [head, *pieces], "an empty piece would be the end"

    live(story)


@WAYS
@pytest.mark.parametrize("fails", [False, True], ids=["whole", "broken"])
def test_a_client_that_knows_no_chunks_reads_a_stream_to_the_end_of_the_connection(
    way: Callable[[Visit], Visit], fails: bool
) -> None:
    async def serve(visit: Visit) -> None:
        if not fails:
            await stream(way(visit), b"one", b"", b"two")
            return
        way(visit).open(200, STREAM)
        way(visit).write(b"one")
        raise RuntimeError("in the middle")

    async def story() -> None:
        wire = Wire(Plane(serve))
        written = await wire.says(request("GET / HTTP/1.0", "Connection: keep-alive"))
        head = OK + STREAM + b"\r\nconnection: close\r\n\r\n"
        assert written == head + (b"one" if fails else b"onetwoend")
        assert wire.transport.closed
        assert wire.transport.aborted == fails, "what is cut must not seem whole"

    live(story)


@WAYS
def test_a_client_that_takes_nothing_is_waited_for(way: Callable[[Visit], Visit]) -> None:
    told: list[str] = []

    async def serve(visit: Visit) -> None:
        to = way(visit)
        for later in (to.open(200, STREAM), to.write(b"one")):
            assert later is None
        wire.connection.pause_writing()
        later = to.write(b"two")
        assert later is not None
        told.append("waits")
        await later
        told.append("goes on")
        assert to.end(b"") is None

    async def story() -> None:
        nonlocal wire
        wire = Wire(Plane(serve))
        await wire.says(request())
        assert (told, wire.transport.writes[-1]) == (["waits"], b"3\r\none\r\n")
        wire.connection.resume_writing()
        await settle()
        assert told == ["waits", "goes on"]
        assert wire.transport.writes[-2:] == [b"3\r\ntwo\r\n", b"0\r\n\r\n"]

    wire: Any = None
    live(story)


def test_nothing_is_sent_to_a_client_that_left_nor_behind_an_end() -> None:
    failed: list[str] = []

    async def serve(visit: Visit) -> None:
        if visit.path == "/twice":
            await stream(visit)
            for again in (lambda: visit.open(200, b""), lambda: visit.write(b"x"), lambda: visit.end(b"")):
                with pytest.raises(RuntimeError) as error:
                    again()
                failed.append(str(error.value))
            return
        wire.connection.connection_lost(None)
        await stream(visit, b"one")
        assert visit.answer(200, b"", b"") is None

    async def story() -> None:
        nonlocal wire
        wire = Wire(Plane(serve))
        assert (await wire.says(request("GET /twice HTTP/1.1"))).endswith(b"3\r\nend\r\n0\r\n\r\n")
        before = wire.written
        await wire.says(request())
        assert wire.written == before

    wire: Any = None
    live(story)
    assert len(failed) == 3


BODY = b"body" * 10


@pytest.mark.parametrize(
    ("fields", "most", "there"),
    [
        ((), 40, True),
        ((), 39, False),
        (("Content-Encoding: gzip",), 40, False),
        (("Expect: 100-continue",), 40, False),
    ],
    ids=["as it is", "too large", "compressed", "waits for a word"],
)
def test_a_body_that_is_there_is_taken_at_once(fields: tuple[str, ...], most: int, there: bool) -> None:
    bodies: list[bytes | None] = []
    rest: list[Any] = []

    async def serve(visit: Visit) -> None:
        bodies.append(visit.whole(most))
        if bodies[0] is None:
            rest.append(await visit.receive())
        else:
            assert visit.whole(most) is None, "it is taken once"
        visit.answer(204, b"", b"")

    async def story() -> None:
        await Wire(Plane(serve)).says(request("POST / HTTP/1.1", *fields, body=BODY))

    live(story)
    assert bodies == [BODY if there else None]
    assert rest == ([] if there else [{"type": "http.request", "body": BODY, "more_body": False}])


def test_a_body_that_is_on_its_way_is_not_taken() -> None:
    seen: list[Any] = []

    async def serve(visit: Visit) -> None:
        seen.append(visit.whole(1000))
        seen.append((await visit.receive())["body"])
        await settle()
        seen.append(visit.whole(1000))
        seen.append((await visit.receive())["body"])
        visit.answer(204, b"", b"")

    async def story() -> None:
        sent = request("POST / HTTP/1.1", body=BODY)
        await Wire(Plane(serve)).says(sent[:-4], sent[-4:])

    live(story)
    assert seen == [None, BODY[:-4], None, BODY[-4:]]


def test_whoever_works_for_a_client_hears_that_it_left() -> None:
    early, late, forgotten = Waiting(), Waiting(), Waiting()

    async def serve(visit: Visit) -> None:
        assert visit.watch(forgotten) is asyncio.current_task()
        visit.unwatch()
        visit.watch(early)
        wire.connection.connection_lost(None)
        visit.watch(late)

    async def story() -> None:
        nonlocal wire
        wire = Wire(Plane(serve))
        await wire.says(request())
        assert not wire.door.tasks

    wire: Any = None
    live(story)
    assert [each.heard for each in (early, late, forgotten)] == [1, 1, 0]


def test_a_socket_that_was_stopped_is_read_on_so_that_it_can_tell() -> None:
    async def serve(visit: Visit) -> None:
        assert visit.whole(len(LARGE)) == LARGE
        assert not wire.transport.reading
        visit.watch(Waiting())
        assert wire.transport.reading
        visit.unwatch()
        visit.answer(204, b"", b"")

    async def story() -> None:
        nonlocal wire
        wire = Wire(Plane(serve))
        sent = request("POST / HTTP/1.1", body=LARGE)
        wire.connection.data_received(sent[:-1])
        wire.connection.data_received(sent[-1:])
        await settle()
        assert wire.written.endswith(b"204 No Content\r\ndate: today\r\n\r\n")

    wire: Any = None
    live(story)


def test_messages_may_be_overheard() -> None:
    heard: list[Any] = []

    async def serve(visit: Visit) -> None:
        async def send(message: Any) -> None:
            heard.append(message)
            await visit.send(message)

        AsgiWay(send).answer(200, lines_of([length(2), (b"x-odd", b" a: b")]), b"ok")

    async def story() -> None:
        assert (await Wire(Plane(serve)).says(request())).endswith(b"\r\nx-odd:  a: b\r\n\r\nok")

    live(story)
    headers = [(b"content-length", b"2"), (b"x-odd", b" a: b")]
    assert heard[0] == {"type": "http.response.start", "status": 200, "headers": headers}
    assert heard[1] == {"type": "http.response.body", "body": b"ok", "more_body": False}
