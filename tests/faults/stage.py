"""Two vendors of each dialect, the first of which fails on purpose, and a gateway whose patience is short."""

import time
from dataclasses import dataclass, field
from typing import Any, Self

from tests.conformance.cells import AnthropicCell, Asked, OpenAICell
from tests.conformance.house import House
from tests.support.gateway import RunningGateway
from tests.upstreams import Pace, ScriptedUpstream
from tests.upstreams.brain import STORY
from tests.upstreams.received import Received

PATIENCE = {
    "connect": 1.0,
    "first_byte": 1.0,
    "first_byte_plain": 1.0,
    "first_event": 1.0,
    "stall": 1.0,
    "total": 2.0,
}
"""Seconds in place of the defaults' minutes; the vendors' silences are ten times as long."""
PACE = Pace(first_token=12.0, stall=12.0, headers=12.0)
BOUND = 10.0
"""Seconds within which every case must have ended, three times what the patience above adds up to."""
FOREVER = 40
"""Attempts that a fault for ever is scripted for; a gateway that needs so many hammers."""


class Stage:
    """The four vendors and the gateway; a model's name begins with the pair that serves it."""

    def __init__(self) -> None:
        self.pairs: dict[str, tuple[ScriptedUpstream, ScriptedUpstream]] = {
            "chat": (ScriptedUpstream("openai_chat", pace=PACE), ScriptedUpstream("openai_chat")),
            "claude": (ScriptedUpstream("anthropic", pace=PACE), ScriptedUpstream("anthropic")),
        }
        self.gateway: RunningGateway = None  # type: ignore[assignment]

    def start(self) -> Self:
        """Start all."""
        accounts: list[dict[str, Any]] = []
        for pair, vendors in self.pairs.items():
            for priority, (name, vendor) in enumerate(zip(("first", "second"), vendors, strict=True), 1):
                vendor.start()
                chat = pair == "chat"
                accounts.append(
                    {
                        "name": f"{pair}-{name}",
                        "preset": "custom-openai" if chat else "custom-anthropic",
                        "base_url": vendor.openai_url if chat else vendor.url,
                        "api_key": f"key-of-{name}",
                        "models": [f"{pair}-*"],
                        "priority": priority,
                    }
                )
        self.gateway = RunningGateway(accounts, settings={"timeouts": PATIENCE}).start()
        return self

    def stop(self) -> None:
        """Stop all; the gateway must have nothing to complain of, and leave in order."""
        assert self.gateway.stop() == 0
        self.gateway.assert_no_complaints()
        self.gateway.__exit__(None, None, None)
        for vendors in self.pairs.values():
            for vendor in vendors:
                vendor.__exit__(None, None, None)


class _Named:
    """A cell in which models are called by their full names."""

    def model(self, scenario: str = "", *, base: str | None = None) -> str:
        return base or scenario


class OpenAIClient(_Named, OpenAICell):
    """OpenAI's SDK in front of the gateway."""


class AnthropicClient(_Named, AnthropicCell):
    """Anthropic's SDK in front of the gateway."""


CLIENTS: dict[str, Any] = {"openai": OpenAIClient, "anthropic": AnthropicClient}


@dataclass
class Run:
    """One question put through the gateway, and what came of it; `error` is the SDK's exception."""

    asked: Asked = field(default_factory=Asked)
    error: Any = None
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the whole answer came, and said that it was whole."""
        return self.error is None and self.asked.text == STORY and self.asked.finish in ("stop", "end_turn")

    @property
    def clean_error(self) -> bool:
        """Whether an error was told, within the bound, and no ending before it."""
        if self.error is None or self.seconds > BOUND:
            return False
        partial = getattr(self.error, "partial", None)
        return partial is None or (partial.finish is None and STORY.startswith(partial.text))


class Play:
    """One fault played to one client: which model to ask, and both vendors' logs of it."""

    def __init__(self, stage: Stage, case: str, client: str, *, pair: str, stream: bool) -> None:
        house: Any = stage
        assert isinstance(house, Stage | House)
        self.client = CLIENTS[client](house, pair)
        self.stream = stream
        self.first, self.second = stage.pairs[pair]
        form = "streamed" if stream else "whole"
        self.model = f"{pair}-{case.lower()}-{client}-{form}+sixty-words"

    def script(self, *faults: str | None, then_healthy: bool) -> Self:
        """Say what the first vendor does to the attempts it gets, one by one."""
        rest = [None] * FOREVER if then_healthy else [faults[-1]] * FOREVER
        self.first.script([*faults, *rest], model=self.model)
        return self

    def ask(self) -> Run:
        """Put the question once."""
        run, began = Run(), time.monotonic()
        try:
            run.asked = self.client.ask(self.model, "tell the story", stream=self.stream, timeout=BOUND * 2)
        except self.client.sdk.APIError as error:
            run.error = error
        run.seconds = time.monotonic() - began
        return run

    @property
    def attempts(self) -> list[Received]:
        """What the first vendor got."""
        return self.first.calls_of(self.model)

    @property
    def rescues(self) -> list[Received]:
        """What the second vendor got."""
        return self.second.calls_of(self.model)
