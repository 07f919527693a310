"""`[state]`: the address of Redis may come from a variable, and is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter import config
from flowrouter.errors import ConfigError

ADDRESS = "redis://:s3cret-word@127.0.0.1:6379/0"


def test_the_address_may_be_a_variables(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[state]\nredis = "env:REDIS_URL"\nprefix = "x:"\n')
    found = config.load({"config": str(file)}, environ={"REDIS_URL": ADDRESS})
    assert (found.state.redis, found.state.prefix) == (ADDRESS, "x:")
    assert "s3cret" not in repr(found) + repr(found.state)
    with pytest.raises(ConfigError, match="REDIS_URL, which is not set"):
        config.load({"config": str(file)}, environ={})
    assert config.load({"config": str(file)}, environ={}, secrets=False).state.redis == ""


def test_the_gateways_own_variable_sets_it() -> None:
    assert config.load({}, environ={"FLOW_ROUTER_STATE_REDIS": ADDRESS}).state.redis == ADDRESS
    by_name = config.load({}, environ={"FLOW_ROUTER_STATE_REDIS": "env:OTHER", "OTHER": ADDRESS})
    assert by_name.state.redis == ADDRESS
    assert config.load({}, environ={}).state.redis == ""
