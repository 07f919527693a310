"""Sessions whose reasoning only one account can read: they stay there, and can leave all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from flowrouter.settings.routing import Routing
from flowrouter.wire.http import HttpRequest
from flowrouter.wire.json import dumps, loads
from tests.playbooks.stage import House, Script, account, account_of, live
from tests.playbooks.test_stored_responses import SAID, USER, answer

ACCOUNTS = [
    msgspec.structs.replace(account(name, "openai_responses"), priority=place)
    for place, name in enumerate(("a", "b"), start=1)
]
WHO = {"session-id": "codex"}


class Vendors:
    """Two organisations at one vendor: each reads only what it wrote itself; some may be down."""

    def __init__(self) -> None:
        self.down: set[str] = set()

    def __call__(self, request: HttpRequest) -> Script:
        name = account_of(request)
        if name in self.down:
            return Script(
                status=429, headers={"retry-after": "900"}, steps=[dumps({"error": {"message": "busy"}})]
            )
        for item in loads(request.body)["input"]:
            state = item.get("encrypted_content") if isinstance(item, dict) else None
            if state is not None and state != f"of {name}":
                error = {
                    "message": "The encrypted content could not be verified.",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "invalid_encrypted_content",
                }
                return Script(status=400, steps=[dumps({"error": error})])
        thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": f"of {name}"}
        return Script(steps=[dumps(answer(output=[thought, SAID]))])


async def turn(house: House, history: list[Any], headers: dict[str, str] | None = None) -> Any:
    """Ask with `history` and add the answer to it."""
    history.append(USER)
    body = {"model": "m", "store": False, "include": ["reasoning.encrypted_content"], "input": history}
    result = await house.ask("openai_responses", dumps(body), headers=WHO if headers is None else headers)
    assert result.status == 200, result.body
    history += loads(result.body)["output"]
    await asyncio.sleep(1)
    return result


def test_a_session_moves_off_a_failing_account_and_stays_moved() -> None:
    vendors, told = Vendors(), list[Any]()

    async def story(house: House) -> list[str]:
        history: list[Any] = []
        await turn(house, history)
        await turn(house, history)
        vendors.down.add("a")
        told.append(await turn(house, history))
        vendors.down.clear()
        await asyncio.sleep(1000)
        told.append(await turn(house, history))
        return house.asked

    # The primary is back, but the session's newest state is the other's.
    assert live(story, accounts=ACCOUNTS, scripts=vendors) == ["a", "a", "a", "b", "b"]
    moved, stayed = (result.receipt for result in told)
    assert moved["request_losses"][0]["reason"] == "2 reasoning items that only another account can read"
    assert stayed["request_losses"][0]["reason"].startswith("3 reasoning items")
    assert "b comes first: the request carries state that only it can read" in stayed["route"]["reasons"]


def test_without_a_known_session_the_vendors_refusal_tells() -> None:
    vendors = Vendors()

    async def story(house: House) -> list[str]:
        history: list[Any] = []
        await turn(house, history, {})
        vendors.down.add("a")
        await turn(house, history, {"session-id": "another name"})
        return house.asked

    assert live(story, accounts=ACCOUNTS, scripts=vendors) == ["a", "a", "b", "b"]


def test_other_requests_of_the_session_keep_the_order() -> None:
    async def story(house: House) -> list[str]:
        history: list[Any] = []
        vendors.down.add("a")
        await turn(house, history)
        vendors.down.clear()
        await asyncio.sleep(1000)
        await turn(house, [])
        return house.asked

    vendors = Vendors()
    assert live(story, accounts=ACCOUNTS, scripts=vendors) == ["a", "b", "a"]


def test_a_rotating_pool_keeps_the_session_too() -> None:
    async def story(house: House) -> list[str]:
        history: list[Any] = []
        for _ in range(3):
            await turn(house, history)
        return house.asked

    equals = [msgspec.structs.replace(each, priority=1) for each in ACCOUNTS]
    routing = Routing(rotation="round_robin")
    assert live(story, accounts=equals, scripts=Vendors(), routing=routing) == ["a", "a", "a"]
