"""The list of models in both shapes, and Anthropic's paging in both directions."""

from __future__ import annotations

from typing import Any

import anthropic.types
import openai.types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.api.models import answer, described, entries, listing, single
from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import CallerError
from flowrouter.gateway.world import World
from flowrouter.providers import catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.routing import AccountFacts, Facts
from flowrouter.wire import json


def account(name: str, *models: str, **fields: Any) -> AccountFacts:
    defaults: dict[str, Any] = {"preset": "openrouter", "owner_id": "local", "dialects": ("openai_chat",)}
    return AccountFacts(id=name, name=name, models=models or None, **(defaults | fields))


def world(*accounts: AccountFacts, aliases: dict[str, str] | None = None, **fields: Any) -> World:
    return World(facts=Facts(accounts=accounts, aliases=aliases or {}), **fields)


DETAIL = ListedModel(
    id="gpt-5", display_name="GPT-5", created=1_750_000_000, context_window=400_000, max_output=128_000
)
WORLD = world(
    account("work", "gpt-5", "openai/gpt-oss-120b"),
    account("home", "gpt-5", "claude-x"),
    account("globs", patterns=("mistral-large", "qwen*", "*")),
    account("off", "hidden", enabled=False),
    account("broken", "hidden", problem="no key"),
    account("mute", "hidden", dialects=()),
    aliases={"fast": "gpt-5", "claude-x": "gpt-5", "loop": "loop", "nested": "fast"},
    listed={"work": (DETAIL,)},
)


def test_openai_shape() -> None:
    page = listing(WORLD, "openai_chat", {"limit": "1", "after_id": "nonsense"})
    assert page["object"] == "list"
    for row in page["data"]:
        openai.types.Model.model_validate(row, strict=True)
    rows = {row["id"]: row for row in page["data"]}
    assert rows["gpt-5"] == {
        "id": "gpt-5",
        "object": "model",
        "created": 1_750_000_000,
        "owned_by": "openrouter",
    }
    assert rows["claude-x"]["created"] == 0


def test_anthropic_shape() -> None:
    page = listing(WORLD, "anthropic", {})
    rows = {row["id"]: row for row in page["data"]}
    for row in page["data"]:
        anthropic.types.ModelInfo.model_validate(row)
    assert rows["gpt-5"] == {
        "type": "model",
        "id": "gpt-5",
        "display_name": "GPT-5",
        "created_at": "2025-06-15T15:06:40Z",
        "lifecycle": "active",
        "max_input_tokens": 400_000,
        "max_tokens": 128_000,
    }
    assert rows["claude-x"]["created_at"] == "1970-01-01T00:00:00Z"
    assert "max_tokens" not in rows["claude-x"]


def test_gemini_shape() -> None:
    page = listing(WORLD, "gemini", {})
    rows = {row["name"]: row for row in page["models"]}
    assert "nextPageToken" not in page
    assert rows["models/gpt-5"] == {
        "name": "models/gpt-5",
        "version": "",
        "displayName": "GPT-5",
        "description": "through the gateway: openrouter",
        "inputTokenLimit": 400_000,
        "outputTokenLimit": 128_000,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }
    assert "inputTokenLimit" not in rows["models/claude-x"]
    embeds = listing(
        world(account("a", "e"), listed={"a": (ListedModel(id="e", generates=False),)}), "gemini", {}
    )
    assert embeds["models"][0]["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents"]


def test_codex_shape() -> None:
    body, headers = answer(WORLD, "openai_chat", {"client_version": "0.169.0"})
    rows = json.loads(body)["models"]
    assert [row["slug"] for row in rows] == [entry.id for entry in entries(WORLD)]
    assert [row["priority"] for row in rows] == list(range(len(rows)))
    wanted = {
        "slug", "display_name", "description", "supported_reasoning_levels", "shell_type", "visibility",
        "supported_in_api", "priority", "availability_nux", "upgrade", "base_instructions",
        "supports_reasoning_summaries", "support_verbosity", "default_verbosity", "apply_patch_tool_type",
        "truncation_policy", "supports_parallel_tool_calls", "experimental_supported_tools",
    }  # fmt: skip
    for row in rows:
        assert wanted <= row.keys(), "its client refuses a list in which one of these is missing"
        assert row["base_instructions"]
    assert next(row for row in rows if row["slug"] == "gpt-5")["context_window"] == 400_000
    assert "context_window" not in next(row for row in rows if row["slug"] == "claude-x")
    assert headers[0][0] == b"etag"
    assert answer(WORLD, "openai_chat", {"client_version": "1"})[1] == headers, "the same list, the same tag"
    assert answer(WORLD, "openai_chat", {}) == (json.dumps(listing(WORLD, "openai_chat", {})), [])


