"""Models with names of no end: a caller chooses them, so nothing may keep or repeat them."""

from __future__ import annotations

import msgspec
import pytest

from flowrouter.gateway import key_scope, receipts
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.key_policy import KeyPolicy
from flowrouter.providers import profiles
from tests.playbooks.stage import House, Script, account, live
from tests.playbooks.test_failover import GOOD, error

LONG = "n" * 1_000_000
TAKES_ALL = account("first", "openai_chat")
TAKES_ONE = account("first", "openai_chat", models=("m",))


def asked(model: str) -> bytes:
    return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "hi"}]})


def test_an_unknown_name_is_not_repeated_at_length() -> None:
    async def story(house: House) -> None:
        result = await house.ask("openai_chat", asked(LONG))
        assert result.status == 404
        assert len(result.body) < 1_000

    live(story, accounts=[TAKES_ONE], scripts=lambda _: GOOD)


@pytest.mark.parametrize(
    "script", [GOOD, error(404), error(429), error(500)], ids=["answered", "404", "429", "500"]
)
def test_nothing_is_remembered_of_a_name_without_end(script: Script) -> None:
    async def story(house: House) -> None:
        await house.ask("openai_chat", asked(LONG))
        assert not list(house.health.known())
        assert not house.cooldowns.pauses()
        assert not house.present.facts.drafts
        assert not house.present.known_capabilities
        assert not len(house.state)

    live(story, accounts=[TAKES_ALL], scripts=lambda _: script)


def test_nothing_is_kept_beside_the_world_either() -> None:
    bound = Caller(key_id="k", key_name="k", policy=KeyPolicy(models=("n*",)))

    def kept() -> list[int]:
        remembered = (key_scope._scope_of_known, profiles._matches_of_known)
        return [len(receipts._routes), *(each.cache_info().currsize for each in remembered)]

    async def story(house: House) -> None:
        assert (await house.ask("openai_chat", asked("name"), caller=bound)).status == 200
        before = kept()
        assert (await house.ask("openai_chat", asked(LONG), caller=bound)).status == 200
        assert kept() == before

    live(story, accounts=[TAKES_ALL], scripts=lambda _: GOOD)
