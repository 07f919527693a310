"""What came of one exchange of a playbook, as its client and its upstreams saw it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from flowrouter.gateway.ports import RequestRow
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.httpkit.replies import Send
from flowrouter.wire.http import HttpRequest
from tests.playbooks.scripts import account_of
from tests.playbooks.virtual import VirtualClock


class Performance(msgspec.Struct, kw_only=True):
    """What came of a playbook; `sent` holds (time, piece) for every body piece that left."""

    status: int
    headers: dict[str, str]
    sent: list[tuple[float, bytes]]
    ended: bool
    rows: list[RequestRow]
    requests: list[HttpRequest]
    replies: list[Any]
    exchange: Any
    head_at: float | None
    tasks_left: int = 0
    timers_left: int = 0
    slots_left: int = 0

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.sent)

    @property
    def asked(self) -> list[str]:
        """Return the accounts that were asked, in order."""
        return [account_of(request) for request in self.requests]

    @property
    def row(self) -> RequestRow:
        assert len(self.rows) == 1, "an exchange is settled exactly once"
        return self.rows[0]

    @property
    def receipt_text(self) -> bytes:
        told = receipt_of(self.row)
        assert told is not None
        return told

    @property
    def receipt(self) -> dict[str, Any]:
        return msgspec.json.decode(self.receipt_text)


def writer(clock: VirtualClock, slow: float) -> tuple[Send, dict[str, Any]]:
    """Return a `send` that takes `slow` seconds for each message, and what it writes down."""
    written: dict[str, Any] = {"status": 0, "headers": {}, "sent": [], "ended": False, "head_at": None}

    async def send(message: Any) -> None:
        if slow:
            await asyncio.sleep(slow)
        assert not written["ended"], f"sent behind the end: {message}"
        if message["type"] == "http.response.start":
            assert written["status"] == 0, "two heads"
            written["status"] = message["status"]
            written["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
            written["head_at"] = clock.monotonic()
            return
        assert written["status"], "a body before its head"
        if message.get("body"):
            written["sent"].append((clock.monotonic(), message["body"]))
        written["ended"] = not message.get("more_body", False)

    return send, written


__all__ = ["Performance", "writer"]
