"""A declaration with one of everything, and what tests do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from flowrouter.config import Config
from flowrouter.httpkit.keys import mint
from flowrouter.storage import open_store
from tests.contracts.fakes import FakeClock
from tests.unit.api_admin.conftest import BEARER, Gateway

CANARY = "sk-declared-canary-77aa01"
HEADER = "declared-header-canary-5521"
PASSWORD = "declared battery staple horse"
PASSPHRASE = "a quiet morning in the harbour"
TOKEN = mint()
SECRETS = {
    "env:MAIN_KEY": CANARY,
    "file:secrets/team": HEADER,
    "env:ANN_PASSWORD": PASSWORD,
    "env:CI_TOKEN": TOKEN.token,
}
TEXT = """\
reply_model = "asked"

[models.aliases]
quick = "gpt-5.4-mini"
pool = ["gpt-5.4", "claude-sonnet-5"]

[prices."own/*"]
input = 1.25
output = 4.0

[budgets.everybody]
amount = 100
mode = "hard"

[routing]
attempts = 5
rotations = { openai = "weighted" }

[[routing.rules]]
failure = "overloaded"
status = [418]

[routing.combos.smart]
strategy = "round_robin"
members = [{ model = "main/gpt-5.4", weight = 2 }, { model = "pool", when = { tools = true } }]

[[accounts]]
name = "main"
preset = "openai"
api_key = "env:MAIN_KEY"
priority = 2
tags = ["tier:cheap"]
headers = { "x-team" = "file:secrets/team" }

[[keys]]
name = "ci"
token = "env:CI_TOKEN"
expires = 2030-01-01T00:00:00Z

[keys.policy]
models = ["gpt-*"]
limits = { requests_per_minute = 60 }
budgets = [{ amount = 2.5, period = "day" }]

[[keys]]
name = "laptop"

[[users]]
name = "Ann"
role = "operator"
password = "env:ANN_PASSWORD"
"""


def put(api: TestClient, text: str = TEXT, **more: Any) -> dict[str, Any]:
    """Apply `text` as `gateway.toml` and return what is told of it."""
    reply = api.post("/api/apply", json={"text": text, "file": "gateway.toml", "secrets": SECRETS, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def refused(api: TestClient, text: str, **more: Any) -> tuple[int, dict[str, Any]]:
    reply = api.post("/api/apply", json={"text": text, "file": "gateway.toml", "secrets": SECRETS, **more})
    assert reply.status_code >= 400, reply.text
    return reply.status_code, reply.json()["error"]


def lines(told: dict[str, Any]) -> list[str]:
    return [f"{change['action']} {change['kind']} {change['name']}" for change in told["changes"]]


def found(api: TestClient, path: str, name: str) -> dict[str, Any]:
    rows = api.get(path).json()["data"]
    return next(row for row in rows if row["name"] == name)


def whole(gateway: Gateway) -> Any:
    """Return all that a declaration could change, as it is stored."""
    store = gateway.management
    return (
        store.accounts.list(),
        store.combos.list(),
        store.keys.list(),
        store.users.list(),
        store.settings.get(owner_id="local"),
    )


class Other:
    """A client of a gateway over a store of its own."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        folder.mkdir()
        config = Config(file=str(folder / "config.toml"), data=str(folder))
        self._gateway = Gateway(open_store(folder, master_key=None, clock=clock), config, clock)
        self._gateway.writer.start()
        self._client = self._gateway.client(BEARER)

    def __enter__(self) -> TestClient:
        return self._client.__enter__()

    def __exit__(self, *_: object) -> None:
        self._client.__exit__(None, None, None)
        self._gateway.close()
