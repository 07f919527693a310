"""A name that leads to one target is planned once: what changes beside it still counts, each time."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.head import Head
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.key_policy import KeyPolicy
from flowrouter.plugins import Hooks
from flowrouter.routing import Plan
from tests.playbooks.stage import House, Script, account, live, world
from tests.playbooks.test_failover import GOOD, error

ONE = account("one", "openai_chat", models=("m",))
TWO = account("two", "openai_chat", models=("m",))
BODY = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hi"}]})


def caller(name: str, **policy: tuple[str, ...]) -> Caller:
    return Caller(key_id=name, key_name=name, policy=msgspec.convert(policy, KeyPolicy))


def test_it_is_kept_with_the_world() -> None:
    async def story(house: House) -> None:
        for _ in range(2):
            assert (await house.ask("openai_chat", BODY)).asked == ["one"]
        assert len(house.present.facts.plans) == 1
        house.present = world(TWO)
        assert (await house.ask("openai_chat", BODY)).asked == ["two"]

    live(story, accounts=[ONE], scripts=lambda _: GOOD)


def test_every_key_has_its_own() -> None:
    async def story(house: House) -> None:
        for _ in range(2):
            assert (await house.ask("openai_chat", BODY, caller=caller("free"))).status == 200
            assert (await house.ask("openai_chat", BODY, caller=caller("bound", models=("n",)))).status == 403
            assert (await house.ask("openai_chat", BODY, caller=caller("fit", models=("m*",)))).status == 200
            assert (await house.ask("openai_chat", BODY, caller=caller("off", accounts=("x",)))).status == 403

    live(story, accounts=[ONE], scripts=lambda _: GOOD)


def test_a_pause_is_told_and_then_forgotten() -> None:
    answers: list[Script] = [GOOD, error(401), GOOD]

    async def story(house: House) -> None:
        assert (await house.ask("openai_chat", BODY)).status == 200
        assert (await house.ask("openai_chat", BODY)).status == 502
        paused = await house.ask("openai_chat", BODY)
        assert (paused.status, paused.asked) == (502, [])
        assert paused.receipt["route"]["left_out"][0]["account"] == "one"
        await house.cooldowns.resume(ONE.id)
        again = await house.ask("openai_chat", BODY)
        assert (again.status, again.asked) == (200, ["one"])
        assert not again.receipt["route"].get("left_out")

    live(story, accounts=[ONE], scripts=lambda _: answers.pop(0))


def test_who_is_refused_behind_it_is_told_how_it_was_made() -> None:
    body = msgspec.json.encode({"model": "m", "input": "hi", "conversation": "conv_1"})

    async def story(house: House) -> None:
        answers = [await house.ask("openai_responses", body) for _ in range(2)]
        assert len(house.present.facts.plans) == 1
        for each in answers:
            assert (each.status, each.asked) == (400, [])
            assert each.receipt["route"]["order"] == ["one/m", "two/m"]

    live(story, accounts=[ONE, TWO], scripts=lambda _: GOOD)


def test_who_a_feature_puts_first_is_asked_only_where_nothing_stands_in_its_way() -> None:
    def edit(plan: Plan, head: Head, _: Caller) -> Plan:
        (first,) = plan.targets
        other = msgspec.structs.replace(first, account_id="two", account="two", host="two.test")
        return plan if head.stream else msgspec.structs.replace(plan, targets=(other, first))

    streamed = msgspec.json.encode(
        {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    )

    async def story(house: House) -> None:
        assert (await house.ask("openai_chat", streamed)).asked == ["one"]
        assert len(house.present.facts.plans) == 1
        assert (await house.ask("openai_chat", BODY)).asked == ["two", "one"]
        assert (await house.ask("openai_chat", BODY)).asked == ["one"], "the other pauses by now"

    two = msgspec.structs.replace(TWO, models=("n",))
    scripts = {"one": GOOD, "two": error(401)}
    live(story, accounts=[ONE, two], scripts=scripts, hooks=Hooks(plan_edits=(edit,)))
