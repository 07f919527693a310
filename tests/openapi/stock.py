"""Things that calls can be about: made through `/api`, named by their ids, never those the run stands on."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.support.gateway import RunningGateway

Headers = dict[str, str]

_BODIES: dict[str, dict[str, Any]] = {
    "accounts": {"preset": "openai", "api_key": "sk-example-0123456789", "models": ["gpt-x"]},
    "combos": {"members": [{"model": "gpt-x"}]},
    "keys": {"policy": {"budgets": [{"amount": 5}]}},
    "users": {"password": "correct horse battery"},
}
_LISTED = (
    "aliases",
    "backups",
    "budgets",
    "models",
    "presets",
    "prices",
    "receipts",
    "requests",
    "sessions",
    "tags",
)


class Stock:
    """Calls one gateway with one credential; `own` are ids that must outlive the run."""

    def __init__(self, gateway: RunningGateway, headers: Headers) -> None:
        self.gateway = gateway
        self.headers = headers
        self.own: set[str] = set()
        self._turns = itertools.count()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON of a call."""
        content = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "content-type": "application/json"}
        status, answer = self.gateway.call(method, path, body=content, headers=headers)
        return status, json.loads(answer) if answer else None

    def new_name(self, stem: str = "thing") -> str:
        """Return a name that nothing has."""
        return f"{stem}-{next(self._turns)}"

    def use(self) -> None:
        """Let every list have something in it: requests are calls that nobody can answer."""
        for _ in range(3):
            body = {"model": "nobody/gpt-x", "messages": [{"role": "user", "content": "Hi"}]}
            status, said = self.ask("POST", "/v1/chat/completions", body)
            assert status == 404, said
        self.ids("/api/accounts")
        for path, body in (
            ("/api/aliases/smart", {"models": ["gpt-x"]}),
            ("/api/aliases/two%2Fparts", {"models": ["gpt-x", "gpt-y"]}),
            ("/api/prices/gpt-x", {"input": 1, "output": 2}),
        ):
            status, said = self.ask("PUT", path, body)
            assert status == 200, said

    def ids(self, path: str) -> list[str]:
        """Return ids of things that a path may be about; there are some of what can be made."""
        kind = path.split("/")[2].partition(".")[0]
        if kind in _BODIES:
            body = {"name": self.new_name(), **_BODIES[kind]}
            status, made = self.ask("POST", f"/api/{kind}", body)
            assert status == 201, made
            return [made["data"]["id"], *self._listed(kind)][:4]
        return self._listed("requests" if kind == "receipts" else kind) if kind in _LISTED else []

    def _listed(self, kind: str) -> list[str]:
        status, answer = self.ask("GET", f"/api/{kind}?limit=20")
        rows = answer["data"] if status == 200 else []
        found = [row.get("id") or row.get("name") for row in rows]
        return [each for each in found if each and each not in self.own]


__all__ = ["Stock"]
