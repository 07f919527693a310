"""A provider whose list trips us up keeps nobody else's list away."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter import logs
from flowrouter.config import Timeouts
from flowrouter.gateway.model_lists import RETRY, Lister
from flowrouter.providers import catalog
from tests.contracts.fakes import FakeClock
from tests.playbooks.stage import Script, ScriptedTransport, account

GOOD = b'{"object":"list","data":[{"id":"m-1","object":"model"}]}'


class Store:
    async def put(self, stored: Any) -> None:
        del stored


async def test_a_defect_in_reading_one_list_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = catalog.packaged().find("custom-openai")
    assert preset is not None
    odd, fine = (account(name, "openai_chat", models=()) for name in ("odd", "fine"))
    transport = ScriptedTransport([Script(steps=[GOOD]), Script(steps=[GOOD])])
    clock, changed = FakeClock(), list[int]()
    lister = Lister(transport, Store(), clock=clock, timeouts=Timeouts(), log=logs.get("test"))
    fetch = lister.fetch

    async def tripping(asked: Any, found: Any) -> Any:
        if asked.name == "odd":
            raise ZeroDivisionError
        return await fetch(asked, found)

    monkeypatch.setattr(lister, "fetch", tripping)
    pairs = [(odd, preset), (fine, preset)]
    await lister.refresh(pairs, lambda: changed.append(1))
    assert set(lister.lists) == {"fine"}
    assert changed == [1]
    monkeypatch.setattr(lister, "fetch", fetch)
    await lister.refresh(pairs, lambda: changed.append(1))
    assert set(lister.lists) == {"fine"}
    clock.advance(RETRY + 1)
    await lister.refresh(pairs, lambda: changed.append(1))
    assert set(lister.lists) == {"odd", "fine"}
