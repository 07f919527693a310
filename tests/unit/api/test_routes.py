"""The route table: every form of a base URL leads to the same route, ids keep their slashes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.api.routes import ROUTES, Route, _pattern, dialect_of, find, is_verb, knows, match, normalise

_SEGMENTS = st.sampled_from(["v1", "v1beta", "v1alpha", "openai", "models", "chat", "completions", "x:y", ""])


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
    name = "some/id:x" if "{" in route.path and not re.search(r"\}/", route.path) else "some-id"
    path = re.sub(r"\{\w+\}", name, route.path)
    assert normalise(path) == path
    assert match(route.method, path) == (route, name if "{" in route.path else "")
    assert find(route.method, path) == find(route.method, f"{path}/") == (path, match(route.method, path))
    assert "{" not in path


@pytest.mark.parametrize(
    "path, headers, dialect",
    [
        ("/v1/messages", {}, "anthropic"),
        ("/v1/messages/count_tokens", {}, "anthropic"),
        ("/v1/messages/unknown", {}, "anthropic"),
        ("/v1/responses/unknown", {}, "openai_responses"),
        ("/v1beta/unknown", {}, "gemini"),
        ("/v1beta/models", {"anthropic-version": "2023-06-01"}, "gemini"),
        ("/v1/models", {"x-goog-api-key": "x"}, "gemini"),
        ("/v1/models", {"user-agent": "google-genai-sdk/3.4.0 gl-python/3.11"}, "gemini"),
        ("/v1/models", {"x-goog-api-key": "x", "anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/chat/nothing", {"x-goog-api-key": "x"}, "openai_chat"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/models", {}, "openai_chat"),
        ("/v1/models", {"x-api-key": "x"}, "openai_chat"),
        ("/v1/chat/completions", {}, "openai_chat"),
        ("/nowhere", {}, "openai_chat"),
    ],
)
def test_dialect_of_errors(path: str, headers: dict[str, str], dialect: str) -> None:
    assert dialect_of(path, headers) == dialect


def test_a_key_in_the_query_is_googles_way() -> None:
    assert dialect_of("/v1/models", {}, keyed=True) == "gemini"
    assert dialect_of("/v1/messages", {}, keyed=True) == "anthropic"


@pytest.mark.parametrize(
    "version", ["/v1beta", "/v1", "/v1alpha", "/v1beta/v1beta", "/v1/v1beta", "/v1beta//v1"]
)
@pytest.mark.parametrize("model", ["gemini-3", "acme/big", "a:b/c:free", "v1/models/x", "models/x"])
@pytest.mark.parametrize(
    "verb, purpose, stream",
    [
        ("generateContent", "generate", False),
        ("streamGenerateContent", "generate", True),
        ("countTokens", "count_tokens", None),
        ("embedContent", "embed_content", None),
        ("batchEmbedContents", "batch_embed", None),
    ],
)
def test_a_verb_begins_at_the_last_colon(
    version: str, model: str, verb: str, purpose: str, stream: bool | None
) -> None:
    found = match("POST", normalise(f"{version}/models/{model}:{verb}"))
    assert found is not None
    route, name = found
    assert (route.purpose, route.dialect, route.stream, name) == (purpose, "gemini", stream, model)


@pytest.mark.parametrize("path", ["/v1beta/models/x:fly", "/v1/models/x:fly", "/v1/models/x:generatecontent"])
def test_unknown_verbs_lead_nowhere(path: str) -> None:
    assert match("POST", normalise(path)) is None
    assert is_verb(path)


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("/v1beta/openai/chat/completions", "/v1/chat/completions"),
        ("/v1beta/openai/models", "/v1/models"),
        ("/v1beta/models/", "/v1beta/models"),
        ("/v1alpha/models", "/v1beta/models"),
        ("/responses", "/v1/responses"),
        ("/v1/v1/responses/", "/v1/responses"),
        ("/completions", "/v1/completions"),
        ("/models/m:generateContent", "/v1/models/m:generateContent"),
        ("/v1beta", "/v1beta"),
        ("/v1betas/models", "/v1betas/models"),
    ],
)
def test_other_bases_people_paste(path: str, wanted: str) -> None:
    assert normalise(path) == wanted


def test_a_name_between_two_segments_takes_one() -> None:
    pattern = _pattern("/v1/responses/{id}/cancel")
    assert pattern.match("/v1/responses/resp_1/cancel")[1] == "resp_1"  # type: ignore[index]
    assert pattern.match("/v1/responses/a/b/cancel") is None
    assert pattern.match("/v1/responses/resp_1/cancel/x") is None


@given(st.text(alphabet="/v1modelsa-", max_size=30) | st.lists(_SEGMENTS).map("/".join).map("/".__add__))
def test_normalising_twice_changes_nothing(path: str) -> None:
    once = normalise(path)
    assert normalise(once) == once
    assert "//" not in once