def test_levels_of_reasoning_are_offered_where_a_model_reasons() -> None:
    rows = known("gpt-5.4", "gpt-4.1")
    offered = {row["slug"]: [level["effort"] for level in row["supported_reasoning_levels"]] for row in rows}
    assert "medium" in offered["gpt-5.4"]
    assert offered["gpt-4.1"] == []
    by_name = {row["slug"]: row for row in rows}
    assert by_name["gpt-5.4"]["default_reasoning_level"] == "medium"
    assert "default_reasoning_level" not in by_name["gpt-4.1"]


def known(*names: str) -> Any:
    """Return Codex's rows for models of a preset that is really there."""
    preset = catalog.packaged().find("openai")
    assert preset is not None
    body, _ = answer(
        world(account("a", *names), presets={"a": preset}), "openai_responses", {"client_version": "1"}
    )
    return json.loads(body)["models"]


def test_descriptions_join_the_list_with_what_is_known() -> None:
    preset = catalog.packaged().find("openrouter")
    assert preset is not None
    rows = described(world(account("a", "claude-opus-5"), presets={"a": preset}))["data"]
    assert rows[0]["id"] == "claude-opus-5"
    assert rows[0]["capabilities"]["reasoning"] is True
    bare = described(WORLD)["data"]
    assert next(row for row in bare if row["id"] == "gpt-5")["context_window"] == 400_000
    assert all(row["capabilities"] is None for row in bare)


def test_names_that_lead_somewhere_and_no_pattern() -> None:
    names = [entry.id for entry in entries(WORLD)]
    assert names == ["claude-x", "fast", "gpt-5", "loop", "mistral-large", "nested", "openai/gpt-oss-120b"]
    lonely = world(account("work", "gpt-5"), aliases={"fast": "gone", "a": "b", "b": "a", "ok": "work/new"})
    assert [entry.id for entry in entries(lonely)] == ["gpt-5", "ok"]


def test_a_name_of_two_accounts_is_one_entry() -> None:
    (entry,) = [entry for entry in entries(WORLD) if entry.id == "gpt-5"]
    assert entry.accounts == ("work", "home")


def test_empty_list() -> None:
    assert listing(world(), "openai_chat", {}) == {"object": "list", "data": []}
    assert listing(world(), "anthropic", {}) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
def test_single(dialect: Any) -> None:
    assert single(WORLD, dialect, "openai/gpt-oss-120b")["id"] == "openai/gpt-oss-120b"
    assert single(WORLD, dialect, "fast")["id"] == "fast"
    for unknown in ("nothing", "hidden", "qwen*", "*", "", "x" * 100_000):
        with pytest.raises(CallerError) as caught:
            single(WORLD, dialect, unknown)
        assert (caught.value.status, caught.value.code) == (404, "model_not_found")
        assert len(caught.value.message) < 400


LETTERS = world(account("a", *"abcdefghij"))


def page(**query: str) -> tuple[str, bool]:
    found = listing(LETTERS, "anthropic", query)
    names = "".join(row["id"] for row in found["data"])
    assert (found["first_id"], found["last_id"]) == ((names[0], names[-1]) if names else (None, None))
    return names, found["has_more"]


@pytest.mark.parametrize(
    "query, names, more",
    [
        ({}, "abcdefghij", False),
        ({"limit": "3"}, "abc", True),
        ({"limit": "10"}, "abcdefghij", False),
        ({"limit": "1000"}, "abcdefghij", False),
        ({"limit": "3", "after_id": "c"}, "def", True),
        ({"limit": "3", "after_id": "g"}, "hij", False),
        ({"limit": "3", "after_id": "h"}, "ij", False),
        ({"limit": "3", "after_id": "j"}, "", False),
        ({"after_id": "c"}, "defghij", False),
        ({"limit": "3", "before_id": "h"}, "efg", True),
        ({"limit": "3", "before_id": "d"}, "abc", False),
        ({"limit": "3", "before_id": "c"}, "ab", False),
        ({"limit": "3", "before_id": "a"}, "", False),
        ({"before_id": "d"}, "abc", False),
    ],
)
def test_paging(query: dict[str, str], names: str, more: bool) -> None:
    assert page(**query) == (names, more)


