"""A running gateway as dashboard tests use it: with a vendor behind it, things in it, and ways to both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from flowrouter.gateway.ports import RequestRow
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

MEMBERS = (
    ("openai-main", "openai", ("gpt-5.4", "gpt-5.4-mini", "gpt-4.1"), 1),
    ("anthropic-main", "anthropic", ("claude-sonnet-4-5", "claude-haiku-4-5"), 1),
    ("gemini-team", "gemini", ("gemini-2.5-flash", "gemini-2.5-pro"), 1),
    ("deepseek", "deepseek", ("deepseek-chat",), 2),
    ("spare", "openai", ("gpt-5.4", "gpt-5.4-mini"), 3),
)
"""The accounts of a furnished gateway: name, preset, models, priority."""
COMBOS: tuple[dict[str, Any], ...] = (
    {"name": "smart", "members": [{"model": "claude-sonnet-4-5"}, {"model": "gpt-5.4"}]},
    {
        "name": "cheap",
        "strategy": "weighted",
        "members": [
            {"model": "gpt-5.4-mini", "weight": 2},
            {"model": "gemini-2.5-flash"},
            {"model": "deepseek-chat"},
        ],
    },
)
KEYS: tuple[dict[str, Any], ...] = (
    {"name": "laptop"},
    {"name": "ci", "policy": {
        "models": ["cheap", "gpt-5.4-mini", "deepseek-chat"], "limits": {"requests_per_minute": 60},
        "budgets": [{"metric": "usd", "amount": 5, "period": "day"}],
    }},
    {"name": "notebooks"},
)  # fmt: skip


PASSWORD = "correct horse battery staple"
"""Of every user of a gateway that asks for a login."""
BUDGETS = {
    "house": {"amount": 400, "period": "month", "unpriced": "allow"},
    "day": {"amount": 2_000_000, "metric": "tokens", "period": "day"},
}
"""Budgets of the gateway as a whole."""


class Stand:
    """A running gateway and the vendor behind it.

    `accounts` and `combos` are ids by name, `keys` the tokens by name, `key_ids` their ids, `rows`
    what `seed` stored, oldest first.
    """

    def __init__(self, running: RunningGateway, vendor: ScriptedUpstream) -> None:
        self.running = running
        self.vendor = vendor
        self.accounts: dict[str, str] = {}
        self.combos: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.key_ids: dict[str, str] = {}
        self.rows: list[RequestRow] = []
        self.cookies: list[Any] = []
        """What a browser that signed in was given; `page` signs in once for each gateway."""

    @property
    def url(self) -> str:
        """Return the gateway's address without a slash behind it."""
        return self.running.url

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return status and JSON of a call with the local token."""
        token = (self.running.data / "local.token").read_text().strip()
        given = {"authorization": f"Bearer {token}", "content-type": "application/json", **(headers or {})}
        raw = None if body is None else msgspec.json.encode(body)
        status, answer = self.running.call(method, path, body=raw, headers=given)
        return status, msgspec.json.decode(answer) if answer[:1] in b"{[" and answer else None

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Return the `data` of a call of `/api` that must succeed."""
        status, answer = self.call(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer["data"] if isinstance(answer, dict) and "data" in answer else answer

    def link(self) -> str:
        """Return an address that signs one browser in as admin."""
        return str(self.api("POST", "/api/handover", {})["url"])

    def ask(
        self, model: str, text: str = "hello", *, key: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[int, Any]:  # fmt: skip
        """Send a chat request as a client of the gateway would; `key` is a name of `keys`."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        token = self.keys[key] if key is not None else next(iter(self.keys.values()), "none")
        given = {"authorization": f"Bearer {token}", "content-type": "application/json", **(headers or {})}
        status, answer = self.running.call(
            "POST", "/v1/chat/completions", body=msgspec.json.encode(body), headers=given
        )
        return status, answer if more.get("stream") else msgspec.json.decode(answer)

    def furnish(self) -> None:
        """Add accounts at the scripted vendor, combos, keys and budgets, through `/api`."""
        for name, preset, models, priority in MEMBERS:
            draft = {
                "name": name, "preset": preset, "api_key": f"{name}-key-0123456789", "models": models,
                "priority": priority, "base_url": address(self.vendor, preset),
            }  # fmt: skip
            self.accounts[name] = self.api("POST", "/api/accounts", draft)["id"]
        for combo in COMBOS:
            self.combos[combo["name"]] = self.api("POST", "/api/combos", combo)["id"]
        for key in KEYS:
            made = self.api("POST", "/api/keys", key)
            self.keys[key["name"]], self.key_ids[key["name"]] = made["token"], made["id"]
        self.api("PATCH", "/api/settings", {"budgets": BUDGETS})


def address(vendor: ScriptedUpstream, preset: str) -> str:
    """Return where an account of `preset` reaches the scripted vendor."""
    return {"anthropic": vendor.url, "custom-anthropic": vendor.url, "gemini": vendor.gemini_url}.get(
        preset, vendor.openai_url
    )


@contextmanager
def standing(*, settings: dict[str, Any] | None = None) -> Iterator[Stand]:
    """Start a gateway that has nothing yet, and a vendor."""
    with ScriptedUpstream("all") as vendor, RunningGateway(settings=settings) as running:
        yield Stand(running, vendor)


__all__ = ["BUDGETS", "COMBOS", "KEYS", "MEMBERS", "PASSWORD", "Stand", "address", "standing"]
