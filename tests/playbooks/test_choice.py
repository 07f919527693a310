"""Who is asked, over many requests: turns, limits, sessions, statistics."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account
from flowrouter.routing.affinity import LONG_CACHE, SHORT_CACHE
from flowrouter.settings.routing import Affinity, ComboConfig, ComboMember, Routing
from tests.playbooks.stage import SSE, House, Script, account, live
from tests.playbooks.test_failover import error
from tests.playbooks.test_passthrough import ANSWER, DONE, FINISH, HEL, LO, ROLE

FIVE = ("one", "two", "three", "four", "five")
GOOD = Script(steps=[ANSWER])
SLOW = Script(steps=[2.0, ANSWER])
STREAM = Script(headers=SSE, steps=[ROLE, 0.5, HEL, LO, FINISH, DONE])


def pool(*names: str, limit: int | None = None, weights: dict[str, int] | None = None) -> list[Account]:
    """Return equals that take any model."""
    return [
        msgspec.structs.replace(
            account(name, "openai_chat"), max_concurrency=limit, weight=(weights or {}).get(name, 1)
        )
        for name in names
    ]


def asking(text: str = "Hi", *, model: str = "m", stream: bool = False, **members: Any) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **members}
    return msgspec.json.encode({**body, "stream": True} if stream else body)


def combo(strategy: Any, *members: str, **more: Any) -> Routing:
    made = ComboConfig(strategy=strategy, members=tuple(ComboMember(model=each) for each in members), **more)
    return Routing(combos={"team": made})


def once_each(house: House, bodies: list[bytes], headers: dict[str, str] | None = None) -> Any:
    return asyncio.gather(*(house.ask("openai_chat", body, headers=headers) for body in bodies))


class Busiest:
    """Counts requests in flight at each account, as the providers see it."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def watch(self, house: House) -> None:
        send = house.transport.send

        async def counted(request: Any) -> Any:
            name = request.url.split("/")[2].removesuffix(".test")
            self.now[name] += 1
            self.most[name] = max(self.most[name], self.now[name])
            reply = await send(request)
            close = reply.close

            def closed() -> None:
                if not reply.closed:
                    self.now[name] -= 1
                close()

            reply.close = closed
            return reply

        house.transport.send = counted  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("rotation", "weights", "expected"),
    [
        ("round_robin", {}, dict.fromkeys(FIVE, 200)),
        ("weighted", dict(zip(FIVE, (1, 2, 3, 4, 10), strict=True)), dict(zip(FIVE, (50, 100, 150, 200, 500), strict=True))),
    ],
    ids=["round_robin", "weighted"],
)  # fmt: skip
def test_a_thousand_at_once_are_shared_out_exactly_and_no_limit_is_passed(
    rotation: Any, weights: dict[str, int], expected: dict[str, int]
) -> None:
    limit, busiest = 600, Busiest()

    async def story(house: House) -> Counter[str]:
        busiest.watch(house)
        results = await once_each(house, [asking(f"question {n}") for n in range(1000)])
        assert {result.status for result in results} == {200}
        return Counter(house.asked)

    asked = live(
        story,
        accounts=pool(*FIVE, limit=limit, weights=weights),
        scripts=lambda _request: SLOW,
        routing=Routing(rotation=rotation),
    )
    assert asked == expected
    assert all(most <= limit for most in busiest.most.values())


def test_narrow_limits_hold_whatever_the_turns_say() -> None:
    """What an account cannot take goes on to the next; nobody is refused, and no limit is passed."""
    busiest = Busiest()

    async def story(house: House) -> Counter[str]:
        busiest.watch(house)
        results = await once_each(house, [asking(f"question {n}") for n in range(200)])
        assert {result.status for result in results} == {200}
        return Counter(house.asked)

    asked = live(
        story,
        accounts=pool(*FIVE, limit=40),
        scripts=lambda _request: Script(steps=[1.0, ANSWER]),
        routing=Routing(rotation="round_robin"),
    )
    assert sum(asked.values()) == 200
    assert all(most <= 40 for most in busiest.most.values()), busiest.most


def test_a_draw_is_fair() -> None:
    """χ² over 1,000 requests with the stage's seed: 4 degrees of freedom, 0.1 % is 18.47."""
    weights = dict(zip(FIVE, (1, 1, 2, 3, 3), strict=True))
    members = tuple(ComboMember(model=f"{name}/m", weight=weight) for name, weight in weights.items())
    routing = Routing(combos={"team": ComboConfig(strategy="random", members=members)})

    async def story(house: House) -> Counter[str]:
        await once_each(house, [asking(f"question {n}", model="team") for n in range(1000)])
        return Counter(house.asked)

    asked = live(story, accounts=pool(*FIVE, limit=1000), scripts=lambda _request: GOOD, routing=routing)
    expected = {name: 100 * weight for name, weight in weights.items()}
    assert sum((asked[name] - count) ** 2 / count for name, count in expected.items()) < 18.47, asked


def sessions(answer: Script, *asked: tuple[float, str], **options: Any) -> list[str]:
    """Return who answered requests of sessions, each begun so many seconds after the one before."""

    async def story(house: House) -> list[str]:
        for pause, name in asked:
            await asyncio.sleep(pause)
            await house.ask("openai_chat", asking(), headers={"x-session-id": name})
        return house.asked

    options.setdefault("routing", Routing(rotation="round_robin"))
    return live(story, accounts=pool("a", "b", "c"), scripts=lambda _request: answer, **options)


def test_a_session_stays_where_its_cache_is() -> None:
    assert sessions(GOOD, *[(1.0, name) for name in "xyxzyx"]) == ["a", "b", "a", "c", "b", "a"]


