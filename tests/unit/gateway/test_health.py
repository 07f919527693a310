"""What targets are known for after real exchanges: whose fault counts, and how much is kept."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.head import Head
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.health import TARGETS_MAX, Health, TargetHealth
from flowrouter.gateway.records import AttemptRow, RequestRow
from flowrouter.routing import Target
from tests.contracts.fakes import START, FakeClock, bare_row


def target(model: str = "m", account: str = "a") -> Target:
    return Target(account_id=account, account=account, preset="openai", model=model, dialect="openai_chat")


def exchange(*attempts: AttemptLog, stream: bool = True, first: float | None = None) -> Exchange:
    inbound = Inbound(
        request_id="req_1",
        dialect="openai_chat",
        operation="generate",
        endpoint="/",
        headers={},
        body=b"",
        wall=START,
        started=START,
    )
    made = Exchange(inbound)
    made.head = Head(model="m", stream=stream, length=0)
    made.attempts = list(attempts)
    made.first_content_at = first
    return made


def attempt(verdict: str, *, began: float = START, took: float = 1.0, **members: Any) -> AttemptLog:
    log = AttemptLog(members.pop("target", target()), began)
    log.verdict, log.ended = verdict, began + took
    for name, value in members.items():
        setattr(log, name, value)
    return log


def row(made: Exchange, cost: int | None = None) -> RequestRow:
    booked = tuple(
        AttemptRow(
            account_id=log.target.account_id,
            preset="openai",
            model=log.target.model,
            dialect="openai_chat",
            outcome=log.verdict,
            cost_pusd=cost,
        )
        for log in made.attempts
    )
    return bare_row(
        id="req_1",
        ts_ms=0,
        owner_id="local",
        client_dialect="openai_chat",
        endpoint="/",
        status=200,
        outcome="ok",
        attempts=booked,
    )


def after(*made: Exchange, cost: int | None = None) -> list[TargetHealth]:
    health = Health(FakeClock())
    for each in made:
        health.settled(each, row(each, cost))
    return list(health.known())


def test_a_stream_tells_success_times_speed_and_cost() -> None:
    usage = Usage(input=5, output=40, reasoning=10)
    made = exchange(attempt("answered", took=6.0, usage=usage), first=START + 1.0)
    (known,) = after(made, cost=700)
    assert (known.success, known.samples, known.cost_mean_pusd) == (1.0, 1.0, 700.0)
    assert known.first_token_p50 == pytest.approx(1.0, rel=0.26)
    assert known.tokens_per_second == pytest.approx(10.0)
    assert known.last_error is None


def test_a_whole_answer_tells_no_time_to_the_first_token() -> None:
    made = exchange(attempt("answered", usage=Usage(output=5)), stream=False, first=START + 1.0)
    (known,) = after(made)
    assert (known.success, known.first_token_p50, known.tokens_per_second) == (1.0, None, None)


@pytest.mark.parametrize(
    "verdict", ["rate_limit", "server", "timeout", "network", "bad_reply", "auth", "cut"]
)
def test_what_the_target_is_answerable_for(verdict: str) -> None:
    (known,) = after(exchange(attempt(verdict)))
    assert (known.success, known.last_error) == (0.0, verdict)


@pytest.mark.parametrize(
    "verdict", ["request_fault", "context_overflow", "content_filter", "field_refused", "hedged", "open"]
)
def test_what_it_is_not(verdict: str) -> None:
    assert after(exchange(attempt(verdict))) == []


def test_the_one_that_failed_before_has_no_time_of_the_answer() -> None:
    failed, answered = attempt("server", target=target("x")), attempt("answered", began=START + 2.0)
    health = Health(FakeClock())
    made = exchange(failed, answered, first=START + 2.5)
    health.settled(made, row(made))
    assert health.first_token(target("x")) is None
    assert health.first_token(target("m")) == pytest.approx(0.5)
    assert (health.samples(target("m")), health.samples(target("x"))) == (1.0, 0.0)
    assert health.first_token_quantile(target("m"), 0.95) == pytest.approx(0.5, rel=0.26)
    assert health.first_token_quantile(target("nobody"), 0.95) is None


def test_what_is_kept_is_bounded_and_the_unused_goes_first() -> None:
    health = Health(FakeClock())
    for number in range(TARGETS_MAX):
        made = exchange(attempt("answered", target=target(str(number))))
        health.settled(made, row(made))
    for name in ("0", "one more"):
        made = exchange(attempt("answered", target=target(name)))
        health.settled(made, row(made))
    models = [known.target.model for known in health.known()]
    assert len(models) == TARGETS_MAX
    assert models[:2] == ["one more", "0"]
    assert "1" not in models
