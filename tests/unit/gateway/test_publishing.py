"""Publishing under adversity: overlapping loads, features that fail, rows nobody expected, secrets in the log."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import Any

import msgspec
import pytest

from flowrouter import logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.config import Config
from flowrouter.gateway import configuration
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.ports import Snapshot
from flowrouter.providers import catalog
from tests.contracts.fakes import FakeClock


class Source:
    """A store in memory whose next load can be held up, or fail oddly."""

    def __init__(self) -> None:
        self.number = 1
        self.accounts: tuple[Account, ...] = ()
        self.gate: threading.Event | None = None
        self.fault: Exception | None = None

    def load(self) -> Snapshot:
        found = Snapshot(version=self.number, loaded_at_ms=0, accounts=self.accounts)
        gate, self.gate = self.gate, None
        if gate is not None:
            gate.wait(10)
        if self.fault is not None:
            raise self.fault
        return found

    def version(self) -> int:
        return self.number


def start(source: Any) -> Configuration:
    return Configuration(
        source,
        declared=(),
        catalog=catalog.packaged(),
        clock=FakeClock(),
        log=logs.get("test"),
        config=Config(data="unused"),
    )


async def test_a_slow_load_never_replaces_a_newer_one() -> None:
    source = Source()
    published = start(source)
    gate = source.gate = threading.Event()
    slow = asyncio.create_task(published.reload())
    await asyncio.sleep(0.05)
    source.number = 2
    quick = asyncio.create_task(published.reload())
    await asyncio.sleep(0.05)
    gate.set()
    await asyncio.gather(slow, quick)
    assert published.world.version == 2
    assert published.snapshot.version == 2


async def test_watching_survives_what_nobody_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "POLL_SECONDS", 0.01)
    source = Source()
    published = start(source)
    watching = asyncio.create_task(published.follow())
    source.fault = ZeroDivisionError()
    source.number = 2
    await asyncio.sleep(0.1)
    assert published.world.version == 1
    source.fault = None
    await asyncio.sleep(0.1)
    assert published.world.version == 2
    watching.cancel()


async def test_a_world_that_cannot_be_made_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "POLL_SECONDS", 0.01)
    source = Source()
    published = start(source)
    faults = [ZeroDivisionError()]

    def provider(*_: Any) -> list[Account]:
        if source.number == 2 and faults:
            raise faults.pop()
        return []

    published.provide("feature", provider)
    watching = asyncio.create_task(published.follow())
    source.number = 2
    await asyncio.sleep(0.2)
    assert published.world.version == 2
    watching.cancel()


async def test_secrets_of_accounts_that_come_later_are_hidden_in_the_log() -> None:
    source = Source()
    published = start(source)
    account = Account(
        id="late",
        name="late",
        preset="openai",
        owner_id="local",
        api_key=Secret("plain-canary-one"),
        headers=(("x-gate", Secret("plain-canary-two")),),
    )
    source.accounts = (account,)
    await published.reload()
    stream = io.StringIO()
    logs.configure("info", format="text", stream=stream)
    logs.get("test").info("it said plain-canary-one", field="plain-canary-two")
    logs.flush()
    assert "canary" not in stream.getvalue()
    assert msgspec.json.encode(published.world.version) == b"1"
