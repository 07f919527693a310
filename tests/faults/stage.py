"""Vendors that fail on purpose behind a gateway as it comes: no setting is changed, so the silences are real.

Each case has accounts of its own, so that one's pauses never touch another's, and each play a model of its own.
Everything is played at once, because most of it is waiting.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from tests.conformance.cells import AnthropicCell, Asked, Cell, OpenAICell, ResponsesCell
from tests.conformance.google_cell import GeminiCell
from tests.conformance.house import DIALECTS, KEYS, PRESETS
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream, refused_port
from tests.upstreams.brain import STORY
from tests.upstreams.received import Received

PATIENCE = 130.0
"""Seconds a client waits, longer than any case may take."""
FOREVER = 60
"""Attempts that a fault for ever is scripted for; a gateway that needs so many hammers."""


class Stage:
    """Two vendors of each dialect, and the gateway."""

    def __init__(self) -> None:
        self.firsts = {name: ScriptedUpstream(dialect) for name, dialect in DIALECTS.items()}
        self.seconds = {name: ScriptedUpstream(dialect) for name, dialect in DIALECTS.items()}
        self._gateway: RunningGateway | None = None

    @property
    def gateway(self) -> RunningGateway:
        """The gateway's process."""
        assert self._gateway is not None
        return self._gateway

    def start(self, routes: dict[str, tuple[str, str, str | None]]) -> Self:
        """Start all; `routes` names for each route its first vendor, its second, and an address instead."""
        for vendor in (*self.firsts.values(), *self.seconds.values()):
            vendor.start()
        accounts: list[dict[str, Any]] = []
        for route, (first, second, instead) in routes.items():
            accounts.append(
                _account(f"{route}-first", first, self.firsts[first], models=f"{route}-*", instead=instead)
            )
            accounts.append(
                _account(f"{route}-second", second, self.seconds[second], models=f"{route}-*", rank=2)
            )
        self._gateway = RunningGateway(accounts).start()
        return self

    def stop(self) -> None:
        """Stop all; the gateway must have nothing to complain of, and leave in order."""
        assert self.gateway.stop() == 0
        self.gateway.assert_no_complaints()
        self.gateway.__exit__(None, None, None)
        for vendor in (*self.firsts.values(), *self.seconds.values()):
            vendor.__exit__(None, None, None)


def _account(
    name: str,
    vendor: str,
    upstream: ScriptedUpstream,
    *,
    models: str,
    rank: int = 1,
    instead: str | None = None,
) -> dict[str, Any]:
    address = {"claude": upstream.url, "gemini": upstream.gemini_url}.get(vendor, upstream.openai_url)
    return {
        "name": name,
        "preset": PRESETS[vendor],
        "base_url": instead or address,
        "api_key": KEYS[vendor],
        "models": [models],
        "priority": rank,
    }


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port on which nobody ever picks up: its queue of connections is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port: int = listener.getsockname()[1]
    waiting: list[socket.socket] = []
    for _ in range(4):
        caller = socket.socket()
        caller.setblocking(False)
        caller.connect_ex(("127.0.0.1", port))
        waiting.append(caller)
    try:
        yield port
    finally:
        for one in (listener, *waiting):
            one.close()


class _Named:
    """A cell in which models are called by their full names."""

    def model(self, scenario: str = "", *, base: str | None = None) -> str:
        return base or scenario


class ChatClient(_Named, OpenAICell):
    """OpenAI's SDK, chat completions."""


class ResponsesClient(_Named, ResponsesCell):
    """OpenAI's SDK, responses."""


class AnthropicClient(_Named, AnthropicCell):
    """Anthropic's SDK."""


class GoogleClient(_Named, GeminiCell):
    """Google's SDK."""


CLIENTS: dict[str, type[Cell]] = {
    "chat": ChatClient,
    "responses": ResponsesClient,
    "claude": AnthropicClient,
    "gemini": GoogleClient,
}
"""The clients, by the vendor that speaks as they do."""


@dataclass
class Run:
    """One question put through the gateway, and what came of it; `error` is the SDK's exception."""

    expected: str
    natural: str
    asked: Asked = field(default_factory=Asked)
    error: Any = None
    began: float = 0.0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the whole answer came, and said that it was whole."""
        return self.error is None and self.asked.text == self.expected and self.asked.finish == self.natural

    @property
    def clean_error(self) -> bool:
        """Whether an error was told, and nothing wrong or final before it."""
        if self.error is None:
            return False
        partial = getattr(self.error, "partial", None)
        return partial is None or (partial.finish is None and self.expected.startswith(partial.text))


class Play:
    """One fault played to one client; `model` is its own, so that the vendors' logs tell its story."""

    def __init__(
        self, stage: Stage, route: str, client: str, *, stream: bool, vendors: tuple[str, str]
    ) -> None:
        house: Any = stage
        self.stage = stage
        self.client = CLIENTS[client](house, vendors[0])
        self.stream = stream
        self.first, self.second = stage.firsts[vendors[0]], stage.seconds[vendors[1]]
        form = "streamed" if stream else "whole"
        self.name = f"{route}-{client}-{form}"
        self.model = f"{self.name}+sixty-words"
        self.expected = STORY
        self.fields: dict[str, Any] = {}
        self.runs: list[Run] = []

    def script(self, *faults: str | None, then_healthy: bool) -> Self:
        """Say what the first vendor does to the attempts it gets, one by one."""
        rest = [None] * FOREVER if then_healthy or not faults else [faults[-1]] * FOREVER
        self.first.script([*faults, *rest], model=self.model)
        return self

    def outage(self, seconds: float) -> Self:
        """Let the first vendor refuse whatever comes within so many seconds of the first attempt."""
        began: list[float] = []

        def item(received: Received) -> str | None:
            began.append(received.at)
            return "fault-503" if received.at - began[0] < seconds else None

        self.first.script([item] * FOREVER, model=self.model)
        return self

    def ask(self) -> Run:
        """Put the question once."""
        run = Run(self.expected, self.client.natural, began=time.monotonic())
        fields = {**self.client.fields(self.model, "tell the story"), **self.fields}
        try:
            with self.client.client(timeout=PATIENCE) as sdk:
                if self.stream:
                    with run.asked.keeping(self.client):
                        for piece in self.client.open(sdk, **fields):
                            self.client.gather(run.asked, piece)
                else:
                    run.asked = self.client.read(self.client.create(sdk, **fields))
        except self.client.failures as error:
            run.error = error
        run.seconds = time.monotonic() - run.began
        self.runs.append(run)
        return run

    @property
    def run(self) -> Run:
        """What came of the last question."""
        return self.runs[-1]

    @property
    def attempts(self) -> list[Received]:
        """What the first vendor got."""
        return self.first.calls_of(self.model)

    @property
    def rescues(self) -> list[Received]:
        """What the second vendor got."""
        return self.second.calls_of(self.model)

    def gap(self) -> float:
        """Return the seconds between the first two attempts, 0 where there was one."""
        times = [received.at for received in self.attempts]
        return times[1] - times[0] if len(times) > 1 else 0.0


__all__ = ["CLIENTS", "Play", "Run", "Stage", "deaf_port", "refused_port"]
