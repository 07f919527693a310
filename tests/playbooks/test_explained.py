"""What is explained before, what the providers see, and what the receipt says after: all three agree."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowrouter.gateway.explain import Explanation, Question, explain
from flowrouter.httpkit.caller import LOCAL
from flowrouter.routing.names import UNFIT
from flowrouter.settings.routing import ComboConfig, ComboMember, Conditions, Routing
from flowrouter.wire.http import HttpRequest
from flowrouter.wire.json import loads
from tests.playbooks.stage import House, Performance, Script, account, account_of, live
from tests.playbooks.test_failover import error
from tests.playbooks.test_passthrough import ANSWER

STRATEGIES = (
    "priority", "round_robin", "random", "weighted", "cost_optimal", "least_latency", "least_busy", "sticky",
)  # fmt: skip
ANTHROPIC = msgspec.json.encode(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
)
FAILURES = {
    "limit": error(429, **{"retry-after": "30"}),
    "server": error(500),
    "key": error(401),
    "model": error(404, code="model_not_found"),
}
NAMES = ("one", "two", "three", "four")
DIALECTS = ("openai_chat", "openai_chat", "anthropic", "openai_chat")
CONDITIONS = (
    Conditions(),
    Conditions(),
    Conditions(max_tokens=500),
    Conditions(min_tokens=500),
    Conditions(tools=True),
    Conditions(images=False),
    Conditions(user_agent="claude*"),
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration and the requests that meet it: (seconds before, body, headers)."""

    priorities: tuple[int, ...]
    weights: tuple[int, ...]
    routing: Routing
    requests: tuple[tuple[float, bytes, dict[str, str]], ...]
    failing: tuple[frozenset[str], ...]


@st.composite
def combos(pick: Any) -> dict[str, ComboConfig]:
    """Return combos of which each may hold those before it, plain models, and pinned accounts."""
    made: dict[str, ComboConfig] = {}
    for name in ("red", "green", "blue"):
        known = [*made, "m", *(f"{account}/m" for account in NAMES), *(f"{account}/n" for account in NAMES)]
        members = pick(
            st.lists(
                st.builds(
                    ComboMember,
                    model=st.sampled_from(known),
                    weight=st.integers(1, 4),
                    when=st.sampled_from(CONDITIONS),
                ),
                min_size=1,
                max_size=4,
            )
        )
        made[name] = ComboConfig(members=tuple(members), strategy=pick(st.sampled_from(STRATEGIES)))
    return made


@st.composite
def asked(pick: Any) -> tuple[float, bytes, dict[str, str]]:
    body: dict[str, Any] = {
        "model": pick(st.sampled_from(["blue", "blue", "green", "red", "m", "auto"])),
        "messages": [{"role": "user", "content": "word " * pick(st.sampled_from([1, 1000]))}],
    }
    if pick(st.booleans()):
        function = {"name": "look", "parameters": {"type": "object", "properties": {}}}
        body["tools"] = [{"type": "function", "function": function}]
    headers = {"user-agent": pick(st.sampled_from(["claude-cli/9", "curl/8"]))}
    if pick(st.booleans()):
        headers["x-session-id"] = pick(st.sampled_from(["s", "t"]))
    return pick(st.sampled_from([0.0, 1.0, 25.0, 400.0])), msgspec.json.encode(body), headers


@st.composite
def cases(pick: Any) -> Case:
    some = st.frozensets(
        st.sampled_from([f"{name}:{kind}" for name in NAMES for kind in FAILURES]), max_size=4
    )
    number = pick(st.integers(1, 5))
    return Case(
        priorities=tuple(pick(st.integers(1, 2)) for _ in NAMES),
        weights=tuple(pick(st.integers(1, 3)) for _ in NAMES),
        routing=Routing(
            rotation=pick(st.sampled_from(["fill_first", "round_robin", "weighted"])), combos=pick(combos())
        ),
        requests=tuple(pick(asked()) for _ in range(number)),
        failing=tuple(pick(some) for _ in range(number)),
    )


class Providers:
    """Answers in each account's dialect, or fails as the moment has it."""

    def __init__(self) -> None:
        self.failing: frozenset[str] = frozenset()

    def __call__(self, request: HttpRequest) -> Script:
        name = account_of(request)
        for kind, script in FAILURES.items():
            if f"{name}:{kind}" in self.failing:
                return script
        return Script(steps=[ANTHROPIC if DIALECTS[NAMES.index(name)] == "anthropic" else ANSWER])


def named(request: HttpRequest) -> str:
    """Return `account/model` as the provider sees it."""
    return f"{account_of(request)}/{loads(request.body)['model']}"


