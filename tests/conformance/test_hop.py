"""A tool session with thinking that moves from vendor to vendor in its midst, and comes back to each of them."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowrouter.cli.desk import opened
from flowrouter.httpkit.keys import KeyPolicy
from tests.conformance.house import KEYS, House, accounts_for
from tests.conformance.matrix import CLIENTS
from tests.conformance.sessions import Session, session
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream
from tests.upstreams.signing import seal

MODELS = {"claude": "claude-haiku-4-5", "responses": "gpt-5.2", "gemini": "gemini-3.5-flash"}
CITIES = ("Paris", "Rome", "Oslo", "Lima", "Paris", "Rome")
QUESTION = "use the tool in 6 steps"
FORGETFUL = pytest.mark.parametrize("forgetful", [False, True], ids=["carried", "dropped"])
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CLIENT = pytest.mark.parametrize("client", CLIENTS)


class Moved(House):
    """A house of its own, whose gateway can be started again and whose callers have keys."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        self.data = data
        self.keys: dict[str, str] = {}

    def open(self) -> None:
        """Start vendors and gateway."""
        for vendor in self.vendors.values():
            vendor.start()
        self._gateway = RunningGateway(accounts_for(self.vendors), data=self.data).start()

    def restart(self) -> None:
        """End the gateway and start it again on the same data."""
        assert self.gateway.stop() == 0
        self.gateway.start()

    def key_of(self, owner: str) -> str:
        """Return a gateway key of an owner; the gateway must be down."""
        with opened(str(self.data / "config.toml"), str(self.data)) as desk:
            _, minted = desk.management.keys.create(
                f"key of {owner}", owner_id=owner, expires_at_ms=None, policy=KeyPolicy()
            )
        return minted.token


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Moved]:
    """A house whose gateway can be restarted; afterwards it must have seen nothing malformed."""
    made = Moved(tmp_path)
    made.open()
    yield made
    made.check()
    made.stop()


def state_of(received: Any, vendor: str) -> list[str]:
    """Return the reasoning state that a vendor was sent."""
    body = received.json
    match vendor:
        case "claude":
            blocks = [
                block
                for message in body["messages"]
                for block in message["content"]
                if isinstance(block, dict)
            ]
            return [block["signature"] for block in blocks if block.get("type") == "thinking"]
        case "responses":
            return [item["encrypted_content"] for item in body["input"] if item.get("type") == "reasoning"]
        case _:
            parts = [part for content in body["contents"] for part in content["parts"]]
            signed = [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
            return [signature for signature in signed if len(signature) > 60]


def seen_by(vendor: ScriptedUpstream) -> list[Any]:
    """Return the requests of the session, checked: not one may have been refused."""
    assert [received.status for received in vendor.calls] == [200] * len(vendor.calls), [
        received.refusal for received in vendor.calls
    ]
    return vendor.calls


def travel(talk: Session, places: Any, *, cities: Any) -> None:
    """Take one step at each place."""
    for place, city in zip(places, cities, strict=True):
        (asked,) = talk.step(f"{place}/{MODELS[place]}")
        assert city in asked


def check_states(house: House) -> None:
    """On its second visit each vendor got what it had issued on the first, unaltered, and nothing of the others'."""
    thought = f"The user says {QUESTION!r}. I should answer plainly."
    own = seal(thought, family=MODELS["claude"], account=KEYS["claude"])
    first, second, *_ = seen_by(house.claude)
    assert state_of(first, "claude") == []
    assert state_of(second, "claude") == [own]
    # The scripted vendors verify their seals: what is there and was not refused is what they issued.
    for vendor in ("responses", "gemini"):
        first, second, *_ = seen_by(house.vendor(vendor))
        assert state_of(first, vendor) == []
        assert len(state_of(second, vendor)) == 1
    for owner, (other, vendor) in itertools.product(MODELS, house.vendors.items()):
        issued = {piece for received in house.vendor(owner).calls for piece in state_of(received, owner)}
        assert issued
        if other != owner:
            vendor.assert_never_received(*issued)


@STREAM
@FORGETFUL
@CLIENT
def test_round_and_back(house: House, client: str, forgetful: bool, stream: bool) -> None:
    """Claude, GPT, Gemini, and again: nobody refuses, and everybody finds its own state."""
    if client == "google" and forgetful:
        return  # who drops the signatures of this dialect is refused by its own vendor, too
    cell = CLIENTS[client](house, "claude")
    with cell.client() as sdk:
        talk = session(cell, sdk, QUESTION, stream=stream, forgetful=forgetful)
        travel(talk, [*MODELS, *MODELS], cities=CITIES)
        assert talk.step(f"claude/{MODELS['claude']}") == []
    check_states(house)


@FORGETFUL
@CLIENT
def test_round_and_back_over_a_restart(moved: Moved, client: str, forgetful: bool) -> None:
    """What the gateway remembers outlives it."""
    if client == "google" and forgetful:
        return  # who drops the signatures of this dialect is refused by its own vendor, too
    cell = CLIENTS[client](moved, "claude")
    with cell.client() as sdk:
        talk = session(cell, sdk, QUESTION, stream=False, forgetful=forgetful)
        travel(talk, MODELS, cities=CITIES[:3])
    moved.restart()
    with cell.client() as sdk:
        talk.sdk = sdk
        travel(talk, MODELS, cities=CITIES[3:])
    check_states(moved)


@CLIENT
def test_another_owner_gets_nothing(moved: Moved, client: str) -> None:
    """Owner B shows A's ids and text, then all that A has: no state of A's comes to light either way."""
    kind = CLIENTS[client]
    vendor, other = ("claude", "gemini") if kind.home != "claude" else ("responses", "gemini")
    assert moved.gateway.stop() == 0
    keys = {owner: moved.key_of(owner) for owner in ("owner-a", "owner-b")}
    moved.gateway.start()
    cell = kind(moved, vendor)
    with cell.client(api_key=keys["owner-a"]) as sdk:
        talk = session(cell, sdk, "use the tool in 2 steps", stream=False, forgetful=False)
        (asked,) = talk.step(f"{vendor}/{MODELS[vendor]}")
        assert "Paris" in asked
    for history in (talk.bare(), list(talk.history)):
        before = len(cell.up.calls)
        for owner, expected in (("owner-b", 0), ("owner-a", 1)):
            with cell.client(api_key=keys[owner]) as sdk:
                copy = session(cell, sdk, "", stream=False, forgetful=False)
                copy.history = list(history)
                copy.step(f"{vendor}/{MODELS[vendor]}")
            assert len(state_of(cell.up.calls[-1], vendor)) == expected, owner
        assert len(cell.up.calls) == before + 2
    assert not moved.vendor(other).calls
    for token in keys.values():
        assert token not in json.dumps([received.json for received in cell.up.requests])
