"""Live model lists in every shape hosts use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.providers import listing
from flowrouter.providers.listing import ListedModel, ListingError, parse
from flowrouter.wire import json


def read(shape: Any, document: Any) -> listing.ListingPage:
    return parse(shape, json.dumps(document))


def test_openai() -> None:
    page = read(
        "openai", {"object": "list", "data": [{"id": "gpt-5.4", "created": 1772000000, "owned_by": "o"}]}
    )
    assert page == listing.ListingPage(models=(ListedModel(id="gpt-5.4", created=1772000000),))


def test_bare_array_under_either_name() -> None:
    rows = [{"id": "meta/llama", "display_name": "Llama", "context_length": 131072, "created": 0}]
    expected = (ListedModel(id="meta/llama", display_name="Llama", context_window=131072),)
    assert read("array", rows).models == expected
    assert read("openai", rows).models == expected
    assert read("array", {"data": rows}).models == expected


@pytest.mark.parametrize(
    ("row", "window", "cap"),
    [
        ({"context_window": 131072, "max_completion_tokens": 65536}, 131072, 65536),
        ({"max_context_length": 32768}, 32768, None),
        ({"max_model_len": 8192}, 8192, None),
        ({"context_length": 200000, "top_provider": {"max_completion_tokens": 4096}}, 200000, 4096),
        ({"context_length": "many", "max_tokens": True, "top_provider": []}, None, None),
        ({"context_length": -1, "max_tokens": 0}, None, None),
    ],
)
def test_limits_by_any_name(row: dict[str, Any], window: int | None, cap: int | None) -> None:
    (model,) = read("openai", {"data": [{"id": "m", **row}]}).models
    assert (model.context_window, model.max_output) == (window, cap)


def test_anthropic_pages() -> None:
    rows = [
        {
            "type": "model", "id": "claude-opus-5", "display_name": "Claude Opus 5",
            "created_at": "2026-07-24T00:00:00Z", "max_input_tokens": 1000000, "max_tokens": 128000,
        }
    ]  # fmt: skip
    page = read("anthropic", {"data": rows, "has_more": True, "first_id": "a", "last_id": "claude-opus-5"})
    assert page.models == (
        ListedModel(
            id="claude-opus-5",
            display_name="Claude Opus 5",
            created=1784851200,
            context_window=1_000_000,
            max_output=128_000,
        ),
    )
    assert page.next_page == (("after_id", "claude-opus-5"),)
    assert read("anthropic", {"data": [], "has_more": False, "last_id": "x"}).next_page == ()
    assert read("anthropic", {"data": [], "has_more": True, "last_id": None}).next_page == ()


def test_gemini_pages_with_what_generates_before_what_embeds() -> None:
    rows = [
        {
            "name": "models/gemini-3-flash", "displayName": "Gemini 3 Flash", "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536, "supportedGenerationMethods": ["generateContent", "countTokens"],
        },
        {"name": "models/embedding", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/painter", "supportedGenerationMethods": ["predict"]},
        {"name": "models/unsaid"},
    ]  # fmt: skip
    page = read("gemini", {"models": rows, "nextPageToken": "t"})
    assert [model.id for model in page.models] == ["gemini-3-flash", "unsaid", "embedding"]
    assert [model.generates for model in page.models] == [True, True, False]
    assert page.models[0].display_name == "Gemini 3 Flash"
    assert (page.models[0].context_window, page.models[0].max_output) == (1048576, 65536)
    assert page.next_page == (("pageToken", "t"),)


def test_ollama_tags() -> None:
    page = read("ollama", {"models": [{"name": "llama3.2:3b", "model": "llama3.2:3b", "details": {}}]})
    assert page.models == (ListedModel(id="llama3.2:3b"),)


def test_junk_rows_are_skipped_and_ids_stand_once() -> None:
    rows = [
        None,
        3,
        "x",
        [],
        {},
        {"id": ""},
        {"id": 5},
        {"id": "a"},
        {"id": "a", "created": 5},
        {"id": " b "},
    ]
    assert [model.id for model in read("openai", {"data": rows}).models] == ["a", "b"]


@pytest.mark.parametrize("created", ["soon", "", True, -5, 1e300, [], "9999-99-99"])
def test_a_senseless_date_is_no_date(created: Any) -> None:
    (model,) = read("openai", {"data": [{"id": "m", "created": created}]}).models
    assert model.created is None


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("openai", b"<html>"),
        ("openai", b""),
        ("openai", b'{"error":{"message":"no"}}'),
        ("openai", b'{"data":{}}'),
        ("openai", b"5"),
        ("anthropic", b"[]"),
        ("gemini", b'{"data":[]}'),
        ("ollama", b"null"),
        ("none", b"[]"),
    ],
)
def test_a_wrong_envelope_is_an_error(shape: Any, body: bytes) -> None:
    with pytest.raises(ListingError) as caught:
        parse(shape, body)
    assert caught.value.kind == "protocol"


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "name", "data", "models", "created", "created_at", "top_provider", "context_length",
                         "supportedGenerationMethods", "last_id", "has_more", "nextPageToken"]), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from(["openai", "array", "anthropic", "gemini", "ollama"]), _json)
def test_any_json_is_read_or_refused(shape: Any, document: Any) -> None:
    try:
        page = read(shape, document)
    except ListingError:
        return
    assert all(model.id for model in page.models)
