"""Whose error it is, and what the caller hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.gateway.admission import AccountBusyError
from flowrouter.gateway.blame import (
    Failure,
    deciding,
    for_caller,
    from_busy,
    from_caller_error,
    from_upstream_error,
)
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Target, Verdict, judge
from flowrouter.routing.verdict import network

OWNER, STRANGER = Caller(owner_id="me"), Caller(owner_id="you", key_id="k")


def target(name: str = "work") -> Target:
    return Target(account_id=f"id-{name}", account=name, preset="openai", model="m", dialect="openai_chat")


def refused(status: int, message: str = "no", *, account: str = "work", **fields: Any) -> Failure:
    problem = Problem(status=status, message=message, **fields)
    return Failure(target=target(account), problem=problem, verdict=judge(problem), raw=b"raw %d" % status)


def broken(kind: str) -> Failure:
    problem = from_upstream_error(UpstreamError("it broke", kind=kind))
    return Failure(target=target(), problem=problem, verdict=network(kind))


def heard(*failures: Failure, caller: Caller = STRANGER) -> tuple[Problem, bytes | None]:
    return for_caller(list(failures), caller, account_owner="me")


# what the targets answered → status, code, x-should-retry, and whose body passes
TABLE: list[tuple[list[Failure], int, str | None, bool | None, bytes | None]] = [
    ([refused(400)], 400, None, False, b"raw 400"),
    ([refused(404)], 404, None, False, b"raw 404"),
    ([refused(413)], 413, None, False, b"raw 413"),
    ([refused(422)], 422, None, False, b"raw 422"),
    ([refused(400, code="content_filter")], 400, "content_filter", False, b"raw 400"),
    ([refused(400, "prompt is too long")], 400, None, False, b"raw 400"),
    ([refused(401)], 502, "upstream_auth", False, None),
    ([refused(402)], 502, "upstream_billing", False, None),
    ([refused(403)], 502, "upstream_auth", False, None),
    ([refused(429, code="insufficient_quota")], 502, "upstream_billing", False, None),
    ([refused(429)], 429, None, None, b"raw 429"),
    ([refused(503)], 503, None, None, b"raw 503"),
    ([refused(529)], 529, None, None, b"raw 529"),
    ([refused(500)], 500, None, None, b"raw 500"),
    ([refused(502)], 502, None, None, None),
    ([refused(520)], 502, None, None, None),
    ([refused(504)], 504, None, None, None),
    ([refused(408)], 504, None, None, None),
    ([broken("connect")], 502, "upstream_connect", None, None),
    ([broken("reset")], 502, "upstream_reset", None, None),
    ([broken("timeout")], 504, "upstream_timeout", None, None),
    ([broken("empty")], 502, "upstream_empty", None, None),
    # the failure that ended the search decides
    ([refused(429), refused(400)], 400, None, False, b"raw 400"),
    ([refused(401), refused(422)], 422, None, False, b"raw 422"),
    # else a target that may come back says more than one that will not
    ([refused(429), refused(401)], 429, None, None, b"raw 429"),
    ([refused(401), refused(429)], 429, None, None, b"raw 429"),
    ([refused(503), refused(404)], 503, None, None, b"raw 503"),
    ([refused(429), refused(500)], 429, None, None, b"raw 429"),
    ([refused(500), refused(402)], 500, None, None, b"raw 500"),
    ([broken("connect"), refused(403)], 502, "upstream_connect", None, None),
    # else the last
    ([refused(404), refused(401)], 502, "upstream_auth", False, None),
    ([refused(401), refused(404)], 404, None, False, b"raw 404"),
    ([refused(429), refused(529)], 529, None, None, b"raw 529"),
    ([refused(401), refused(402)], 502, "upstream_billing", False, None),
]


@pytest.mark.parametrize("failures, status, code, retry, raw", TABLE)
def test_table(
    failures: list[Failure], status: int, code: str | None, retry: bool | None, raw: bytes | None
) -> None:
    problem, body = heard(*failures)
    assert (problem.status, problem.code, problem.retry, body) == (status, code, retry, raw)
    assert problem.message


@pytest.mark.parametrize("status", [401, 402, 403])
def test_only_its_owner_hears_which_account(status: int) -> None:
    secret = refused(status, "key sk-canary of org-canary is wrong", account="secret-name")
    told, _ = heard(secret, caller=OWNER)
    assert "'secret-name'" in told.message
    assert "providers test" in told.message
    untold, _ = heard(secret, caller=STRANGER)
    assert "secret-name" not in untold.message
    assert "canary" not in told.message + untold.message
    unowned, _ = for_caller([secret], OWNER, account_owner=None)
    assert "secret-name" not in unowned.message


def test_the_earliest_time_counts() -> None:
    late, soon, unknown = (refused(429, retry_after=value) for value in (30.0, 4.0, None))
    for failures in ([late, soon, unknown], [unknown, soon, late], [soon, refused(401), late]):
        assert heard(*failures)[0].retry_after == 4.0
    assert heard(unknown)[0].retry_after is None


def test_words_of_the_provider_are_kept() -> None:
    problem, _ = heard(refused(400, "messages.0: bad", kind="invalid_request_error", param="messages"))
    assert (problem.message, problem.kind, problem.param) == (
        "messages.0: bad",
        "invalid_request_error",
        "messages",
    )
    problem, _ = heard(refused(529, "Overloaded", kind="overloaded_error"))
    assert (problem.message, problem.kind) == ("Overloaded", "overloaded_error")


def test_a_fallback_that_could_not_express_the_request_says_least() -> None:
    untold = Failure(
        target=target(),
        problem=Problem(status=400, message="no"),
        verdict=Verdict(failure="request_fault", failover=True),
    )
    assert heard(refused(404), untold)[0].status == 404
    assert heard(untold, refused(429))[0].status == 429
    assert heard(untold)[0].status == 400


def test_the_deciding_failure_is_one_of_them() -> None:
    failures = [refused(429), broken("reset"), refused(401)]
    assert deciding(failures) is failures[0]
    assert deciding(failures[1:]) is failures[1]
    assert deciding(failures[2:]) is failures[2]


def test_a_full_account_is_a_busy_one() -> None:
    failure = from_busy(AccountBusyError(), target("secret-name"))
    assert failure.verdict.failover
    problem, raw = heard(failure)
    assert (problem.status, problem.retry_after, raw) == (429, 1.0, None)
    assert "secret-name" not in problem.message


@pytest.mark.parametrize(
    "status, retry",
    [(400, False), (401, False), (402, False), (404, False), (413, False), (429, None), (503, None)],
)
def test_our_own_refusals(status: int, retry: bool | None) -> None:
    error = CallerError("no", status=status, param="model", code="c", details={"a": 1}, retry_after=2.0)
    assert from_caller_error(error) == Problem(
        status=status, message="no", code="c", param="model", details={"a": 1}, retry=retry, retry_after=2.0
    )
