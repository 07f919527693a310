"""Where clients are tried: each upstream dialect with a gateway in front of it, and each without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.gateway import RunningGateway
from tests.upstreams import Received, ScriptedUpstream

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
# OpenCode offers no `write` for models named gpt-5.
PROGRAM_MODELS = {**THINKING_MODELS, "openai_responses": "o4-mini"}
PACE = 0.01
"""Seconds between the pieces of a stream that breaks: what comes at once with its error is no broken stream."""


@dataclass
class Place:
    """An address for clients, and the vendor that answers there in the end; of its log the first `read` are old."""

    dialect: str
    up: ScriptedUpstream
    gateway: RunningGateway | None
    read: int = 0

    @property
    def url(self) -> str:
        """Return the base URL without a version."""
        return self.up.url if self.gateway is None else self.gateway.url

    def check(self) -> None:
        """Fail if the vendor was sent nonsense or the client's key, or the gateway erred itself."""
        refused = [each for each in self.up.refused if not self._learned(each)]
        assert not refused, [f"{each.method} {each.path}: {each.refusal}" for each in refused]
        assert not self.up.errors, self.up.errors
        if self.gateway is not None:
            self.up.assert_never_received(KEY)
            complaints = [line for line in self.log().splitlines() if '"level":"error"' in line]
            assert not complaints, complaints[0][:2000]

    def _learned(self, refused: Received) -> bool:
        """Say whether the gateway answered a refusal by asking once more without what was refused."""
        later = [call for call in self.up.calls if call.index > refused.index]
        return self.gateway is not None and refused.status == 400 and bool(later) and later[0].refusal is None

    def lessons(self) -> str:
        """Return the vendor's refusals that the gateway learned from."""
        return "; ".join(dict.fromkeys(each.refusal or "" for each in self.up.refused))

    def log(self) -> str:
        """Return what the gateway wrote since the place was last asked for."""
        return "" if self.gateway is None else self.gateway.log[self.read :]

    def story(self) -> str:
        """Return what the vendor was asked, a line a request."""
        lines = [
            f"{each.target} {each.status} {each.refusal or ''}\n  {each.body!r}" for each in self.up.requests
        ]
        return "\n".join([*lines, self.log()])


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
        place.up.gap = 0.0
        place.read = len(place.gateway.log) if place.gateway is not None else 0
        return place

    def close(self) -> None:
        """Stop all of them."""
        for place in self._places.values():
            if place.gateway is not None:
                place.gateway.__exit__(None, None, None)
            place.up.stop()
        self._places.clear()
