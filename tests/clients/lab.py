"""Where clients are tried: each upstream dialect with a gateway in front of it, and each without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

KEY = "any-gateway-key"
ACCOUNT_KEY = "account-key"
PRESETS = {
    "openai_chat": "custom-openai",
    "openai_responses": "custom-responses",
    "anthropic": "custom-anthropic",
    "gemini": "custom-gemini",
}
MODELS = {
    "openai_chat": "gpt-4.1",
    "openai_responses": "gpt-4.1",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
}
THINKING_MODELS = {
    "openai_chat": "deepseek-reasoner",
    "openai_responses": "gpt-5.2",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3.5-flash",
}


@dataclass(frozen=True)
class Place:
    """An address for clients, and the vendor that answers there in the end."""

    dialect: str
    up: ScriptedUpstream
    gateway: RunningGateway | None

    @property
    def url(self) -> str:
        """Return the base URL without a version."""
        return self.up.url if self.gateway is None else self.gateway.url

    def check(self) -> None:
        """Fail if the vendor was sent nonsense or the client's key, or the gateway erred itself."""
        self.up.assert_all_valid()
        assert not self.up.errors, self.up.errors
        if self.gateway is not None:
            self.up.assert_never_received(KEY)
            self.gateway.assert_no_complaints()

    def story(self) -> str:
        """Return what the vendor was asked, a line a request."""
        lines = [f"{each.path} {each.status} {each.refusal or ''}\n  {each.body[:4000]!r}" for each in self.up.requests]
        log = "" if self.gateway is None else self.gateway.log[-3000:]
        return "\n".join([*lines, log])


def account(dialect: str, up: ScriptedUpstream) -> dict[str, Any]:
    """Return the account that leads to a vendor."""
    return {
        "name": "vendor",
        "preset": PRESETS[dialect],
        "base_url": up.openai_url if dialect.startswith("openai") else up.url,
        "api_key": ACCOUNT_KEY,
        "models": ["*"],
    }


class Lab:
    """The places of one worker, started when first asked for."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, bool], Place] = {}

    def place(self, dialect: str, *, direct: bool = False) -> Place:
        """Return a place with an empty journal."""
        place = self._places.get((dialect, direct))
        if place is None:
            up = ScriptedUpstream(dialect=dialect, keys=None if direct else [ACCOUNT_KEY]).start()
            gateway = None if direct else RunningGateway([account(dialect, up)]).start()
            place = self._places[dialect, direct] = Place(dialect, up, gateway)
        place.up.reset()
        return place

    def close(self) -> None:
        """Stop all of them."""
        for place in self._places.values():
            if place.gateway is not None:
                place.gateway.__exit__(None, None, None)
            place.up.stop()
        self._places.clear()
