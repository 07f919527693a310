"""The route table: every form of a base URL leads to the same route, ids keep their slashes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.api.routes import ROUTES, Route, dialect_of, knows, match, normalise


def lead(method: str, path: str) -> tuple[str, str] | None:
    found = match(method, normalise(path))
    return None if found is None else (found[0].purpose, found[1])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/v1/chat/completions/",
        "/v1/v1/chat/completions",
        "/v1/v1/v1/chat/completions///",
        "/chat/completions",
        "/chat/completions/",
        "//v1//chat///completions",
        "/v1//v1/chat/completions",
        "//chat/completions",
    ],
)
def test_forms_of_the_chat_path(path: str) -> None:
    assert lead("POST", path) == ("generate", "")
    assert normalise(path) == "/v1/chat/completions"


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1", "/v1/", "//v1"])
@pytest.mark.parametrize(
    "method, path, purpose",
    [
        ("POST", "/messages", "generate"),
        ("POST", "/messages/count_tokens", "count_tokens"),
        ("GET", "/models", "list_models"),
        ("GET", "/models/", "list_models"),
    ],
)
def test_prefix_missing_or_doubled(prefix: str, method: str, path: str, purpose: str) -> None:
    assert lead(method, prefix + path) == (purpose, "")


@pytest.mark.parametrize(
    "path, name",
    [
        ("/v1/models/gpt-5", "gpt-5"),
        ("/v1/models/openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("/models/a/b/c:free", "a/b/c:free"),
        ("/v1/models/v1/models", "v1/models"),
        ("/v1/models/ünïcode", "ünïcode"),
    ],
)
def test_model_ids(path: str, name: str) -> None:
    assert lead("GET", path) == ("get_model", name)


def test_receipts() -> None:
    assert lead("GET", "/v1/receipts/req_1") == ("get_receipt", "req_1")
    assert lead("GET", "/v1/receipts") is None
    assert lead("GET", "/v1/receipts/") is None


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/models"),
        ("DELETE", "/v1/models/x"),
        ("post", "/v1/messages"),
        ("POST", "/v1"),
        ("POST", "/"),
        ("POST", ""),
        ("POST", "/v10/messages"),
        ("POST", "/v1messages"),
        ("POST", "/api/v1/messages"),
        ("POST", "/v1/messages/other"),
        ("POST", "/V1/messages"),
        ("POST", "/messagesx"),
    ],
)
def test_no_route(method: str, path: str) -> None:
    assert lead(method, path) is None


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/models", "/v1/models/a/b", "/healthz", "/v1/receipts/x"]
)
def test_known_paths(path: str) -> None:
    """A known path with another method is 405, not 404."""
    assert knows(path)


@pytest.mark.parametrize("path", ["/v1/models/", "/v1", "/", "/v1/receipts", "/v1/chat", "/healthz/x"])
def test_unknown_paths(path: str) -> None:
    assert not knows(path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_leads_to_itself(route: Route) -> None:
    path = re.sub(r"\{\w+\}$", "some/id", route.path)
    assert normalise(path) == path
    assert match(route.method, path) == (route, "some/id" if "{" in route.path else "")
    assert "{" not in path


@pytest.mark.parametrize(
    "path, headers, dialect",
    [
        ("/v1/messages", {}, "anthropic"),
        ("/v1/messages/count_tokens", {}, "anthropic"),
        ("/v1/messages/unknown", {}, "anthropic"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/models", {}, "openai_chat"),
        ("/v1/models", {"x-api-key": "x"}, "openai_chat"),
        ("/v1/chat/completions", {}, "openai_chat"),
        ("/nowhere", {}, "openai_chat"),
    ],
)
def test_dialect_of_errors(path: str, headers: dict[str, str], dialect: str) -> None:
    assert dialect_of(path, headers) == dialect


@given(st.text(alphabet="/v1modelsa-", max_size=30))
def test_normalising_twice_changes_nothing(path: str) -> None:
    once = normalise(path)
    assert normalise(once) == once
    assert "//" not in once
