"""A clock that stands still and rows to store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flowrouter.gateway.ports import AttemptRow, RequestRow

START = 1_800_000_000.0


class FakeClock:
    """Time that passes only when told to."""

    def __init__(self, now: float = START) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


def request_row(number: int = 0, **changes: Any) -> RequestRow:
    """Return a plausible exchange; `number` makes its id and, in milliseconds, its time."""
    values: dict[str, Any] = {
        "id": f"req_{number:08d}",
        "ts_ms": int(START * 1000) + number,
        "owner_id": "local",
        "client_dialect": "openai_chat",
        "endpoint": "/v1/chat/completions",
        "requested_model": "gpt-x",
        "account_id": "acc_1",
        "preset": "openai",
        "model": "gpt-x",
        "dialect": "openai_chat",
        "lane": "passthrough",
        "status": 200,
        "outcome": "ok",
        "attempts": (attempt_row(),),
        "duration_ms": 12,
        "input_tokens": 10,
        "output_tokens": 20,
    }
    return bare_row(**(values | changes))


def bare_row(**values: Any) -> RequestRow:
    """Return an exchange of which nothing else is known than `values`."""
    unknown = ("key_id", "client", "requested_model", "account_id", "preset", "model", "dialect", "lane")
    return RequestRow(**(dict.fromkeys(unknown) | {"stream": False} | values))


def attempt_row(**changes: Any) -> AttemptRow:
    values: dict[str, Any] = {
        "account_id": "acc_1",
        "preset": "openai",
        "model": "gpt-x",
        "dialect": "openai_chat",
        "outcome": "ok",
        "status": 200,
    }
    return AttemptRow(**(values | changes))


def wait_until(true: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for what another thread will make true; the bound only ends a hung test."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)
