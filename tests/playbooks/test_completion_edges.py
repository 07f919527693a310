"""Completion at its edges: what ended already, what broke twice, what changed meanwhile, who leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.wire.http import HttpRequest
from tests.playbooks.stage import SSE, House, Performance, Script, account, account_of, live, play, reset
from tests.playbooks.test_completion import case
from tests.support.breaks import (
    CLIENTS,
    MODEL,
    UPSTREAMS,
    answer,
    begun,
    body_for,
    judge,
    perform,
    read,
    wire,
)
from tests.support.stories import STORIES

STORY = STORIES["english"]
FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
THIRD = account("third", "openai_chat", priority=3)


def whole(ident: str = "second", dialect: Dialect = "openai_chat", text: str = STORY) -> Script:
    return Script(headers=SSE, steps=wire(dialect, answer(dialect, text, ident=ident)))


def half(place: float = 0.5, ident: str = "first", *behind: Any, dialect: Dialect = "openai_chat") -> Script:
    frames = wire(dialect, answer(dialect, STORY, ident=ident))
    return Script(headers=SSE, steps=[*frames[: int(len(frames) * place)], *(behind or (reset(),))])


def tell(scripts: Any, *, client: str = "openai_chat", **options: Any) -> Performance:
    accounts = options.pop("accounts", [FIRST, SECOND, THIRD])
    return play(client, body_for(case(client)), accounts=accounts, scripts=scripts, **options)  # type: ignore[arg-type]


# What had ended


@pytest.mark.parametrize("ending", [reset(), 500.0], ids=["reset", "stall"])
@pytest.mark.parametrize("first", ["openai_chat", "anthropic", "gemini"])
@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_whose_finish_came_is_whole_however_its_connection_ends(
    client: str, first: Dialect, ending: Any
) -> None:
    frames = wire(first, answer(first, STORY))
    place = next(i for i, frame in enumerate(frames) if any(word in frame for word in FINISHES))
    script = Script(headers=SSE, steps=[*frames[: place + 1], ending])
    result = perform(this := case(client, first, "anthropic", "chatty"), first=script)
    told = judge(this, result)
    assert (told.text, told.ended, told.finish) == (STORY, True, "stop")
    assert result.asked == ["first"]
    assert result.row.outcome == "ok"


FINISHES = (b'"finish_reason":"stop"', b'"stop_reason":"end_turn"', b'"finishReason":"STOP"')


def as_whole(**members: Any) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(body_for(case())), "stream": False, **members})


def test_a_collapsed_stream_ends_with_its_finish_too() -> None:
    script = Script(headers=SSE, steps=[*whole("first").steps[:-1], reset()])
    result = play("openai_chat", as_whole(), accounts=[FIRST, SECOND], scripts=[script])
    assert msgspec.json.decode(result.body)["choices"][0]["message"]["content"] == STORY
    result = play("openai_chat", as_whole(), accounts=[FIRST, SECOND], scripts=[half(0.5), whole()])
    assert msgspec.json.decode(result.body)["id"] == "chatcmpl-second"


def test_the_finish_of_one_of_several_answers_proves_nothing() -> None:
    script = Script(headers=SSE, steps=[*whole("first").steps[:-1], reset()])
    result = play("openai_chat", body_for(case(), n=2), accounts=[FIRST, SECOND], scripts=[script])
    assert read("openai_chat", result.body).failed


# What breaks again


def test_the_second_failure_does_not_let_the_first_accounts_secret_out() -> None:
    """Two break, the first with its own secret in the frame; the second's secrets are others."""
    error = b'data: {"error":{"message":"you sent secret-of-first","type":"server_error"}}\n\n'
    busy = Script(status=503, steps=[b"{}"])
    result = tell([half(0.3, "first", error), half(0.6, "second"), busy, busy])
    told = read("openai_chat", result.body)
    assert told.failed
    assert STORY.startswith(told.text)
    assert b"secret-of-first" not in result.body + result.receipt_text
    assert [log.delivered for log in result.exchange.attempts] == [True, True, False, False]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("first", UPSTREAMS)
def test_an_error_behind_a_take_over_is_still_the_clients_own(client: str, first: Dialect) -> None:
    from tests.support.breaks import error_frame

    def rule(request: HttpRequest) -> Script:
        name = account_of(request)
        if name == "first":
            return half(0.3, "first", error_frame(first), dialect=first)
        return half(0.6, "second", error_frame("openai_chat")) if name == "second" else Script(status=503)

    address: dict[str, Any] = {}
    if client.startswith("gemini"):
        framing = "array" if client == "gemini-array" else "sse"
        address = {"model": "m", "stream": True, "framing": framing}
    dialect: Any = "gemini" if client == "gemini-array" else client
    accounts = [account("first", first), SECOND, THIRD]
    result = play(dialect, body_for(case(client)), accounts=accounts, scripts=rule, address=address)
    told = read(client, result.body)
    assert (told.failed, told.ended) == (True, False)
    assert result.receipt["seams"][0]["account"] == "second"
    assert STORY.startswith(told.text)


