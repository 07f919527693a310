"""Heartbeats: in their place, never among the pieces, never behind the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.gateway.client import Client
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.httpkit.visit import AsgiWay
from flowrouter.tasks import TaskGroup
from tests.playbooks.stage import SSE, Script, VirtualClock, VirtualLoop, account, play
from tests.playbooks.test_passthrough import (
    ANTHROPIC_ASK,
    ANTHROPIC_EVENTS,
    ASK_STREAM,
    DONE,
    FINISH,
    HEL,
    LO,
    ROLE,
)

CHAT = account("chat", "openai_chat")
SECOND = account("second", "openai_chat", priority=2)
CLAUDE = account("claude", "anthropic")
QUICK = Timeouts(head_grace=4, heartbeat=2, stall=60)


def test_before_the_message_has_left_a_heartbeat_is_a_comment_though_the_message_has_begun() -> None:
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=[ANTHROPIC_EVENTS[0], 9.0, *ANTHROPIC_EVENTS[1:]])],
        timeouts=QUICK,
    )
    assert [at for at, piece in result.sent if piece.startswith(b":")] == [4.0, 6.0, 8.0]
    assert b"event: ping" not in result.body.partition(b"message_start")[0]


def test_behind_the_message_start_a_heartbeat_is_a_ping() -> None:
    result = play(
        "anthropic",
        ANTHROPIC_ASK,
        accounts=[CLAUDE],
        scripts=[Script(headers=SSE, steps=[b"".join(ANTHROPIC_EVENTS[:4]), 5.0, *ANTHROPIC_EVENTS[4:]])],
        timeouts=QUICK,
    )
    assert [at for at, piece in result.sent if piece.startswith(b"event: ping")] == [2.0, 4.0]


@pytest.mark.parametrize("slow", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("moment", [3.5, 3.75, 4.0, 4.25, 4.5, 5.0, 5.75, 6.0, 6.25, 8.0])
def test_a_piece_that_comes_while_a_heartbeat_is_on_its_way_comes_behind_it(
    moment: float, slow: float
) -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[moment, ROLE + HEL, LO, FINISH, DONE])],
        timeouts=QUICK,
        slow_client=slow,
    )
    pieces = [piece for _, piece in result.sent if not piece.startswith(b":")]
    assert b"".join(pieces) == b"".join([ROLE, HEL, LO, FINISH, DONE])
    assert result.ended
    assert (result.tasks_left, result.timers_left) == (0, 0)


@pytest.mark.parametrize("slow", [0.0, 0.5])
def test_a_refusal_that_comes_with_the_grace_time_is_sent_once(slow: float) -> None:
    script = Script(status=400, before=4.0, steps=[b'{"error":{"message":"no"}}'])
    result = play(
        "openai_chat", ASK_STREAM, accounts=[CHAT], scripts=[script], timeouts=QUICK, slow_client=slow
    )
    assert result.ended
    assert result.body.count(b'"message"') == 1
    assert (result.tasks_left, result.timers_left) == (0, 0)


def test_a_client_that_takes_its_head_slowly_is_given_as_long_as_behind_it() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, before=105.0, steps=[ROLE + HEL, LO, FINISH, DONE])],
        timeouts=Timeouts(head_grace=100, heartbeat=2, stall=60),
        slow_client=10.0,
    )
    assert result.head_at == 110.0
    assert result.ended
    assert result.row.outcome == "ok"
    assert (result.tasks_left, result.timers_left) == (0, 0)


def test_one_exchange_has_one_rhythm() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[4.0, ROLE + HEL, 9.0, LO, FINISH, DONE])],
        timeouts=QUICK,
    )
    beats = [at for at, piece in result.sent if piece.startswith(b":") and at > 4.0]
    assert beats == [6.0, 8.0, 10.0, 12.0]


class FullConnection:
    """A server's `send` whose connection takes nothing until it is opened, and then wakes everybody."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.sent: list[Any] = []

    async def __call__(self, message: Any) -> None:
        if not self.opened.is_set():
            await self.opened.wait()
        self.sent.append(message)


def test_a_full_connection_gets_head_heartbeat_and_pieces_in_their_order() -> None:
    loop = VirtualLoop()
    connection = FullConnection()

    async def perform() -> None:
        clock, failures = VirtualClock(), list[Any]()
        inbound = Inbound(
            request_id="req_1", dialect="openai_chat", operation="generate", endpoint="/", headers={},
            body=b"", wall=clock.now(), started=clock.monotonic(),
        )  # fmt: skip
        tasks = TaskGroup(lambda name, error: failures.append((name, error)))
        client = Client(
            AsgiWay(connection),
            codec("openai_chat"),
            Exchange(inbound),
            clock=clock,
            timeouts=QUICK,
            tasks=tasks,
        )
        client.expect_stream()
        await asyncio.sleep(5)
        writing = asyncio.create_task(client.write(HEL))
        await asyncio.sleep(0)
        loop.call_soon(connection.opened.set)
        await writing
        await client.end(DONE)
        assert (failures, len(tasks)) == ([], 0)

    try:
        loop.run_until_complete(perform())
    finally:
        loop.close()
    bodies = [message.get("body") for message in connection.sent]
    assert connection.sent[0]["type"] == "http.response.start"
    assert bodies[2:] == [HEL, DONE]
    assert bodies[1].startswith(b":")


def test_a_client_that_reads_no_more_is_given_up() -> None:
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=[ROLE, HEL, LO, FINISH, DONE])],
        timeouts=Timeouts(stall=60),
        slow_client=100_000.0,
    )
    assert result.row.outcome == "cancelled"
    assert result.replies[0].closed
    assert (result.slots_left, result.timers_left) == (0, 0)


def test_a_timer_that_rings_a_hair_early_does_not_ring_again_and_again() -> None:
    """(t + 5) - t is a hair less than 5 for this t, too little for any clock to move."""
    begins = 15.774467022710263
    steps = [begins, ROLE, HEL, 12.0, LO, FINISH, DONE]
    result = play(
        "openai_chat",
        ASK_STREAM,
        accounts=[CHAT],
        scripts=[Script(headers=SSE, steps=steps)],
        timeouts=Timeouts(heartbeat=5),
    )
    assert [round(at - begins, 2) for at, piece in result.sent if piece.startswith(b":")] == [5.0, 10.0]
