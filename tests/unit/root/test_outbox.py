"""What leaves together, when, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from flowrouter.outbox import Outbox, outbox_of


class Way:
    """A transport that notes in `log` what it is given."""

    def __init__(self, log: list[bytes], *, broken: bool = False) -> None:
        self.log = log
        self.broken = broken
        self.closing = self.aborted = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, piece: bytes) -> None:
        if self.broken:
            raise RuntimeError("broken")
        self.log.append(piece)

    def abort(self) -> None:
        self.aborted = True


def told(story: Callable[[Outbox, list[bytes], Callable[..., Any]], None], *, crowd: int = 4) -> list[bytes]:
    """Return what was written by the turn behind `story`."""
    log: list[bytes] = []

    async def run() -> None:
        outbox = outbox_of(asyncio.get_running_loop())
        outbox.crowd = range(crowd)
        story(outbox, log, lambda **how: cast("asyncio.Transport", Way(log, **how)))
        await asyncio.sleep(0)

    asyncio.run(run())
    return log


def test_pieces_leave_behind_the_turn_in_their_order() -> None:
    def story(outbox: Outbox, log: list[bytes], way: Callable[..., Any]) -> None:
        one, two = way(), way()
        outbox.put(one, b"a")
        outbox.put(two, b"b")
        outbox.put(one, b"c")
        assert log == []

    assert told(story) == [b"a", b"b", b"c"]


def test_where_few_are_at_work_nobody_waits() -> None:
    def story(outbox: Outbox, log: list[bytes], way: Callable[..., Any]) -> None:
        outbox.put(way(), b"a")
        assert log == [b"a"]

    assert told(story, crowd=3) == [b"a"]


def test_a_large_piece_lets_nothing_wait() -> None:
    def story(outbox: Outbox, log: list[bytes], way: Callable[..., Any]) -> None:
        outbox.put(way(), b"a")
        outbox.put(way(), b"b" * 20_000)
        assert log == [b"a", b"b" * 20_000]
        outbox.put(way(), b"c")

    assert told(story)[2:] == [b"c"]


def test_in_a_crowd_the_first_do_not_wait_for_all() -> None:
    def story(outbox: Outbox, log: list[bytes], way: Callable[..., Any]) -> None:
        for number in range(40):
            outbox.put(way(), b"%d" % number)
        assert len(log) == 32

    assert told(story) == [b"%d" % number for number in range(40)]


def test_who_closes_meanwhile_is_written_nothing() -> None:
    def story(outbox: Outbox, _: list[bytes], way: Callable[..., Any]) -> None:
        one, two = way(), way()
        outbox.put(one, b"a")
        outbox.put(two, b"b")
        one.closing = True

    assert told(story) == [b"b"]


def test_who_cannot_be_written_to_keeps_nobody_else_waiting() -> None:
    ways, failures = list[Any](), list[dict[str, Any]]()

    def story(outbox: Outbox, _: list[bytes], way: Callable[..., Any]) -> None:
        outbox.loop.set_exception_handler(lambda _, context: failures.append(context))
        ways.extend([way(broken=True), way()])
        for each in ways:
            outbox.put(each, b"a")

    assert told(story) == [b"a"]
    assert [each.aborted for each in ways] == [True, False]
    assert [str(each["exception"]) for each in failures] == ["broken"]


def test_every_loop_has_its_own() -> None:
    async def mine() -> Outbox:
        loop = asyncio.get_running_loop()
        assert outbox_of(loop) is outbox_of(loop)
        return outbox_of(loop)

    assert asyncio.run(mine()) is not asyncio.run(mine())