def test_a_way_that_a_hole_has_closed_is_not_taken() -> None:
    """The second joins, loses a frame and breaks: who is asked to go on from that would hide the hole."""
    frames = wire("openai_chat", answer("openai_chat", STORY, ident="second"))
    place = int(len(frames) * 0.6)
    holed = [*frames[:place], b'data: {"id": "oops\n\n', *frames[place + 1 : place + 6], reset()]

    def rule(request: HttpRequest) -> Script:
        match account_of(request):
            case "first":
                return half(0.3)
            case "second":
                return Script(headers=SSE, steps=holed)
            case _:
                given = begun(request, "anthropic")
                told = STORY[max(0, STORY.find(given[-20:]) + 20) :] if given else STORY
                return Script(headers=SSE, steps=wire("anthropic", answer("anthropic", told, ident="third")))

    claude = account("third", "anthropic", priority=3)
    result = play("openai_chat", body_for(case()), accounts=[FIRST, SECOND, claude], scripts=rule)
    told = read("openai_chat", result.body)
    assert told.failed
    assert not any(seam["way"] == "prefill" for seam in result.receipt["seams"])


def test_a_hole_at_the_seam_is_no_join() -> None:
    """What the second says right behind the sent text cannot be read: the rest must not be joined."""
    sent = "One line.\n"
    first = Script(headers=SSE, steps=[*told_in(sent, ident="first"), reset()])
    pieces = told_in(sent, "second")
    lost = b'data: {"id":"chatcmpl-second","choices":[{"delta":{"content":"Two li\n\n'
    rest = wire("openai_chat", answer("openai_chat", "Three lines.", ident="second"))[1:]
    second = Script(headers=SSE, steps=[*pieces, lost, *rest])
    result = tell([first, second, Script(status=503, steps=[b"{}"])], accounts=[FIRST, SECOND])
    told = read("openai_chat", result.body)
    assert told.failed
    assert told.text == sent


def told_in(text: str, ident: str) -> list[bytes]:
    events = [
        event
        for event in answer("openai_chat", text, ident=ident)
        if not isinstance(event, e.PartEnd | e.Finish | e.UsageUpdate | e.MessageEnd)
    ]
    return wire("openai_chat", events)


def test_who_breaks_while_it_goes_on_pauses_too() -> None:
    async def story(house: House) -> Performance:
        result = await house.ask("openai_chat", body_for(case()))
        await asyncio.sleep(0.1)
        paused.extend(pause.account for pause in house.cooldowns.pauses().values())
        return result

    paused: list[str] = []
    scripts = [half(0.3), half(0.6, "second"), whole("third")]
    result = live(story, accounts=[FIRST, SECOND, THIRD], scripts=scripts)
    assert read("openai_chat", result.body).text == STORY
    assert sorted(paused) == ["first", "second"]


def test_who_did_not_join_does_not_pause() -> None:
    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", body_for(case()))
        await asyncio.sleep(0.1)
        return [pause.account for pause in house.cooldowns.pauses().values()]

    scripts = [half(0.3), whole(text="Sixty waves he counted."), whole("third")]
    assert live(story, accounts=[FIRST, SECOND, THIRD], scripts=scripts) == ["first"]


# Time, change, leaving


def test_the_time_to_begin_is_no_time_to_end() -> None:
    scripts = [Script(headers=SSE, steps=[*half(0.4).steps[:-1], 20.0, reset()]), whole()]

    async def story(house: House) -> Performance:
        return await house.ask("openai_chat", body_for(case()), headers={"x-flowrouter-timeout": "10"})

    result = live(story, accounts=[FIRST, SECOND], scripts=scripts)
    assert read("openai_chat", result.body).text == STORY


def test_an_account_that_is_removed_meanwhile_is_passed_over() -> None:
    from tests.playbooks.stage import world

    async def story(house: House) -> Performance:
        asyncio.get_running_loop().call_later(0.5, change, house)
        return await house.ask("openai_chat", body_for(case()))

    def change(house: House) -> None:
        house.present = world(FIRST, THIRD)

    odd = Script(headers=SSE, before=1.0, steps=whole("first", text="Sixty waves he counted.").steps)
    accounts = [
        FIRST,
        account("other", "openai_chat", priority=2),
        msgspec.structs.replace(SECOND, priority=3),
    ]
    result = live(
        story,
        accounts=[*accounts, msgspec.structs.replace(THIRD, priority=4)],
        scripts={"first": half(0.4), "other": odd, "second": whole("second"), "third": whole("third")},
    )
    assert read("openai_chat", result.body).text == STORY
    assert result.asked == ["first", "other", "third"]


