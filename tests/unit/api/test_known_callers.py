"""Who repeats a head on a connection is known by it, as long as the keys say so; its body's bytes are held as stated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from flowrouter.api.llm import DataPlane, Parts
from flowrouter.gateway.client import Client
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import LOCAL, Caller
from flowrouter.httpkit.guard import Guard
from flowrouter.httpkit.key_policy import NO_POLICY, KeyPolicy
from flowrouter.httpkit.keys import GatewayKey, KeyRing, mint
from flowrouter.httpkit.memory import MemoryGate
from flowrouter.settings import Timeouts
from flowrouter.tasks import TaskGroup
from tests.contracts.fakes import FakeClock
from tests.unit.httpkit.wire import Wire, live, request

TOKEN = mint()
CHAT = "POST /v1/chat/completions HTTP/1.1"
FIELDS = ("Content-Type: application/json", f"Authorization: Bearer {TOKEN.token}")


class Plane:
    """A data plane whose pipeline notes who asks what, and what is held of the memory meanwhile."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.world = World()
        self.memory = MemoryGate(10_000)
        self.heard: list[tuple[Caller | None, bytes, int]] = []
        parts = SimpleNamespace(
            world=lambda: self.world,
            pipeline=self,
            guard=Guard(hosts=frozenset({"h"})),
            memory=self.memory,
            tasks=TaskGroup(lambda *_: None),
            clock=self.clock,
            timeouts=Timeouts(),
            body_limit=1_000,
            too_old=None,
            responses=SimpleNamespace(answers={}),
        )
        self.serve = DataPlane(cast("Parts", parts)).serve
        self.wire = Wire(cast("Any", self))

    async def run(self, exchange: Exchange, client: Client) -> None:
        inbound = exchange.inbound
        self.heard.append((inbound.caller, inbound.body, self.memory.held))
        assert client.way.answer(200, b"\r\ncontent-length: 2", b"{}") is None

    def keys(self, policy: KeyPolicy = NO_POLICY, *, expires_at_ms: int | None = None) -> None:
        """Let the token's key be the only one, with these rights."""
        key = GatewayKey(
            id="k",
            name="k",
            owner_id="o",
            token_hash=TOKEN.token_hash,
            shown="",
            policy=policy,
            expires_at_ms=expires_at_ms,
        )
        self.world = World(ring=KeyRing([key]))

    async def asked(self, body: bytes = b"{}") -> tuple[Caller | None, bytes, int]:
        """Ask once more on the connection; return what is heard of that."""
        before = len(self.heard)
        await self.wire.says(request(CHAT, *FIELDS, body=body))
        assert len(self.heard) == before + 1
        assert self.memory.held == 0
        return self.heard[-1]


def test_what_is_known_of_a_head_holds_while_the_keys_do() -> None:
    async def story() -> None:
        plane = Plane()
        soon = int(plane.clock.now() * 1000) + 5_000
        plane.keys(expires_at_ms=soon)
        first, again = [(await plane.asked())[0] for _ in range(2)]
        assert first is again
        assert first is not None
        assert first.key_id == "k"
        plane.clock.advance(5.0)
        assert await plane.asked() == (None, b"", 2), "expired: its body is not worth reading"
        plane.keys()
        renewed = (await plane.asked())[0]
        assert renewed is not None
        assert renewed is not first
        plane.world = World(ring=KeyRing([]))
        with_none = await plane.asked()
        assert with_none[0] is None, "a token of ours that nobody knows"

    live(story)


def test_keys_that_are_asked_for_from_now_on_are_asked_for() -> None:
    async def story() -> None:
        plane = Plane()
        sent = request(CHAT, FIELDS[0], "Authorization: Bearer anyone", body=b"{}")
        for protected, caller in ((False, LOCAL), (False, LOCAL), (True, None), (False, LOCAL)):
            plane.world = msgspec.structs.replace(plane.world, protected=protected)
            await plane.wire.says(sent)
            assert plane.heard[-1][0] is caller

    live(story)


def test_a_key_for_other_dialects_is_no_better_known_the_second_time() -> None:
    async def story() -> None:
        plane = Plane()
        plane.keys(KeyPolicy(dialects=("anthropic",)))
        for _ in range(3):
            assert (await plane.asked())[:2] == (None, b"")
        plane.keys(KeyPolicy(dialects=("anthropic", "openai_chat")))
        assert (await plane.asked())[0] is not None

    live(story)


@pytest.mark.parametrize("size", [2, 9, 10, 1_000])
def test_a_body_holds_the_bytes_it_states(size: int) -> None:
    async def story() -> None:
        plane = Plane()
        plane.keys()
        for body in (b"x" * size, b"y" * size, b"z" * (size // 2)):
            caller, read, held = await plane.asked(body)
            assert caller is not None
            assert (read, held) == (body, len(body))

    live(story)
