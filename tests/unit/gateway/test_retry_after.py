"""How long to wait: every form providers use, and never a number that cannot be waited for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.problem import Problem
from flowrouter.gateway.notice import error_headers
from flowrouter.gateway.retry_after import duration, seconds, used_up

NOW = 1_792_567_680.0  # Wed, 21 Oct 2026 07:28:00 GMT


def wait(body: bytes = b"", **headers: str) -> float | None:
    return seconds({name.replace("_", "-"): value for name, value in headers.items()}, body, now=NOW)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0", 0.0),
        ("2", 2.0),
        ("2.5", 2.5),
        (".5", 0.5),
        (" 7 ", 7.0),
        ("120ms", 0.12),
        ("1s", 1.0),
        ("59.56s", 59.56),
        ("6m0s", 360.0),
        ("2m59.5s", 179.5),
        ("1h", 3600.0),
        ("1h2m3s", 3723.0),
        ("1h30m", 5400.0),
        ("1s500ms", 1.5),
        ("1d", 86400.0),
        ("5m", 300.0),
        ("5ms", 0.005),
    ],
)
def test_durations(text: str, expected: float) -> None:
    assert duration(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "m",
        "h",
        ".",
        "1.2.3",
        "1.2.3s",
        "nan",
        "inf",
        "1e5",
        "0x5",
        "1_000",
        "²",
        "١",
        "s5",
        "5x",
        "ms",
    ],
)
def test_no_durations(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    "headers, expected",
    [
        ({"retry_after_ms": "1500"}, 1.5),
        ({"x_ms_retry_after_ms": "250"}, 0.25),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "7.5"}, 7.5),
        ({"retry_after": "7s"}, 7.0),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "99999999"}, 86400.0),
        ({"retry_after_ms": "999999999"}, 86400.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:29:00 GMT"}, 60.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:29:00"}, 60.0),
        ({"retry_after": "Wed, 21 Oct 2026 09:29:00 +0200"}, 60.0),
        ({"retry_after": "Wednesday, 21-Oct-26 07:29:00 GMT"}, 60.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:00:00 GMT"}, 0.0),
        ({"retry_after": "2026-10-21T07:29:00Z"}, 60.0),
        ({"retry_after": "1792567690"}, 10.0),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "120ms"}, 0.12),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "6m0s"}, 360.0),
        (
            {
                "x_ratelimit_remaining_requests": "0",
                "x_ratelimit_reset_requests": "1s",
                "x_ratelimit_remaining_tokens": "0",
                "x_ratelimit_reset_tokens": "30s",
            },
            30.0,
        ),
        (
            {
                "x_ratelimit_remaining_requests": "0",
                "x_ratelimit_reset_requests": "",
                "x_ratelimit_remaining_tokens": "0",
                "x_ratelimit_reset_tokens": "5s",
            },
            5.0,
        ),
        (
            {
                "x_ratelimit_remaining_requests": "9",
                "x_ratelimit_reset_requests": "1h",
                "x_ratelimit_remaining_tokens": "0",
                "x_ratelimit_reset_tokens": "5s",
            },
            5.0,
        ),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1792567690000"}, 10.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1792567690"}, 10.0),
        ({"x_ratelimit_reset_requests": "1s"}, 1.0),
        ({"ratelimit_remaining": "0", "ratelimit_reset": "30"}, 30.0),
        (
            {
                "anthropic_ratelimit_requests_remaining": "0",
                "anthropic_ratelimit_requests_reset": "2026-10-21T07:28:20Z",
            },
            20.0,
        ),
        (
            {
                "anthropic_ratelimit_input_tokens_remaining": "0",
                "anthropic_ratelimit_input_tokens_reset": "2026-10-21T09:28:20+02:00",
                "anthropic_ratelimit_requests_remaining": "49",
                "anthropic_ratelimit_requests_reset": "2026-10-21T08:28:20Z",
            },
            20.0,
        ),
    ],
)
def test_headers(headers: dict[str, str], expected: float) -> None:
    assert wait(**headers) == pytest.approx(expected)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry_after": ""},
        {"retry_after": "soon"},
        {"retry_after": "nan"},
        {"retry_after": "inf"},
        {"retry_after": "Wed, 99 Foo 2026"},
        {"retry_after": "Wed, 21 Oct 99999 07:29:00 GMT"},
        {"retry_after_ms": "nan"},
        {"x_ratelimit_remaining_requests": "5", "x_ratelimit_reset_requests": "1s"},
        {"x_ratelimit_remaining_requests": "0"},
        {"anthropic_ratelimit_requests_remaining": "0", "anthropic_ratelimit_requests_reset": "never"},
    ],
)
def test_headers_that_say_nothing(headers: dict[str, str]) -> None:
    assert wait(**headers) is None


@pytest.mark.parametrize(
    "body, expected",
    [
        (b'{"error":{"message":"Rate limit reached. Please try again in 3.2s. Visit https://x"}}', 3.2),
        (b"Please try again in 6m0s.", 360.0),
        (b"Please try again in 120ms.", 0.12),
        (b"try again in 20 seconds", 20.0),
        (b"Try Again In 5 Minutes", 300.0),
        (b"retry in about 1 hour", 3600.0),
        (b"The limit will reset after 1m 20s.", 80.0),
        (b"Please retry after 12 seconds.", 12.0),
        (b"Rate limited, please wait 8 secs", 8.0),
        (b'{"retry_after_ms": 250}', 0.25),
        (b'{"resets_at": "2026-10-21T07:28:20Z"}', 20.0),
        (b"please retry your request in 500 milliseconds", 0.5),
        (b"Your limit will reset in 2 min", 120.0),
        (b'{"error":{"code":429,"details":[{"@type":"x.RetryInfo","retryDelay": "37s"}]}}', 37.0),
        (b'{"error":{"details":[{"retryDelay":"0.5s"}]}}', 0.5),
        (b'{"error":{"type":"usage_limit_reached","resets_in_seconds":77}}', 77.0),
        (b'{"resets_at": 1792567690}', 10.0),
        (b'{"retry_after": 1.5}', 1.5),
    ],
)
def test_bodies(body: bytes, expected: float) -> None:
    assert wait(body) == pytest.approx(expected)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"try again later",
        b"try again in a moment",
        b"try again in some seconds",
        b'{"retry_after": null}',
        b'{"retryDelay": "soon"}',
        b"the meeting is in 5 minutes",
        b" " * 5_000 + b"try again in 3s",
        b"\xff\xfe",
    ],
)
def test_bodies_that_say_nothing(body: bytes) -> None:
    assert wait(body) is None


def test_headers_speak_before_the_body() -> None:
    assert wait(b"try again in 9s", retry_after="2") == 2.0


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "retry-after",
                "retry-after-ms",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
                "x-ratelimit-remaining-tokens",
            ]
        ),
        st.text(alphabet="0123456789.-smh TZ:naif", max_size=12) | st.text(max_size=20),
    ),
    st.binary(max_size=60) | st.text("try again in 0123456789.smh", max_size=60).map(str.encode),
)
def test_any_answer_is_a_wait_that_can_be_told(headers: dict[str, str], body: bytes) -> None:
    found = seconds(headers, body, now=NOW)
    if found is None:
        return
    assert math.isfinite(found)
    assert 0 <= found <= 86400
    ((_, told),) = error_headers(Problem(status=429, message="", retry_after=found))
    assert max(found, 1) <= int(told) <= found + 1


@pytest.mark.parametrize(
    "headers, expected",
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"}, 20.0),
        ({"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "7200"}, 7200.0),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:30Z",
            },
            30.0,
        ),
        ({"ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "5"}, 5.0),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "20s"}, None),
        ({"x-ratelimit-reset-requests": "20s"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9", "x-ratelimit-limit": "0"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}, None),
        ({"retry-after": "5"}, None),
    ],
    ids=[
        "openai",
        "day",
        "anthropic",
        "by size",
        "some left",
        "not said",
        "no limit",
        "at once",
        "no limit told",
    ],
)
def test_a_good_answer_may_say_that_it_was_the_last(headers: dict[str, str], expected: float | None) -> None:
    assert used_up(headers, now=NOW) == (None if expected is None else pytest.approx(expected))