def agree(told: Explanation, result: Performance) -> None:
    """Hold what was explained against what was asked and what is written down."""
    seen = [named(request) for request in result.requests]
    planned = [f"{target.account}/{target.model}" for target in told.targets]
    if not told.targets:
        assert result.status == (400 if told.step == UNFIT else 404)
        assert seen == []
        return
    receipt = result.receipt
    assert [f"{attempt['account']}/{attempt['model']}" for attempt in receipt["attempts"]] == seen
    route = receipt["route"]
    assert (route["step"], route["strategy"]) == (told.step, told.strategy)
    assert route["order"] == [*planned[:12], *([f"+{len(planned) - 12}"] if len(planned) > 12 else [])]
    assert tuple(route["reasons"][:12]) == told.reasons[:12]
    assert set(seen) <= set(planned)
    if told.targets[0].pause is None:
        assert seen[:1] == planned[:1]
    out = {(note.account, note.model): note.reason for note in told.notes if not note.taken}
    paused = {target.account for target in told.targets if target.pause is not None}
    for left in route["left_out"]:
        assert (left["account"], left["model"]) in out or left["account"] in paused


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases())
def test_explained_seen_and_written_down_are_one(case: Case) -> None:
    providers = Providers()

    async def story(house: House) -> None:
        for number, (pause, body, headers) in enumerate(case.requests):
            await asyncio.sleep(pause)
            providers.failing = case.failing[number]
            # The same draw for the explanation and for the request, of which each takes one.
            house.chance.seed(number)
            question = Question(dialect="openai_chat", body=body, headers=headers)
            told = await explain(
                house.planner, question, world=house.present, caller=LOCAL, clock=house.clock
            )
            house.chance.seed(number)
            result = await house.ask("openai_chat", body, headers=headers)
            agree(told, result)

    accounts = [
        msgspec.structs.replace(account(name, dialect, models=("m", "n")), priority=priority, weight=weight)  # type: ignore[arg-type]
        for name, dialect, priority, weight in zip(
            NAMES, DIALECTS, case.priorities, case.weights, strict=True
        )
    ]
    live(story, accounts=accounts, scripts=providers, routing=case.routing, tidy=False)


def test_an_explanation_takes_no_turn_and_no_pin() -> None:
    async def story(house: House) -> list[str]:
        body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
        question = Question(dialect="openai_chat", body=body, headers={"x-session-id": "s"})
        found: list[str] = []
        for _ in range(3):
            told = await explain(
                house.planner, question, world=house.present, caller=LOCAL, clock=house.clock
            )
            found.append(told.targets[0].account)
        assert not [key for key in await house.state.scan("") if key.startswith(("turn:", "pin:"))]
        return found

    accounts = [account(name, "openai_chat") for name in NAMES]
    assert live(story, accounts=accounts, scripts=[], routing=Routing(rotation="round_robin")) == ["four"] * 3


def test_a_body_tells_size_bill_and_whether_it_fits() -> None:
    async def story(house: House) -> Explanation:
        words = "word " * 200_000
        body = msgspec.json.encode(
            {"model": "gpt-4o", "max_tokens": 100, "messages": [{"role": "user", "content": words}]}
        )
        question = Question(dialect="openai_chat", body=body)
        return await explain(house.planner, question, world=house.present, caller=LOCAL, clock=house.clock)

    ours = msgspec.structs.replace(account("ours", "openai_chat"), preset="openai", models=("gpt-4o",))
    own = msgspec.structs.replace(
        account("box", "openai_chat", models=("gpt-4o",)), preset="ollama", priority=2
    )
    told = live(story, accounts=[ours, own], scripts=[])
    assert told.input_tokens is not None
    assert 250_000 < told.input_tokens < 300_000
    assert told.output_tokens == 100
    first, second = told.targets
    assert (first.account, first.context_window, first.fits) == ("ours", 128_000, False)
    assert first.bill_pusd is not None
    assert first.bill_pusd > 10**11
    assert (second.bill_pusd, second.lane) == (0, "passthrough")


def test_without_a_body_conditions_are_left_open() -> None:
    async def story(house: House) -> Explanation:
        question = Question(dialect="openai_chat", model="team")
        return await explain(house.planner, question, world=house.present, caller=LOCAL, clock=house.clock)

    members = (ComboMember(model="one/m", when=Conditions(tools=True)), ComboMember(model="two/m"))
    routing = Routing(combos={"team": ComboConfig(members=members)})
    told = live(story, accounts=[account(name, "openai_chat") for name in NAMES], scripts=[], routing=routing)
    assert [target.account for target in told.targets] == ["one", "two"]
    assert told.reasons[0] == "combo team: one/m only where tools true"
    assert (told.input_tokens, told.targets[0].bill_pusd, told.targets[0].fits) == (None, None, None)
