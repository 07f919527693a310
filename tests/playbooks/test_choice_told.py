"""What is told of a choice: the receipt, the name in the reply, the states of targets."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.gateway.target_states import TargetStates
from tests.playbooks.stage import House, Script, live
from tests.playbooks.test_choice import GOOD, asking, combo, pool
from tests.playbooks.test_failover import error
from tests.playbooks.test_passthrough import ANSWER

SLOW_HEAD = Script(before=3.0, steps=[ANSWER])


def test_the_receipt_tells_the_choice_and_who_had_to_pause() -> None:
    async def story(house: House) -> list[dict[str, Any]]:
        told = []
        for _ in range(2):
            result = await house.ask("openai_chat", asking(model="team"), headers={"session-id": "s"})
            told.append(result.receipt)
            await asyncio.sleep(1)
        return told

    scripts = {"a": error(401), "b": GOOD, "c": GOOD}
    first, second = live(
        story,
        accounts=pool("a", "b", "c"),
        scripts=scripts,
        routing=combo("round_robin", "a/m", "b/m", "c/m"),
    )
    assert first["route"]["step"] == "combo team"
    assert first["route"]["strategy"] == "round_robin"
    assert first["route"]["order"] == ["a/m", "b/m", "c/m"]
    assert first["route"]["reasons"] == ["combo:team: a/m has its turn (round_robin, turn 1, 3 members)"]
    assert [attempt["account"] for attempt in first["attempts"]] == ["a", "b"]
    assert second["route"]["reasons"] == ["combo:team: b/m keeps the session, it holds the prompt cache"]
    assert second["route"]["order"] == ["b/m", "c/m", "a/m"]
    assert [left["account"] for left in second["route"]["left_out"]] == ["a"]


@pytest.mark.parametrize(
    ("model", "setting", "named"),
    [
        ("team", "answered", None),
        ("nick", "answered", "nick"),
        ("team", "asked", "team"),
        ("nick", "asked", "nick"),
    ],
    ids=["a combo", "an alias", "a combo, asked", "an alias, asked"],
)
def test_the_reply_names_who_answered_where_somebody_chose(
    model: str, setting: str, named: str | None
) -> None:
    async def story(house: House) -> tuple[str, dict[str, str]]:
        body = msgspec.json.encode(
            {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        )
        result = await house.ask("anthropic", body)
        return msgspec.json.decode(result.body)["model"], result.headers

    told, headers = live(
        story,
        accounts=pool("a", "b"),
        scripts=lambda _request: GOOD,
        routing=combo("priority", "a/m", "b/m"),
        aliases={"nick": "a/m"},
        reply_model=setting,
    )
    answered = msgspec.json.decode(ANSWER)["model"]
    assert told == (named or answered)
    assert (headers["x-flowrouter-asked"], headers["x-flowrouter-target"]) == (model, "a/m")


def test_the_states_of_targets_follow_their_pauses() -> None:
    async def story(house: House) -> list[dict[str, str]]:
        states = TargetStates(house.health, house.cooldowns, house.admission, world=lambda: house.present)
        told: list[dict[str, str]] = []

        def look() -> None:
            told.append({row.account: row.state for row in states.list()})

        look()
        await house.ask("openai_chat", asking())
        look()
        await asyncio.sleep(40)
        look()
        trial = asyncio.create_task(house.ask("openai_chat", asking()))
        await asyncio.sleep(1)
        look()
        await trial
        look()
        (row,) = [row for row in states.list() if row.account == "a"]
        assert (row.samples > 1, row.in_flight, row.limit) == (True, 0, 64)
        return told

    scripts = {"a": [error(429, **{"retry-after": "30"}), SLOW_HEAD], "b": GOOD}
    assert live(story, accounts=pool("a", "b"), scripts=scripts) == [
        {},
        {"a": "paused", "b": "ok"},
        {"a": "half_open", "b": "ok"},
        {"a": "on_trial", "b": "ok"},
        {"a": "ok", "b": "ok"},
    ]
