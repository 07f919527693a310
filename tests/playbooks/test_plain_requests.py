"""What a plain request to an only account costs: nothing that is shared is asked, and its words are not looked at."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.settings.routing import Routing, Tiers
from flowrouter.storage import MemoryStateStore
from tests.playbooks.stage import VirtualClock, account, play
from tests.playbooks.test_failover import GOOD
from tests.playbooks.test_passthrough import ASK

ONLY = account("first", "openai_chat")


class Counted(MemoryStateStore):
    """A state that writes down what it is asked."""

    def __init__(self) -> None:
        super().__init__(VirtualClock())
        self.calls: list[str] = []

    async def get(self, key: str) -> bytes | None:
        self.calls.append(f"get {key}")
        return await super().get(key)

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        self.calls.append(f"put {key}")
        await super().put(key, value, ttl=ttl)

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        self.calls.append(f"put_if_absent {key}")
        return await super().put_if_absent(key, value, ttl=ttl)

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        self.calls.append(f"add {key}")
        return await super().add(key, amount, ttl=ttl)


def test_nobody_shares_what_needs_no_sharing() -> None:
    state = Counted()
    assert play("openai_chat", ASK, accounts=[ONLY], scripts=[GOOD], state=state).status == 200
    assert not state.calls


def test_its_words_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked(*_: Any) -> Any:
        raise AssertionError("nobody needs to know")

    monkeypatch.setattr("flowrouter.gateway.circumstances.codec", looked)
    assert play("openai_chat", ASK, accounts=[ONLY], scripts=[GOOD]).status == 200
    tiers = Routing(tiers=Tiers(enabled=True))
    assert play("openai_chat", ASK, accounts=[ONLY], scripts=[GOOD], routing=tiers).status == 500
