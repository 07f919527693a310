"""One read of the socket that brings the end of one request and the beginning of the next."""

from __future__ import annotations

import pytest

from tests.unit.httpkit.wire import Wire, echo, live, request

LARGE = b"x" * 200_000
FIRST = request("POST /first HTTP/1.1", body=LARGE)
SECOND = request("POST /second HTTP/1.1", body=b"short")
HEAD = len(FIRST) - len(LARGE)


@pytest.mark.parametrize(
    "cuts",
    [
        (HEAD + 10, len(FIRST) + len(SECOND) - 5),
        (HEAD - 7, len(FIRST) + 12),
        (5, len(FIRST) + len(SECOND) - 2),
        (len(FIRST) - 1,),
    ],
    ids=["body and whole head", "head to head", "head to body", "last byte"],
)
def test_what_ended_one_request_is_not_held_against_the_next(cuts: tuple[int, ...]) -> None:
    sent = FIRST + SECOND
    pieces = [sent[start:end] for start, end in zip((0, *cuts), (*cuts, len(sent)), strict=True)]

    async def story() -> None:
        wire = Wire(echo)
        await wire.says(*pieces)
        assert wire.written.count(b"HTTP/1.1 200 OK") == 2
        assert b"POST /first " + LARGE in wire.written
        assert wire.written.endswith(b"POST /second short")
        assert not wire.transport.closed

    live(story)
