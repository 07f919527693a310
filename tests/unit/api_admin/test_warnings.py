"""What `/api/status` warns of: each code where it is so, nothing where it is not, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin.warnings import STALE_SECONDS, Code
from flowrouter.config import Config, Models, Server
from flowrouter.errors import StorageError
from flowrouter.gateway.backups import Backup, BackupError, Staged
from flowrouter.gateway.ports import LogHealth
from flowrouter.gateway.reload_state import ReloadState
from flowrouter.gateway.target_states import EVERY_MODEL, TargetState
from tests.contracts.fakes import FakeClock
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.test_quotas import heard

WELL = LogHealth(queued=0, spilled=0, rejected=0, lost=0, last_error=None)
DAY = 86_400.0
GUIDE = Path(__file__).parents[3] / "docs" / "api.md"


def told(client: TestClient, headers: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    answer = client.get("/api/status", headers=headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]["warnings"]
    assert all(each["text"] and each["fix"] for each in found)
    return {each["code"]: each for each in found}


def test_all_is_well(gateway: Gateway, api: TestClient) -> None:
    assert told(api) == {}


def test_every_code_is_in_the_guide() -> None:
    text = GUIDE.read_text("utf-8")
    assert not [code for code in get_args(Code) if f"`{code}`" not in text]


@pytest.mark.parametrize(
    ("health", "code", "number"),
    [
        (msgspec.structs.replace(WELL, lost=3), "log_lost", "3"),
        (msgspec.structs.replace(WELL, rejected=2, last_error="disk full"), "log_lost", "disk full"),
        (msgspec.structs.replace(WELL, spilled=7), "log_behind", "7"),
        (msgspec.structs.replace(WELL, queued=9_000), "log_behind", "9000"),
    ],
    ids=["lost", "rejected", "spilled", "queued"],
)
def test_the_request_log(gateway: Gateway, health: LogHealth, code: str, number: str) -> None:
    client = gateway.client(BEARER, log_health=lambda: health)
    found = told(client)
    assert list(found) == [code]
    assert number in found[code]["text"]
    assert "disk full" not in str(told(client, gateway.admin_key("bob")))


def test_what_is_out_of_reach(gateway: Gateway) -> None:
    client = gateway.client(BEARER, state_away=lambda: 12.4, snapshot_age=lambda: STALE_SECONDS + 1)
    found = told(client)
    assert set(found) == {"state_away", "snapshot_old"}
    assert "12 s" in found["state_away"]["text"]
    assert told(gateway.client(BEARER, state_away=lambda: None, snapshot_age=lambda: 1.0)) == {}


def test_a_store_that_does_not_answer(gateway: Gateway) -> None:
    def fail() -> Any:
        raise StorageError("disk on fire")

    assert set(told(gateway.client(BEARER, management=fail))) == {"store_unavailable"}


def test_the_configuration_file(gateway: Gateway) -> None:
    state = ReloadState(file="/etc/x.toml", error="line 3: no", restart_needed=("server.port", "store.url"))
    found = told(gateway.client(BEARER, reloads=lambda: state))
    assert set(found) == {"config_not_loaded", "config_restart_needed"}
    assert "/etc/x.toml" in found["config_not_loaded"]["text"]
    assert "server.port, store.url" in found["config_restart_needed"]["text"]


def test_no_accounts_and_none_that_works(gateway: Gateway, clock: FakeClock, config: Config) -> None:
    bare = msgspec.structs.replace(config, accounts=(), models=Models())
    empty = Gateway(gateway.store, bare, clock)
    try:
        client = empty.client(BEARER)
        assert set(told(client)) == {"no_accounts"}
        body = {"name": "off", "preset": "openai", "api_key": "sk-x-0123456789", "enabled": False}
        assert client.post("/api/accounts", json=body).status_code == 201
        assert set(told(client)) == {"no_usable_account"}
    finally:
        empty.source.close()
        empty.management.close()


def test_others_may_call_and_there_is_no_key(gateway: Gateway, clock: FakeClock, config: Config) -> None:
    abroad = Gateway(gateway.store, msgspec.structs.replace(config, server=Server(host="0.0.0.0")), clock)
    try:
        client = abroad.client(BEARER)
        assert set(told(client)) == {"key_needed"}
        client.post("/api/keys", json={"name": "first"})
        assert told(client) == {}
    finally:
        abroad.source.close()
        abroad.management.close()


def test_an_account_that_cannot_be_used(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    import sqlite3

    with sqlite3.connect(gateway.store.path) as connection:
        connection.execute("UPDATE accounts SET api_key_sealed = x'00'")
    connection.close()
    api.patch("/api/settings", json={})
    found = told(api)
    assert set(found) == {"account_problem"}, "the same is no problem of the configuration as a whole"
    assert found["account_problem"]["account_id"] == account["id"]


def test_stored_settings_that_are_not_in_force(gateway: Gateway, api: TestClient) -> None:
    for name, member in (("one", "two"), ("two", "one")):
        body = {"name": name, "members": [{"model": member}]}
        assert api.post("/api/combos", json=body).status_code == 201
    found = told(api)
    assert set(found) == {"configuration_problem"}
    assert "one" in found["configuration_problem"]["text"]


def row(gateway: Gateway, account_id: str, model: str, seconds: float, state: Any = "paused") -> TargetState:
    until = int((gateway.clock.now() + seconds) * 1000)
    return TargetState(
        account_id=account_id,
        account="main",
        preset="openai",
        model=model,
        state=state,
        reason="rate limit",
        paused_until_ms=until,
    )


def test_accounts_that_pause(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    one, two = row(gateway, account["id"], "gpt-x", 60), row(gateway, account["id"], "gpt-y", 120)
    gateway.targets = [
        msgspec.structs.replace(one, state="half_open"),
        msgspec.structs.replace(two, state="ok"),
    ]
    assert told(api) == {}
    gateway.targets = [one]
    text = told(api)["account_paused"]["text"]
    assert text.startswith("main pauses with gpt-x until ")
    assert text.endswith(": rate limit")
    gateway.targets = [one, two]
    assert told(api)["account_paused"]["text"].startswith("main pauses with 2 models until ")
    gateway.targets = [row(gateway, account["id"], EVERY_MODEL, 60)]
    assert told(api)["account_paused"]["text"].startswith("main pauses until ")
    assert told(api)["account_paused"]["account_id"] == account["id"]
    assert "account_paused" not in told(api, gateway.admin_key("bob"))


def test_quotas_that_are_used_up(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    heard(gateway, account["id"], used=50.0)
    assert told(api) == {}
    heard(gateway, account["id"], used=100.0)
    found = told(api)
    assert set(found) == {"account_used_up"}
    assert found["account_used_up"]["account_id"] == account["id"]
    api.patch(f"/api/accounts/{account['id']}", json={"enabled": False})
    assert "account_used_up" not in told(api)


class Shelf:
    """Backups as the test says they are."""

    def __init__(self, made: Sequence[float] = (), staged: Staged | None = None) -> None:
        self.made, self._staged = made, staged

    def list(self) -> list[Backup]:
        if not self.made:
            return []
        return [
            Backup(id=f"b{at}", kind="scheduled", created_at_ms=int(at * 1000), bytes=1, path=None, file=None)  # type: ignore[arg-type]
            for at in self.made
        ]

    def staged(self) -> Staged | None:
        return self._staged


def test_backups(gateway: Gateway, clock: FakeClock) -> None:
    def client(shelf: Any, trouble: str | None = None, *, started: float = 0.0) -> TestClient:
        return gateway.client(
            BEARER, backups=shelf, backup_trouble=lambda: trouble, started=clock.monotonic() - started
        )

    now = clock.now()
    assert told(client(Shelf([now - DAY]), started=9 * DAY)) == {}
    assert told(client(Shelf(), started=DAY)) == {}, "a gateway that has just begun had no time"
    assert set(told(client(Shelf(), started=3 * DAY))) == {"backup_old"}
    assert set(told(client(Shelf([now - 3 * DAY]), started=3 * DAY))) == {"backup_old"}
    failed = told(client(Shelf([now - 3 * DAY]), "the disk is full", started=3 * DAY))
    assert set(failed) == {"backup_failed"}
    assert "the disk is full" in failed["backup_failed"]["text"]
    staged = Staged(id="b1", asked_at_ms=1, error="it is of a newer program")
    assert set(told(client(Shelf([now], staged)))) == {"restore_failed"}
    assert told(client(Shelf([now], staged)), gateway.admin_key()) == {}, "backups are the operator's"

    class Broken(Shelf):
        def list(self) -> list[Backup]:
            raise BackupError("the folder cannot be read", trouble="denied")

    assert set(told(client(Broken()))) == {"backup_failed"}
