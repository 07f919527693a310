"""Response headers: small, plain ASCII, and true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.head import Head
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.notice import error_headers, head_lines
from flowrouter.httpkit.fields import pairs_of
from flowrouter.routing import Target
from tests.contracts.fakes import START, FakeClock


def exchange(*losses: str, model: str = "gpt-5", attempts: int = 1) -> Exchange:
    made = Exchange(
        Inbound(
            request_id="req_1",
            dialect="openai_chat",
            operation="generate",
            endpoint="/v1/chat/completions",
            headers={},
            body=b"",
            wall=START,
            started=START,
        )
    )
    made.head = Head(model=model, stream=False, length=2)
    target = Target(account_id="1", account="work", preset="openai", model=model, dialect="openai_chat")
    made.attempts = [AttemptLog(target, START) for _ in range(attempts)]
    made.request_losses = tuple(Loss(path=path, kind="dropped", reason="no such field") for path in losses)
    return made


def headers(made: Exchange, clock: FakeClock | None = None) -> dict[bytes, bytes]:
    return dict(pairs_of(head_lines(made, clock or FakeClock())))


def test_an_exchange_that_reached_a_target() -> None:
    clock = FakeClock()
    clock.advance(2.0)
    made = exchange("seed", "n", "seed", attempts=2)
    made.upstream_wait = 1.99
    assert headers(made, clock) == {
        b"x-request-id": b"req_1",
        b"request-id": b"req_1",
        b"x-flowrouter-asked": b"gpt-5",
        b"x-flowrouter-target": b"work/gpt-5",
        b"x-flowrouter-attempts": b"2",
        b"x-flowrouter-overhead-ms": b"10.00",
        b"x-flowrouter-losses": b"seed,n",
    }


def test_an_exchange_that_reached_none() -> None:
    assert headers(exchange(attempts=0)) == {
        b"x-request-id": b"req_1",
        b"request-id": b"req_1",
        b"x-flowrouter-overhead-ms": b"0.00",
    }


def test_overhead_is_never_negative() -> None:
    made = exchange()
    made.upstream_wait = 5.0
    assert headers(made)[b"x-flowrouter-overhead-ms"] == b"0.00"


@given(st.lists(st.text(min_size=1, max_size=300), max_size=60), st.text(max_size=2_000))
def test_at_most_a_kilobyte_of_plain_text(paths: list[str], model: str) -> None:
    """Field names and model names are the client's: they must not break or bloat the head."""
    made = pairs_of(head_lines(exchange(*paths, model=model), FakeClock()))
    assert sum(len(name) + len(value) + 4 for name, value in made) <= 1024
    assert len(made) <= 7, "no line but ours"
    assert all(32 <= byte <= 126 for _, value in made for byte in value)


def test_losses_that_do_not_fit_are_counted() -> None:
    paths = [f"messages[{number}].content[0].cache_control" for number in range(200)]
    shown = headers(exchange(*paths))[b"x-flowrouter-losses"].decode().split(",")
    assert shown[:-1] == paths[: len(shown) - 1]
    assert shown[-1] == f"+{200 - len(shown) + 1}"


def test_one_enormous_loss() -> None:
    assert headers(exchange("x" * 5_000))[b"x-flowrouter-losses"] == b"+1"


@pytest.mark.parametrize(
    "retry, after, expected",
    [
        (None, None, {}),
        (True, None, {b"x-should-retry": b"true"}),
        (False, None, {b"x-should-retry": b"false"}),
        (None, 0.0, {b"retry-after": b"1"}),
        (None, 0.2, {b"retry-after": b"1"}),
        (None, 3.0, {b"retry-after": b"3"}),
        (None, 3.01, {b"retry-after": b"4"}),
        (False, 1800.0, {b"x-should-retry": b"false", b"retry-after": b"1800"}),
    ],
)
def test_retry_headers(retry: bool | None, after: float | None, expected: dict[bytes, bytes]) -> None:
    assert dict(error_headers(Problem(status=429, message="", retry=retry, retry_after=after))) == expected
