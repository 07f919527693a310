"""Streams that break behind the content commit: the same stream goes on from elsewhere, or ends with an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Text
from flowrouter.canonical.usage import Usage
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.gateway.settle import Books
from flowrouter.settings.routing import Routing
from flowrouter.storage import MemoryStateStore
from flowrouter.wire.http import HttpRequest
from tests.playbooks.stage import SSE, House, Performance, Script, VirtualClock, account, account_of, play
from tests.support.breaks import (
    CLIENTS,
    ENDINGS,
    JOINING,
    KINDS,
    MODEL,
    UPSTREAMS,
    Break,
    Ending,
    Kind,
    answer,
    begun,
    body_for,
    broken,
    judge,
    perform,
    random_break,
    read,
    wire,
)
from tests.support.stories import STORIES

STORY = STORIES["english"]
SLICES = 10
PER_SLICE = 60


def case(
    client: str = "openai_chat",
    first: Dialect = "openai_chat",
    second: Dialect = "openai_chat",
    kind: Kind = "same",
    ending: Ending = "close",
    place: float = 0.6,
    **members: Any,
) -> Break:
    return Break(client, first, second, members.pop("story", "english"), kind, ending, place, **members)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("second", UPSTREAMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_who_can_go_on_does_and_nobody_else(client: str, second: Dialect, kind: Kind) -> None:
    for first in UPSTREAMS:
        told = judge(this := case(client, first, second, kind), result := perform(this))
        assert told.ended == (kind in JOINING)
        assert told.text == STORY if told.ended else STORY.startswith(told.text)
        assert len(result.receipt.get("seams", ())) == told.ended


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("client", CLIENTS)
def test_however_it_breaks(client: str, ending: Ending) -> None:
    for first in UPSTREAMS:
        this = case(client, first, "anthropic", "honest", ending)
        assert judge(this, perform(this)).text == STORY


@pytest.mark.parametrize("number", range(SLICES))
def test_cut_anywhere(number: int) -> None:
    """A part of what `python -m tests.fuzz.breaks` plays in full."""
    for place in range(PER_SLICE):
        this = random_break(Random(f"{number}:{place}"))
        result = perform(this)
        told = judge(this, result)
        if this.kind in JOINING and told.failed:
            assert result.exchange.not_completed in ("the answer had finished", "no text had been sent"), this


# Ways


def asked(result: Performance, number: int = -1) -> Any:
    request = result.requests[number]
    return codec("anthropic").parse_request(request.body)


def test_a_target_that_goes_on_from_a_begun_answer_is_asked_to() -> None:
    this = case("anthropic", "anthropic", "anthropic", "honest", story="long")
    result = perform(this)
    judge(this, result)
    (seam,) = result.receipt["seams"]
    sent = this.text[: seam["at"]]
    assert (seam["way"], seam["account"], seam["model"]) == ("prefill", "second", MODEL)
    assert seam["reason"] == result.receipt["attempts"][0]["reason"]
    request = asked(result)
    assert [message.role for message in request.messages] == ["user", "assistant"]
    assert begun(result.requests[1], "anthropic") == sent.rstrip()
    assert 4096 - len(sent) < request.max_tokens < 4096
    assert result.receipt["lane"] == "passthrough"


def test_books_entered_at_the_loops_turn_say_what_they_said_when_they_were_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = House._books  # pyright: ignore[reportPrivateUsage] - the stage enters at once, a gateway does not

    def deferred(house: House) -> Books:
        books = made(house)
        books._soon = asyncio.get_running_loop().call_soon  # pyright: ignore[reportPrivateUsage]
        return books

    this = case("anthropic", "anthropic", "anthropic", "honest", story="long")
    at_once = perform(this)
    monkeypatch.setattr(House, "_books", deferred)
    assert perform(this).receipt == at_once.receipt


def test_any_other_is_asked_the_same_again() -> None:
    result = perform(case("anthropic", "anthropic", "openai_chat"))
    assert result.receipt["seams"][0]["way"] == "restart"
    sent = msgspec.json.decode(result.requests[1].body)
    assert [message["role"] for message in sent["messages"]] == ["user"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_target_that_refuses_a_begun_answer_is_asked_the_same_again(client: str) -> None:
    refusal = b'{"type":"error","error":{"type":"invalid_request_error","message":"This model does not support assistant message prefill."}}'

    def second(request: HttpRequest) -> Script:
        if begun(request, "anthropic"):
            return Script(status=400, steps=[refusal])
        return Script(headers=SSE, steps=wire("anthropic", answer("anthropic", STORY, ident="second")))

    result = perform(this := case(client, "openai_chat", "anthropic"), scripts=chain(this, second))
    assert judge(this, result).text == STORY
    assert b"prefill" not in result.body
    assert [attempt["verdict"] for attempt in result.receipt["attempts"]] == [
        "cut",
        "request_fault",
        "answered",
    ]
    assert result.receipt["seams"][0]["way"] == "restart"


def chain(this: Break, other: Callable[[HttpRequest], Script]) -> Callable[[HttpRequest], Script]:
    """Return a rule: the first provider breaks as the case says, whoever is asked then answers by `other`."""
    start = broken(wire(this.first, answer(this.first, this.text, seed=this.seed)), this)
    asked: list[HttpRequest] = []

    def rule(request: HttpRequest) -> Script:
        asked.append(request)
        return start if len(asked) == 1 else other(request)

    return rule


def note_of(request: HttpRequest) -> str:
    last = codec("openai_chat").parse_request(request.body).messages[-1]
    said = "".join(part.text for part in last.parts if isinstance(part, Text))
    return said.rsplit("\n", 1)[-1] if said.startswith("[Note of the gateway") else ""


def best_effort(request: HttpRequest) -> Script:
    """Answer as a model that cannot be asked twice, but does what it is told."""
    words = note_of(request)
    said = "Sixty waves he counted, and then some." if not words else words + STORY.split(words)[1]
    return Script(headers=SSE, steps=wire("openai_chat", answer("openai_chat", said, ident="second")))


def test_only_best_effort_asks_for_the_last_words_again() -> None:
    this = case(kind="paraphrase")
    result = perform(this, scripts=chain(this, best_effort))
    assert read("openai_chat", result.body).failed
    result = perform(this, scripts=chain(this, best_effort), routing=Routing(completion="best_effort"))
    told = read("openai_chat", result.body)
    assert (told.text, told.ended) == (STORY, True)
    assert result.receipt["seams"][0]["way"] == "instruction"
    assert [attempt["verdict"] for attempt in result.receipt["attempts"]] == ["cut", "no_join", "answered"]


def test_the_target_that_broke_is_asked_again_where_there_is_no_other() -> None:
    start = broken(wire("openai_chat", answer("openai_chat", STORY)), this := case())
    scripts = [start, Script(headers=SSE, steps=wire("openai_chat", answer("openai_chat", STORY)))]
    result = play("openai_chat", body_for(this), accounts=[account("first", "openai_chat")], scripts=scripts)
    assert judge(this, result).text == STORY


def test_a_decision_of_the_provider_is_not_gone_around() -> None:
    frame = (
        b'data: {"error":{"message":"flagged by the content policy","code":"content_policy_violation"}}\n\n'
    )
    frames = wire("openai_chat", answer("openai_chat", STORY))
    result = perform(case(), first=Script(headers=SSE, steps=[*frames[:20], frame]))
    assert len(result.requests) == 1
    assert read("openai_chat", result.body).failed
    assert "decision" in result.receipt["not_completed"]


def test_one_that_breaks_after_the_join_is_followed_by_another() -> None:
    this = case("anthropic", "openai_chat", "openai_chat", place=0.3)
    again = broken(wire("openai_chat", answer("openai_chat", STORY, ident="second")), case(place=0.7))
    whole = Script(headers=SSE, steps=wire("openai_chat", answer("openai_chat", STORY, ident="third")))
    start = broken(wire("openai_chat", answer("openai_chat", STORY)), this)
    accounts = [account(n, "openai_chat", priority=p) for p, n in enumerate(("first", "second", "third"), 1)]
    result = play("anthropic", body_for(this), accounts=accounts, scripts=[start, again, whole])
    told = judge(this, result)
    assert told.text == STORY
    first, second = result.receipt["seams"]
    assert (first["account"], second["account"]) == ("second", "third")
    assert first["at"] < second["at"]
    assert [log.delivered for log in result.exchange.attempts] == [True, True, True]


# What the client and the books are told


def test_the_client_hears_signs_of_life_while_it_waits() -> None:
    this = case("anthropic")
    slow = Script(headers=SSE, steps=wire("openai_chat", answer("openai_chat", STORY)), before=40.0)
    limits = Timeouts(heartbeat=15.0)
    start = broken(wire("openai_chat", answer("openai_chat", STORY)), this)
    # The same account again: the last that is asked may take its time.
    result = play(
        "anthropic",
        body_for(this),
        accounts=[account("first", "openai_chat")],
        scripts=[start, slow],
        timeouts=limits,
    )
    assert judge(this, result).text == STORY
    assert result.body.count(b"event: ping") == 2


def test_the_client_is_told_the_last_counts_and_the_books_all() -> None:
    this = case(second="anthropic", kind="honest", story="long")
    first = answer("openai_chat", this.text)
    first.insert(1, e.UsageUpdate(Usage(input=7, output=1)))
    second = Usage(input=120, output=40)

    def rule(request: HttpRequest) -> Script:
        given = begun(request, "anthropic")
        said = answer("anthropic", this.text[len(given) :], ident="second", usage=second)
        return Script(headers=SSE, steps=wire("anthropic", said))

    script = broken(wire("openai_chat", first), this)
    result = perform(
        this,
        scripts=lambda request: script if account_of(request) == "first" else rule(request),
        members={"stream_options": {"include_usage": True}},
    )
    told = judge(this, result)
    assert told.usage is not None
    assert (told.usage.input, told.usage.output) == (120, 40)
    cut, ended = result.exchange.attempts
    assert (cut.verdict, ended.verdict) == ("cut", "answered")
    assert (cut.delivered, ended.delivered) == (True, True)
    assert (cut.usage.estimated, ended.usage.output, ended.usage.estimated) == (True, 40, False)
    assert (result.row.input_tokens, result.row.output_tokens, result.row.outcome) == (120, 40, "ok")


def test_an_attempt_that_did_not_join_reached_nobody() -> None:
    result = perform(case(kind="paraphrase"))
    logs = result.exchange.attempts
    assert [log.verdict for log in logs] == ["cut", "no_join", "server"]
    assert [log.delivered for log in logs] == [True, False, False]
    assert "characters" in result.receipt["attempts"][1]["reason"]
    assert "no other target" in result.receipt["not_completed"]


def test_the_answer_that_is_kept_is_the_whole_one() -> None:
    state = MemoryStateStore(VirtualClock())
    this = case("openai_responses", "openai_responses", "openai_chat")
    told = judge(this, perform(this, state=state))
    (ident,) = told.ids
    follow = msgspec.json.encode({"model": MODEL, "input": "And then?", "previous_response_id": ident})
    result = play(
        "openai_responses",
        follow,
        accounts=[account("second", "openai_chat")],
        scripts=[Script(headers=SSE, steps=wire("openai_chat", answer("openai_chat", "Nothing.")))],
        state=state,
    )
    assert result.status == 200
    sent = msgspec.json.decode(result.requests[0].body)
    assert [message["content"] for message in sent["messages"]][1] in (
        STORY,
        [{"type": "text", "text": STORY}],
    )
