"""One running gateway between the vendors' SDKs and four scripted vendors.

The cells of the matrix, a client at one address each, are in `cells`.
"""

import json
import time
from typing import Any, Self

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

CALLER_KEY = "canary-credential-of-the-caller"
COOKIE = "session=canary-cookie-of-the-caller"
DIRECT = "x-direct"
"""Marks the requests of the baseline, which no gateway has seen."""
DIALECTS = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "claude": "anthropic",
    "gemini": "gemini",
}
"""The account in front of each vendor, and what the vendor speaks."""
ACCOUNTS = tuple(DIALECTS)
PRESETS = {
    "chat": "custom-openai",
    "responses": "custom-responses",
    "claude": "custom-anthropic",
    "gemini": "custom-gemini",
}
KEYS = {account: f"key-of-the-{account}-account" for account in ACCOUNTS}
MODELS = {
    "chat": "gpt-4.1",
    "responses": "gpt-4.1",
    "claude": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash-lite",
}
"""Each vendor's ordinary model, which does not think unless it is asked to."""
THINKING_MODELS = {
    "chat": "deepseek-reasoner",
    "responses": "gpt-5.2",
    "claude": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
}
"""A model of each vendor that thinks, and shows it where the vendor shows it at all."""
PLAYED = {
    "claude-opus-played-by": ("chat", "responses", "gemini"),
    "o4-played-by": ("claude", "gemini"),
}
"""The compliance tester leaves cases out by the model's name; under these it leaves out none."""
COMPLIANT_MODELS = THINKING_MODELS | {"gemini": "gemini-3.5-flash"}
"""The models it is pointed at; it asks Gemini's for a thinking level, which the older line does not know."""
ALIASES = {"my-model": f"claude/{MODELS['claude']}"} | {
    f"{name}-{account}{cut}": f"{account}/{COMPLIANT_MODELS[account]}{cut}"
    for name, accounts in PLAYED.items()
    for account in accounts
    for cut in ("", "+cut-5")
}
FINGERPRINTS = ("x-stainless", "Python/", "gl-python", "google-genai")
TIMEOUT = 20.0
"""Seconds a client waits; far beyond what loopback takes, so that a hang fails the test with a name."""


class House:
    """The vendors and the gateway; `refusals_meant` says that a test makes a vendor refuse on purpose."""

    def __init__(self) -> None:
        self.vendors = {
            account: ScriptedUpstream(dialect, keys=[KEYS[account]]) for account, dialect in DIALECTS.items()
        }
        self.refusals_meant = False
        self._gateway: RunningGateway | None = None

    @property
    def gateway(self) -> RunningGateway:
        """The gateway's process."""
        assert self._gateway is not None
        return self._gateway

    @property
    def chat(self) -> ScriptedUpstream:
        """The vendor that speaks Chat."""
        return self.vendors["chat"]

    @property
    def responses(self) -> ScriptedUpstream:
        """The vendor that speaks Responses."""
        return self.vendors["responses"]

    @property
    def claude(self) -> ScriptedUpstream:
        """The vendor that speaks Messages."""
        return self.vendors["claude"]

    @property
    def gemini(self) -> ScriptedUpstream:
        """The vendor that speaks generateContent."""
        return self.vendors["gemini"]

    def vendor(self, account: str) -> ScriptedUpstream:
        """The vendor behind an account."""
        return self.vendors[account]

    def start(self) -> Self:
        """Start the vendors and the gateway in front of them."""
        for vendor in self.vendors.values():
            vendor.start()
        self._gateway = RunningGateway(
            accounts_for(self.vendors),
            # A second is enough to ask once more; waiting for a busy vendor is `tests/faults`' matter.
            settings={"models": {"aliases": ALIASES}, "routing": {"wait": 1.0}},
        ).start()
        self.listed()
        return self

    def listed(self) -> list[str]:
        """Return the names that the gateway lists, once it has asked all vendors."""
        expected = {*ALIASES, *(name for vendor in self.vendors.values() for name in vendor.models)}
        deadline = time.monotonic() + TIMEOUT
        while True:
            names = [entry["id"] for entry in json.loads(self.gateway.get("/v1/models")[1])["data"]]
            if set(names) == expected or time.monotonic() > deadline:
                return names
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop all; each says if it erred itself."""
        assert self.gateway.stop() == 0
        self.gateway.assert_no_complaints()
        self.gateway.__exit__(None, None, None)
        for vendor in self.vendors.values():
            vendor.__exit__(None, None, None)

    def begin(self) -> None:
        """Forget what the last test left."""
        self.refusals_meant = False
        for account, vendor in self.vendors.items():
            if vendor.requests:
                # Whatever failed there pauses now, with its whole account or host where it blames those.
                self.gateway.resume(account)
            vendor.reset()

    def check(self) -> None:
        """Fail if a vendor was sent nonsense, or anything that belongs to the caller."""
        for vendor in self.vendors.values():
            assert not vendor.errors, vendor.errors
            if not self.refusals_meant:
                vendor.assert_all_valid()
            vendor.assert_never_received(CALLER_KEY, "canary-cookie")
            through = [r for r in vendor.requests if r.header(DIRECT) is None]
            told = [r.headers for r in through if any(r.contains(mark) for mark in FINGERPRINTS)]
            assert not told, "what tells the client's SDK apart reached the vendor"
            sealed = [r.body for r in through if r.contains("flr1.")]
            assert not sealed, "an envelope of the gateway's own reached the vendor"

    def receipt(self, request_id: str) -> dict[str, Any]:
        """Return the receipt of an exchange."""
        status, body = self.gateway.get(f"/v1/receipts/{request_id}")
        assert status == 200, body
        return json.loads(body)


def accounts_for(vendors: dict[str, ScriptedUpstream]) -> list[dict[str, Any]]:
    """Return the gateway's accounts at these vendors: one that takes every name, one that asks for the list."""
    accounts: list[dict[str, Any]] = []
    for name, vendor in vendors.items():
        url = vendor.openai_url if name in ("chat", "responses") else vendor.url
        account = {"preset": PRESETS[name], "base_url": url, "api_key": KEYS[name]}
        accounts.append({**account, "name": name, "models": ["*"]})
        accounts.append({**account, "name": f"listed-{name}", "models": [], "priority": 2})
    return sorted(accounts, key=lambda account: account.get("priority", 1))
