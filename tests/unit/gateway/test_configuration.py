"""Publishing the world: changes are seen, a store that fails changes nothing but the age."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.config import Config, Models, Server
from flowrouter.errors import StorageError
from flowrouter.gateway import configuration
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.ports import Snapshot
from flowrouter.providers import catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.routing import AccountFacts
from tests.contracts.fakes import FakeClock


class Source:
    """A store in memory that can be broken."""

    def __init__(self) -> None:
        self.accounts: tuple[Account, ...] = ()
        self.settings: dict[str, object] = {}
        self.number = 1
        self.broken = False
        self.loads = 0

    def load(self) -> Snapshot:
        self._answer()
        self.loads += 1
        return Snapshot(version=self.number, loaded_at_ms=0, accounts=self.accounts, settings=self.settings)

    def version(self) -> int:
        self._answer()
        return self.number

    def add(self, name: str) -> None:
        self.accounts = (*self.accounts, Account(id=name, name=name, preset="openai", owner_id="local"))
        self.number += 1

    def _answer(self) -> None:
        if self.broken:
            raise StorageError("the disk is gone")


def start(source: Source, clock: FakeClock, config: Config | None = None) -> Configuration:
    return Configuration(
        source,
        declared=(),
        catalog=catalog.packaged(),
        clock=clock,
        log=logs.get("test"),
        config=config or Config(data="unused"),
    )


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "POLL_SECONDS", 0.001)


def names(held: Configuration) -> list[str]:
    return [facts.name for facts in held.world.facts.accounts]


async def test_changes_by_others_are_seen_and_old_worlds_stay_as_they_were() -> None:
    source = Source()
    held = start(source, FakeClock())
    before = held.world
    task = asyncio.ensure_future(held.follow())
    source.add("new")
    await until(lambda: names(held) == ["new"])
    assert before.facts.accounts == ()
    loads = source.loads
    await asyncio.sleep(0.02)
    assert source.loads == loads, "an unchanged store is not loaded again"
    task.cancel()


async def test_a_failing_store_changes_nothing_but_the_age() -> None:
    source, clock = Source(), FakeClock()
    source.add("kept")
    held = start(source, clock)
    clock.advance(3_600)
    task = asyncio.ensure_future(held.follow())
    await asyncio.sleep(0.01)
    assert held.age_seconds == 0.0
    source.broken = True
    await until(lambda: held._failing)
    assert held.age_seconds == 0.0, "it answered a moment ago, however old the snapshot"
    clock.advance(42)
    assert held.age_seconds == 42.0
    assert names(held) == ["kept"]
    source.broken = False
    source.add("later")
    await until(lambda: names(held) == ["kept", "later"])
    assert held.age_seconds == 0.0
    task.cancel()


async def test_reload_tells_the_caller_of_a_failure_and_keeps_the_world() -> None:
    source = Source()
    held = start(source, FakeClock())
    world = held.world
    source.broken = True
    with pytest.raises(StorageError):
        await held.reload()
    assert held.world is world


def test_a_store_that_fails_at_the_start_is_told() -> None:
    source = Source()
    source.broken = True
    with pytest.raises(StorageError):
        start(source, FakeClock())


def provider(*names: str) -> Any:
    made = [Account(id=name, name=name, preset="openai", owner_id="local", priority=9) for name in names]
    return lambda written, settings: made


def test_what_a_feature_brings_gives_way_to_what_people_wrote() -> None:
    source = Source()
    held = start(source, FakeClock())
    held.provide("feature", provider("mine", "other"))
    assert names(held) == ["mine", "other"]
    source.add("mine")
    asyncio.run(held.reload())
    assert [(account.name, account.priority) for account in held.world.accounts.values()] == [
        ("mine", 1),
        ("other", 9),
    ]
    held.provide("feature", lambda written, settings: [])
    assert names(held) == ["mine"]


def test_what_was_provided_and_listed_outlives_a_reload() -> None:
    source = Source()
    config = Config(data="unused", server=Server(host="0.0.0.0"), models=Models(aliases={"fast": "m"}))
    held = start(source, FakeClock(), config)
    held.provide("feature", provider("old"))
    held.provide("feature", provider("x"))
    held.use_lists({"x": (ListedModel(id="m"),)})
    source.add("y")
    asyncio.run(held.reload())
    facts: dict[str, AccountFacts] = {facts.name: facts for facts in held.world.facts.accounts}
    assert set(facts) == {"x", "y"}
    assert (facts["x"].models, facts["x"].priority) == (("m",), 9)
    assert held.world.facts.aliases == {"fast": "m"}
    assert held.world.protected


def test_lists_are_copied() -> None:
    held = start(Source(), FakeClock())
    held.provide("one", provider("x"))
    lists = {"x": (ListedModel(id="m"),)}
    held.use_lists(lists)
    lists.clear()
    held.provide("two", provider("z"))
    assert held.world.facts.accounts[0].models == ("m",)


def test_stored_settings_that_are_not_understood_are_told_and_left_out() -> None:
    source = Source()
    source.settings = {"models": {"aliases": 5}}
    held = start(source, FakeClock(), Config(data="unused", models=Models(aliases={"fast": "m"})))
    assert held.world.facts.aliases == {"fast": "m"}
    assert "settings" in held.world.problems[0]
