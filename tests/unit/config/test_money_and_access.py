"""`[prices]` and `[accounts.oauth]` in the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter.config import load, variable_names
from flowrouter.errors import ConfigError

ACCOUNT = """
[[accounts]]
name = "corp"
preset = "custom-openai"
base_url = "https://llm.example.com/v1"
{more}
[accounts.oauth]
token_url = "{url}"
client_id = "gateway"
refresh_token = "env:CORP_REFRESH"
client_secret = "env:CORP_SECRET"
"""
URL = "https://login.example.com/token"
SET = {"CORP_REFRESH": "canary-refresh", "CORP_SECRET": "canary-secret"}


def written(folder: Path, text: str) -> dict[str, object]:
    file = folder / "config.toml"
    file.write_text(text)
    return {"config": str(file), "data": str(folder)}


def test_secrets_of_the_terms_come_from_variables(tmp_path: Path) -> None:
    config = load(written(tmp_path, ACCOUNT.format(more="", url=URL)), environ=SET)
    oauth = config.accounts[0].oauth
    assert oauth is not None
    assert (oauth.refresh_token, oauth.client_secret) == ("canary-refresh", "canary-secret")
    assert "canary" not in repr(config)


def test_a_variable_that_is_not_set_stops_the_start(tmp_path: Path) -> None:
    flags = written(tmp_path, ACCOUNT.format(more="", url=URL))
    with pytest.raises(ConfigError, match="CORP_REFRESH") as caught:
        load(flags, environ={"CORP_SECRET": "x"})
    assert ":10" in caught.value.message, "the line"
    assert load(flags, environ={}, secrets=False).accounts[0].oauth is None
    off = written(tmp_path, ACCOUNT.format(more="enabled = false", url=URL))
    assert load(off, environ={}).accounts[0].oauth is None


def test_one_credential_is_enough(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="either `api_key` or `oauth`"):
        load(written(tmp_path, ACCOUNT.format(more='api_key = "k"', url=URL)), environ=SET)


@pytest.mark.parametrize("url", ["http://login.example.com/token", "nonsense"])
def test_an_address_for_secrets_is_https(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="token_url"):
        load(written(tmp_path, ACCOUNT.format(more="", url=url)), environ=SET)


def test_prices(tmp_path: Path) -> None:
    text = (
        '[prices."qwen3-*"]\ninput = 0.2\noutput = 1\n\n[prices."custom-openai/*"]\ninput = 0\noutput = 0\n'
    )
    prices = load(written(tmp_path, text), environ={}).prices
    assert (prices["qwen3-*"].input, prices["qwen3-*"].cache_read) == (0.2, None)
    assert not [name for name in variable_names() if name.startswith("prices")], "they need the file"


@pytest.mark.parametrize(
    "price",
    ["input = -1\noutput = 0", "input = 1", "input = 1\noutput = 1\ncached = 1", 'input = "1"\noutput = 1'],
)
def test_prices_that_are_none(tmp_path: Path, price: str) -> None:
    with pytest.raises(ConfigError, match="prices"):
        load(written(tmp_path, f'[prices."m"]\n{price}\n'), environ={})
