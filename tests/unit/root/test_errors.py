"""Errors carry what their catchers need, and their text is the message."""

from __future__ import annotations

import pytest

from flowrouter.canonical.grammar import GrammarError
from flowrouter.errors import CallerError, ConfigError, FlowRouterError, StorageError, UpstreamError
from flowrouter.httpkit.bodies import ClientGoneError
from flowrouter.wire.json import JsonError
from flowrouter.wire.sse import SseError


def test_a_caller_error_names_status_field_and_reason() -> None:
    plain = CallerError("no")
    assert (plain.status, plain.param, plain.code, plain.details, plain.retry_after) == (
        400,
        None,
        None,
        None,
        None,
    )
    full = CallerError("no", status=429, param="model", code="c", details={"a": 1}, retry_after=1.5)
    assert (full.status, full.param, full.code, full.details, full.retry_after) == (
        429,
        "model",
        "c",
        {"a": 1},
        1.5,
    )
    assert (str(full), full.message) == ("no", "no")


def test_an_upstream_error_says_how() -> None:
    error = UpstreamError("gone", kind="status", status=503)
    assert (error.message, error.kind, error.status) == ("gone", "status", 503)


def test_a_config_error_carries_its_fix() -> None:
    error = ConfigError("no port", fix="write port = 1")
    assert (str(error), error.message, error.fix) == ("no port (write port = 1)",) * 2 + ("write port = 1",)
    assert str(ConfigError("no port")) == "no port"


@pytest.mark.parametrize(
    "error, also",
    [
        (JsonError("x"), ValueError),
        (SseError("x"), ValueError),
        (GrammarError("x"), AssertionError),
        (StorageError("x"), Exception),
    ],
)
def test_every_error_is_ours_and_what_its_place_expects(
    error: FlowRouterError, also: type[Exception]
) -> None:
    assert isinstance(error, FlowRouterError)
    assert isinstance(error, also)
    assert error.message == "x"


def test_a_client_that_left_needs_no_words() -> None:
    assert "closed" in ClientGoneError().message
