"""The address of the store: from file, environment or a reference; never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter import config
from flowrouter.errors import ConfigError

URL = "postgresql://user:pass-word@db.example/flow"


def test_it_comes_from_the_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[store]\nurl = "env:DATABASE_URL"\n')
    assert config.load({"config": str(file)}, environ={"DATABASE_URL": URL}).store.url == URL
    assert config.load({}, environ={"FLOW_ROUTER_STORE_URL": URL}).store.url == URL
    assert not config.load({}, environ={}).store.url
    with pytest.raises(ConfigError, match="DATABASE_URL, which is not set"):
        config.load({"config": str(file)}, environ={})
    assert not config.load({"config": str(file)}, environ={}, secrets=False).store.url


def test_it_is_shown_to_nobody() -> None:
    loaded = config.load({}, environ={"FLOW_ROUTER_STORE_URL": URL})
    assert "pass-word" not in f"{loaded!r} {loaded.store!r}"
    with pytest.raises(ConfigError, match="no address of a PostgreSQL database") as caught:
        config.load({}, environ={"FLOW_ROUTER_STORE_URL": "mysql://user:pass-word@db.example/flow"})
    assert "pass-word" not in str(caught.value)