@given(st.integers(1, 12))
def test_pages_cover_the_list_once_in_either_direction(limit: int) -> None:
    forward, more, cursor = "", True, {}
    while more:
        names, more = page(limit=str(limit), **cursor)
        forward += names
        cursor = {"after_id": names[-1]}
    assert forward == "abcdefghij"
    backward, more, cursor = "j", True, {"before_id": "j"}
    while more:
        names, more = page(limit=str(limit), **cursor)
        backward = names + backward
        cursor = {"before_id": names[0]}
    assert backward == "abcdefghij"


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "", "1.5", "²", "１", "9" * 5_000, " 5"])
def test_bad_limits(limit: str) -> None:
    with pytest.raises(CallerError) as caught:
        page(limit=limit)
    assert (caught.value.status, caught.value.param) == (400, "limit")


@pytest.mark.parametrize("param", ["after_id", "before_id"])
def test_unknown_cursors(param: str) -> None:
    with pytest.raises(CallerError) as caught:
        page(**{param: "zzz"})
    assert (caught.value.status, caught.value.param) == (400, param)


def gemini_page(**query: str) -> tuple[str, str | None]:
    found = listing(LETTERS, "gemini", query)
    return "".join(row["name"].removeprefix("models/") for row in found["models"]), found.get("nextPageToken")


@pytest.mark.parametrize("size", ["1", "3", "10", "11", "5000", "0"])
def test_googles_pages_cover_the_list_once(size: str) -> None:
    names, token = gemini_page(pageSize=size)
    while token:
        more, token = gemini_page(pageSize=size, pageToken=token)
        assert more
        names += more
    assert names == "abcdefghij"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"pageSize": "-1"}, "pageSize"),
        ({"pageSize": "ten"}, "pageSize"),
        ({"pageSize": "9" * 5000}, "pageSize"),
        ({"pageToken": "enp6"}, "pageToken"),
        ({"pageToken": "a"}, "pageToken"),
        ({"pageToken": "/w=="}, "pageToken"),
        ({"pageToken": "é"}, "pageToken"),
    ],
    ids=["negative", "word", "huge", "gone", "cut", "no text", "no base64"],
)
def test_pages_that_are_none(query: dict[str, str], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        gemini_page(**query)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
def test_a_longer_name_that_leads_to_an_account_is_a_model_too(dialect: Any) -> None:
    assert single(WORLD, dialect, "work/gpt-5")["id"] == "work/gpt-5"


def test_claude_code_is_shown_names_that_it_does_not_hide() -> None:
    agent = "claude-code/2.1.197"
    body, headers = answer(WORLD, "anthropic", {"limit": "1000"}, agent=agent)
    page = json.loads(body)
    names = [row["id"] for row in page["data"]]
    assert names == sorted(names)
    assert {"claude-x", "claude-code/gpt-5", "claude-code/fast"} <= set(names)
    assert all(name.startswith("claude") for name in names)
    assert headers == []
    assert [row["display_name"] for row in page["data"] if row["id"] == "claude-code/gpt-5"] == ["GPT-5"]
    assert single(WORLD, "anthropic", "claude-code/gpt-5")["id"] == "claude-code/gpt-5"


@pytest.mark.parametrize(
    ("dialect", "agent"),
    [("anthropic", "Anthropic/Python 2.12.0"), ("openai_chat", "claude-code/2.1.197")],
    ids=["another-program", "another-list"],
)
def test_others_are_shown_the_plain_names(dialect: Dialect, agent: str) -> None:
    names = [row["id"] for row in json.loads(answer(WORLD, dialect, {}, agent=agent)[0])["data"]]
    assert "gpt-5" in names
    assert not any(name.startswith("claude-code/") for name in names)
