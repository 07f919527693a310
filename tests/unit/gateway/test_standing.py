"""What is left of limits, in the header names of each dialect."""

from __future__ import annotations

import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.standing import Standing, limit_headers
from tests.contracts.fakes import START


def standing(kind: str, remaining: int, seconds: float, limit: int = 60) -> Standing:
    return Standing(kind=kind, limit=limit, remaining=remaining, resets=START + seconds, now=START)  # type: ignore[arg-type]


ALL = (
    standing("requests", 12, 7.2),
    standing("requests", 3, 4_000, limit=100),
    standing("tokens", 5, 60, limit=1_000),
)


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "openai_completions"])
def test_openai_hears_of_the_tightest_limit_of_each_kind(dialect: Dialect) -> None:
    assert dict(limit_headers(ALL, dialect)) == {
        b"x-ratelimit-limit-requests": b"100",
        b"x-ratelimit-remaining-requests": b"3",
        b"x-ratelimit-reset-requests": b"1h6m40s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"5",
        b"x-ratelimit-reset-tokens": b"1m0s",
    }


def test_anthropic_hears_it_under_its_own_names() -> None:
    assert dict(limit_headers(ALL[:1], "anthropic")) == {
        b"anthropic-ratelimit-requests-limit": b"60",
        b"anthropic-ratelimit-requests-remaining": b"12",
        b"anthropic-ratelimit-requests-reset": b"2027-01-15T08:00:08Z",
    }


def test_google_has_no_such_headers() -> None:
    assert limit_headers(ALL, "gemini") == []
    assert limit_headers((), "openai_chat") == []


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, b"1s"), (59.2, b"1m0s"), (12, b"12s"), (86_399, b"23h59m59s")]
)
def test_times_as_openai_writes_them(seconds: float, told: bytes) -> None:
    headers = dict(limit_headers((standing("tokens", 1, seconds),), "openai_chat"))
    assert headers[b"x-ratelimit-reset-tokens"] == told