@pytest.mark.parametrize("moment", [step / 2 for step in range(1, 16)])
@pytest.mark.parametrize("client", ["openai_chat", "anthropic", "openai_responses"])
def test_leaving_while_an_answer_is_completed(client: str, moment: float) -> None:
    slow = [step for piece in whole("second").steps for step in (piece, 0.01)]
    scripts = [
        Script(headers=SSE, steps=[*half(0.4).steps[:-1], 1.0, reset()]),
        Script(headers=SSE, before=1.0, steps=[1.0, *whole(text="Sixty waves he counted.").steps]),
        Script(headers=SSE, before=1.0, steps=[*slow, 1.0]),
    ]
    result = tell(scripts, client=client, cancel_after=moment)
    assert (result.tasks_left, result.timers_left, result.slots_left) == (0, 0, 0)
    assert all(reply.closed for reply in result.replies)
    assert result.row.outcome in ("cancelled", "ok")
    verdicts = [attempt.outcome for attempt in result.row.attempts]
    if result.row.outcome == "cancelled":
        assert verdicts[-1] in ("cancelled", "cut")
        assert "open" not in verdicts


@pytest.mark.parametrize("client", CLIENTS)
def test_no_secret_passes_in_a_failure_that_comes_with_content(client: str) -> None:
    frame = (
        b'data: [{"candidates":[{"content":{"role":"model","parts":[{"text":" more"}]}}]},'
        b'{"error":{"code":500,"message":"you sent secret-of-first","status":"INTERNAL"}}]\n\n'
    )
    this = case(client, "gemini", place=0.4)
    busy = Script(status=503, steps=[b"{}"])
    scripts = {"first": [half(0.4, "first", frame, dialect="gemini"), busy], "second": busy}
    result = perform(this, scripts=scripts)
    assert read(client, result.body).failed
    assert b"secret-of-first" not in result.body + result.receipt_text


def test_a_character_cut_in_halves_is_not_gone_on_from() -> None:
    """Some hosts send a character of two escapes in two frames: the client has its first half."""
    half_of_it = b'data: {"id":"chatcmpl-first","choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n'
    frames = [*told_in("The keeper waved ", "first"), half_of_it, reset()]
    claude = account("second", "anthropic", priority=2)
    scripts = [Script(headers=SSE, steps=frames), whole("second", "anthropic", " and then he slept.")]
    result = tell(scripts, accounts=[FIRST, claude])
    assert half_of_it in result.body
    assert read("openai_chat", result.body).failed
    assert "halves" in result.receipt["not_completed"]


def test_an_echoed_prompt_is_told_once() -> None:
    """Legacy completions repeat the prompt ahead of the answer where they are asked to."""
    from tests.support.breaks import QUESTION

    result = perform(case("openai_completions", "openai_chat", "anthropic", "honest"), members={"echo": True})
    told = read("openai_completions", result.body)
    assert (told.text, told.ended) == (QUESTION + STORY, True)
    assert result.receipt["seams"]


@pytest.mark.parametrize("third", UPSTREAMS)
@pytest.mark.parametrize("second", UPSTREAMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_answer_keeps_its_first_identity_however_many_go_on(
    client: str, second: Dialect, third: Dialect
) -> None:
    for first in UPSTREAMS:

        def rule(request: HttpRequest, first: Dialect = first) -> Script:
            match account_of(request):
                case "first":
                    return half(0.3, "first", dialect=first)
                case "second":
                    return resumed(request, second, 0.5, "second")
                case _:
                    return resumed(request, third, 1.0, "third")

        this = case(client, first, second)
        address: dict[str, Any] = {}
        if this.dialect == "gemini":
            framing = "array" if client == "gemini-array" else "sse"
            address = {"model": MODEL, "stream": True, "framing": framing}
        accounts = [account("first", first), account("second", second, priority=2)]
        result = play(
            this.dialect,
            body_for(this),
            accounts=[*accounts, account("third", third, priority=3)],
            scripts=rule,
            address=address,
        )
        told = judge(this, result)
        assert (told.text, told.ended) == (STORY, True)
        assert [seam["account"] for seam in result.receipt["seams"]] == ["second", "third"]


def resumed(request: HttpRequest, dialect: Dialect, share: float, ident: str) -> Script:
    """Return an honest answer behind what was given, of which a share comes before the connection breaks."""
    frames = wire(dialect, answer(dialect, STORY[len(begun(request, dialect)) :], ident=ident))
    ending = [] if share == 1 else [reset()]
    return Script(headers=SSE, steps=[*frames[: int(len(frames) * share)], *ending])


def test_a_way_that_is_skipped_uses_up_no_attempt() -> None:
    """Two that are down and could be asked in two ways each: the third other one is still reached."""
    names = ("second", "third", "fourth", "fifth")
    accounts = [FIRST, *(account(n, "anthropic", priority=p) for p, n in enumerate(names, 2))]
    busy = Script(status=503, steps=[b"{}"])

    def rule(request: HttpRequest) -> Script:
        name = account_of(request)
        if name == "first":
            return half(0.5)
        return resumed(request, "anthropic", 1.0, name) if name == "fifth" else busy

    result = tell(rule, accounts=accounts)
    assert read("openai_chat", result.body).text == STORY
    assert result.asked == ["first", *names]
