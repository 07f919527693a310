"""A stored key whose policy is not understood: it lets nobody in, and does not open the door either."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from flowrouter.gateway.ports import ConflictError, KeyChange
from flowrouter.storage import StoredConfigSource, open_store
from flowrouter.storage.management import Management
from tests.contracts.fakes import FakeClock


@pytest.mark.parametrize(
    "policy",
    [
        '{"limits": {"requests_per_fortnight": 3}}',
        '{"models": [1]}',
        '{"budget": 1}',
        "{",
        '{"limits": {"concurrent": 0}}',
    ],
    ids=["unknown limit", "wrong type", "unknown member", "no JSON", "out of range"],
)
def test_what_is_not_understood_bars_the_key(tmp_path: Path, policy: str) -> None:
    clock = FakeClock()
    store = open_store(tmp_path, master_key=None, clock=clock)
    management = Management(store, clock=clock)
    key, token = management.keys.create("guest", owner_id="local")
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE keys SET policy = ?", (policy,))
    source = StoredConfigSource(store.place, store.vault, clock=clock)
    snapshot = source.load()
    assert snapshot.keys.find(token.token, now_ms=0) is None
    assert len(snapshot.keys) == 1
    assert any("guest" in problem and "policy" in problem for problem in snapshot.problems)
    (listed,) = management.keys.list()
    assert listed.state(0) == "broken"
    with pytest.raises(ConflictError, match="cannot be changed"):
        management.keys.update(key.id, KeyChange(enabled=True))
    assert management.keys.revoke(key.id).state(0) == "revoked"
    source.close()
    management.close()
