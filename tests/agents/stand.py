"""One running gateway between an agent and four scripted vendors."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any, Self

from tests.support.gateway import RunningGateway
from tests.upstreams import Received, ScriptedUpstream

CALLER_KEY = "canary-credential-of-the-caller"
DIALECTS = {"chat": "openai_chat", "responses": "openai_responses", "claude": "anthropic", "gemini": "gemini"}
"""The account in front of each vendor, and what the vendor speaks."""
PRESETS = {
    "chat": "custom-openai",
    "responses": "custom-responses",
    "claude": "custom-anthropic",
    "gemini": "custom-gemini",
}
MODELS = {
    "chat": "deepseek-reasoner",
    "responses": "gpt-5.2",
    "claude": "claude-opus-5",
    "gemini": "gemini-3.5-flash",
}
"""A model of each vendor that thinks, and takes what the agents ask of it."""
PATIENCE = 30.0


@dataclass(frozen=True)
class Told:
    """An answer of the gateway."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body, read."""
        return json.loads(self.body)


@dataclass
class Stand:
    """The vendors by account, and the gateway; `refusals_meant` says that a test makes a vendor refuse."""

    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    refusals_meant: bool = False

    def __post_init__(self) -> None:
        self.vendors = {
            name: ScriptedUpstream(dialect, keys=[_key(name)]) for name, dialect in DIALECTS.items()
        }
        self._gateway: RunningGateway | None = None

    @property
    def gateway(self) -> RunningGateway:
        """The gateway's process."""
        assert self._gateway is not None
        return self._gateway

    def start(self) -> Self:
        """Start the vendors and the gateway in front of them."""
        for vendor in self.vendors.values():
            vendor.start()
        accounts = [
            {
                "name": name,
                "preset": PRESETS[name],
                "base_url": vendor.openai_url if name in ("chat", "responses") else vendor.url,
                "api_key": _key(name),
                "models": ["*", MODELS[name]],
            }
            for name, vendor in self.vendors.items()
        ]
        self._gateway = RunningGateway(accounts, settings=self.settings).start()
        return self

    def stop(self) -> None:
        """Stop all of them; each says if it erred itself."""
        assert self.gateway.stop() == 0
        self.gateway.assert_no_complaints()
        self.gateway.__exit__(None, None, None)
        for vendor in self.vendors.values():
            vendor.__exit__(None, None, None)

    def begin(self) -> None:
        """Forget what the last test left."""
        self.refusals_meant = False
        for vendor in self.vendors.values():
            vendor.reset()

    def check(self) -> None:
        """Fail if a vendor was sent nonsense, the caller's key or an envelope of ours."""
        for vendor in self.vendors.values():
            assert not vendor.errors, vendor.errors
            if not self.refusals_meant:
                vendor.assert_all_valid()
            vendor.assert_never_received(CALLER_KEY, "flr1.")

    def ask(
        self, path: str, body: Any = None, *, headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Told:
        """Return the answer to one request; a body that is not bytes is sent as JSON."""
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {CALLER_KEY}", **(headers or {})}
        if sent is not None:
            given.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body=sent, headers=given)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Told(answer.status, told, answer.read())
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Told:
        """Return the answer to a GET."""
        return self.ask(path, headers=headers, method="GET")

    def receipt(self, told: Told) -> dict[str, Any]:
        """Return the receipt of an answer."""
        found = self.get(f"/v1/receipts/{told.headers['x-request-id']}")
        assert found.status == 200, found.body
        return found.json

    def lost(self, told: Told) -> dict[str, str]:
        """Return what of a request was lost, by path, and how."""
        return {loss["path"]: loss["kind"] for loss in self.receipt(told)["request_losses"]}

    def rows(self, query: str, count: int) -> list[dict[str, Any]]:
        """Return rows of the request log, as soon as so many are written (or what there is in the end)."""
        token = (self.gateway.data / "local.token").read_text().strip()
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.get(f"/api/requests?{query}", {"authorization": f"Bearer {token}"})
            assert found.status == 200, found.body
            if len(rows := found.json["data"]) >= count or time.monotonic() > deadline:
                return rows
            time.sleep(0.02)

    def seen(self, account: str) -> Received:
        """Return the latest request a vendor got."""
        return self.vendors[account].calls[-1]


def _key(account: str) -> str:
    return f"key-of-the-{account}-account"


__all__ = ["CALLER_KEY", "DIALECTS", "MODELS", "Stand", "Told"]
