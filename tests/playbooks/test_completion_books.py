"""Completion in the books: each attempt its own words, its own time, and who was only slower."""

from __future__ import annotations

from flowrouter.canonical.estimate import text_tokens
from flowrouter.settings.routing import Hedging, Routing
from flowrouter.wire.http import HttpRequest
from tests.playbooks.stage import SSE, House, Performance, Script, account, account_of, live, play, reset
from tests.playbooks.test_completion import case
from tests.playbooks.test_completion_edges import FIRST, SECOND, STORY, half, tell, whole
from tests.support.breaks import answer, begun, body_for, read, wire


def test_each_attempt_is_booked_for_its_own_words() -> None:
    """The second is given what the first said and breaks as well: the first's words are not its output."""

    def rule(request: HttpRequest) -> Script:
        name = account_of(request)
        if name == "first":
            return half(0.5)
        given = begun(request, "anthropic")
        if name == "third":
            return whole("third", "anthropic", STORY[len(given) :])
        frames = wire("anthropic", answer("anthropic", STORY[len(given) :], ident="second"))
        return Script(headers=SSE, steps=[*frames[: len(frames) // 2], reset()])

    accounts = [FIRST, *(account(n, "anthropic", priority=p) for n, p in (("second", 2), ("third", 3)))]
    result = play(
        "openai_chat",
        body_for(case()),
        accounts=accounts,
        scripts=rule,
    )
    assert read("openai_chat", result.body).text == STORY
    assert [seam["way"] for seam in result.receipt["seams"]] == ["prefill", "prefill"]
    one, two, _ = (log.usage for log in result.exchange.attempts)
    said = [result.receipt["seams"][0]["at"], result.receipt["seams"][1]["at"]]
    assert one.output == text_tokens(said[0])
    assert two.output == text_tokens(said[1] - said[0])


def test_the_time_of_an_attempt_is_its_own() -> None:
    scripts = [
        Script(headers=SSE, steps=[*half(0.4).steps[:-1], 1.0, reset()]),
        Script(headers=SSE, before=2.0, steps=whole(text="Sixty waves he counted.").steps),
        Script(headers=SSE, before=4.0, steps=whole("third").steps),
    ]
    result = tell(scripts)
    assert [attempt.duration_ms for attempt in result.row.attempts] == [1_000, 2_000, 4_000]


def test_who_was_only_slower_may_go_on() -> None:
    """The loser of a hedge was not asked for its answer: it is asked when the winner breaks."""

    async def story(house: House) -> Performance:
        from tests.unit.gateway.test_hedge_spending import ROW

        for _ in range(5):
            house.hedges.settled(None, ROW)  # type: ignore[arg-type]
        return await house.ask("openai_chat", body_for(case()))

    late = Script(headers=SSE, before=30.0, steps=[])
    result = live(
        story,
        accounts=[FIRST, SECOND],
        scripts={
            "first": [late, whole("first")],
            "second": [half(0.5, "second"), whole("again", text="No.")],
        },
        routing=Routing(hedging=Hedging(enabled=True, spend_share=1.0)),
    )
    assert read("openai_chat", result.body).text == STORY
    assert result.asked == ["first", "second", "first"]
