"""Tags of accounts: their own, those of their preset, and when an account is local."""

from __future__ import annotations

import pytest

from flowrouter.accounts.account import Account
from flowrouter.accounts.tags import is_home, tags_of
from flowrouter.providers.catalog import packaged


def tags(preset: str, base_url: str | None = None, *own: str) -> set[str]:
    account = Account(id="a", name="a", preset=preset, owner_id="local", base_url=base_url, tags=own)
    return set(tags_of(account, packaged().find(preset)))


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("ollama", {"local", "tier:cheap"}),
        ("llamacpp", {"local", "tier:cheap"}),
        ("local", {"local", "tier:cheap"}),
        ("vllm", {"local"}),
        ("anthropic", {"tier:standard", "tier:strong"}),
        ("openai", {"tier:standard"}),
        ("gemini", {"tier:standard"}),
        ("custom-openai", set()),
        ("no-such-preset", set()),
    ],
)
def test_presets_tag_their_accounts(preset: str, expected: set[str]) -> None:
    assert tags(preset) == expected


def test_tags_of_its_own_are_added_and_tiers_of_its_own_replace() -> None:
    assert tags("ollama", None, "lab") == {"local", "tier:cheap", "lab"}
    assert tags("anthropic", None, "tier:cheap", "paid") == {"tier:cheap", "paid"}


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost:1/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://192.168.1.20:1234/v1", True),
        ("http://[fd00::1]/v1", True),
        ("https://ollama.com/v1", False),
        ("http://workshop:11434/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://localhost.example.com/v1", False),
        ("", False),
    ],
)
def test_a_server_elsewhere_is_not_local(url: str, home: bool) -> None:
    assert is_home(url) is home
    if url:
        assert ("local" in tags("ollama", url)) is home
        assert "local" in tags("ollama", url, "local"), "who knows better says so"