def test_a_session_whose_cache_is_cold_takes_its_turn_again() -> None:
    assert sessions(GOOD, (0, "x"), (3599, "x"), (3599, "x"), (3601, "x")) == ["a", "a", "a", "b"]


def test_affinity_can_be_switched_off() -> None:
    off = Routing(rotation="round_robin", affinity=Affinity(enabled=False))
    assert sessions(GOOD, (0, "x"), (0, "x"), (0, "x"), routing=off) == ["a", "b", "c"]


def test_without_a_header_the_cache_key_or_a_long_beginning_tells_the_session() -> None:
    async def story(house: House) -> list[str]:
        long = "word " * 1000
        for body in (
            asking(prompt_cache_key="k"),
            asking(),
            asking(prompt_cache_key="k"),
            asking(long + "1"),
            asking(long + "1", user="another field"),
        ):
            await house.ask("openai_chat", body)
            await asyncio.sleep(1)
        return house.asked

    routing = Routing(rotation="round_robin")
    asked = live(story, accounts=pool("a", "b", "c"), scripts=lambda _request: GOOD, routing=routing)
    assert asked == ["a", "b", "a", "c", "c"]


def test_a_session_moves_with_a_failure_and_stays_there() -> None:
    async def story(house: House) -> list[str]:
        for _ in range(3):
            await house.ask("openai_chat", asking(), headers={"session-id": "s"})
            await asyncio.sleep(1)
        await asyncio.sleep(600)
        await house.ask("openai_chat", asking(), headers={"session-id": "s"})
        return house.asked

    scripts = {"a": [GOOD, error(429, **{"retry-after": "300"})], "b": GOOD}
    routing = Routing(rotation="round_robin")
    assert live(story, accounts=pool("a", "b"), scripts=scripts, routing=routing) == ["a", "a", "b", "b", "b"]


def test_a_full_account_keeps_its_session() -> None:
    async def story(house: House) -> list[str]:
        who = {"session-id": "s"}
        await house.ask("openai_chat", asking(), headers=who)
        await once_each(house, [asking("1"), asking("2")], headers=who)
        await asyncio.sleep(1)
        await house.ask("openai_chat", asking(), headers=who)
        return house.asked

    routing = Routing(rotation="round_robin")
    asked = live(story, accounts=pool("a", "b", limit=1), scripts=lambda _request: SLOW, routing=routing)
    assert asked == ["a", "a", "b", "a"]


@pytest.mark.parametrize(
    ("usage", "life"),
    [
        ({"cache_creation_input_tokens": 2000, "cache_read_input_tokens": 0}, SHORT_CACHE),
        (
            {
                "cache_creation_input_tokens": 2000,
                "cache_read_input_tokens": 0,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 2000},
            },
            LONG_CACHE,
        ),
        ({}, 3600.0),
    ],
    ids=["five minutes", "an hour", "no marks"],
)
def test_marks_tell_how_long_a_cache_lasts(usage: dict[str, Any], life: float) -> None:
    answer = msgspec.json.encode(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "Hi"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 2, **usage},
        }
    )

    async def story(house: House) -> list[str]:
        ask = msgspec.json.encode(
            {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        )
        for pause in (0.0, life - 1, life + 1):
            await asyncio.sleep(pause)
            await house.ask("anthropic", ask, headers={"x-claude-code-session-id": "s"})
        return house.asked

    accounts = [account(name, "anthropic") for name in ("a", "b")]
    routing = Routing(rotation="round_robin", affinity=Affinity(minutes=600 if usage else 60))
    asked = live(story, accounts=accounts, scripts=lambda _request: Script(steps=[answer]), routing=routing)
    assert asked == ["a", "a", "b"]


def test_statistics_lead_to_the_soonest() -> None:
    async def story(house: House) -> list[str]:
        for _ in range(4):
            await house.ask("openai_chat", asking(model="team", stream=True))
        return house.asked

    slow = Script(headers=SSE, steps=[ROLE, 3.0, HEL, LO, FINISH, DONE])
    asked = live(
        story,
        accounts=pool("a", "b"),
        scripts={"a": slow, "b": STREAM},
        routing=combo("least_latency", "a/m", "b/m"),
    )
    assert asked == ["a", "a", "a", "a"], "the only one that is known; each tenth turn measures another"


def test_the_unknown_is_measured_and_then_preferred() -> None:
    async def story(house: House) -> list[str]:
        for _ in range(12):
            await house.ask("openai_chat", asking(model="team", stream=True))
        return house.asked

    slow = Script(headers=SSE, steps=[ROLE, 3.0, HEL, LO, FINISH, DONE])
    asked = live(
        story,
        accounts=pool("a", "b"),
        scripts={"a": slow, "b": STREAM},
        routing=combo("least_latency", "a/m", "b/m"),
    )
    assert asked == ["a"] * 9 + ["b"] * 3


def test_the_idlest_is_asked() -> None:
    async def story(house: House) -> list[str]:
        first = asyncio.create_task(house.ask("openai_chat", asking(model="team")))
        await asyncio.sleep(1)
        await house.ask("openai_chat", asking(model="team"))
        await first
        await house.ask("openai_chat", asking(model="team"))
        return house.asked

    asked = live(
        story,
        accounts=pool("a", "b"),
        scripts=lambda _request: SLOW,
        routing=combo("least_busy", "a/m", "b/m"),
    )
    assert asked == ["a", "b", "a"]


def test_one_account_asks_nothing_of_the_shared_state() -> None:
    async def story(house: House) -> int:
        for _ in range(3):
            await house.ask("openai_chat", asking(), headers={"session-id": "s"})
        return len([key for key in await house.state.scan("") if key.startswith(("turn:", "pin:"))])

    routing = Routing(rotation="round_robin")
    assert live(story, accounts=pool("a"), scripts=lambda _request: GOOD, routing=routing) == 0
