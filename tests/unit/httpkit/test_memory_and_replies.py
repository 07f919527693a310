"""The memory gate and the plain ASGI answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowrouter.errors import CallerError
from flowrouter.httpkit import memory, replies
from flowrouter.httpkit.bodies import declared_length
from flowrouter.httpkit.memory import MemoryGate, share_of_memory


def declared(size: int | str) -> int | None:
    return declared_length({"content-length": str(size)})


def test_a_request_beyond_the_share_is_told_to_come_back() -> None:
    gate = MemoryGate(100)
    with gate.hold(declared(60)):
        with pytest.raises(CallerError) as caught, gate.hold(declared(41)):
            pass
        assert (caught.value.status, caught.value.code, caught.value.retry_after) == (503, "busy", 1.0)
        with gate.hold(declared(40)):
            assert gate.held == 100
    assert gate.held == 0


def test_a_single_request_is_never_too_much() -> None:
    gate = MemoryGate(100)
    with gate.hold(declared(1_000)):
        assert gate.held == 1_000
    assert gate.held == 0


def test_what_failed_gives_its_share_back() -> None:
    gate = MemoryGate(100)
    with pytest.raises(KeyError), gate.hold(declared(50)):
        raise KeyError
    assert gate.held == 0


@pytest.mark.parametrize("length", ["", "²", "x", "-5", "9" * 5_000])
def test_odd_lengths_hold_a_guess(length: str) -> None:
    gate = MemoryGate(1)
    with gate.hold(declared(length)):
        assert gate.held == 1024**2
    with gate.hold(declared_length({})):
        assert gate.held == 1024**2


def test_share_of_memory() -> None:
    assert 0 < share_of_memory(0.1) < share_of_memory(0.5)


def test_the_share_is_of_the_containers_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = share_of_memory(1.0)
    limited, unlimited = tmp_path / "memory.max", tmp_path / "none"
    limited.write_text("1000000\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr(memory, "_LIMIT_FILES", (unlimited, tmp_path / "missing"))
    assert share_of_memory(1.0) >= whole
    monkeypatch.setattr(memory, "_LIMIT_FILES", (unlimited, limited))
    assert share_of_memory(0.25) == 250_000


def sent(answer: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(answer(send))
    return messages


def test_json_answer() -> None:
    head, body = sent(lambda send: replies.send_json(send, 201, b"{}", extra=[(b"x-a", b"1")]))
    assert head["status"] == 201
    assert head["headers"] == [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"x-a", b"1"),
    ]
    assert body == {"type": "http.response.body", "body": b"{}", "more_body": False}


def test_streamed_answer_is_never_buffered_or_sized() -> None:
    names = dict(replies.STREAM_HEADERS["sse"])
    assert names[b"content-type"].startswith(b"text/event-stream")
    assert names[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in names
    assert b"content-encoding" not in names

    async def answer(send: replies.Send) -> None:
        await replies.send_head(send, 200, replies.STREAM_HEADERS["sse"])
        await replies.send_piece(send, b"a")
        await replies.send_last(send)

    assert [message.get("more_body") for message in sent(answer)] == [None, True, False]
