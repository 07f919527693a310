from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import get_args

import pytest

from flowrouter import config
from flowrouter.canonical.dialect import DIALECTS
from flowrouter.errors import ConfigError
from flowrouter.settings.routing import Hedging
from flowrouter.strict_toml import TomlError


def written(folder: Path, text: str) -> str:
    path = folder / "config.toml"
    path.write_text(text)
    return str(path)


def load(
    folder: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object
) -> config.Config:
    file = written(folder, text) if text else None
    given = {
        "config": file,
        "data": str(folder / "data"),
        **{k.replace("__", "."): v for k, v in flags.items()},
    }
    return config.load(given, environ=environ or {})


def test_defaults_serve_loopback(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.server.host, found.server.port) == ("127.0.0.1", 2402)
    assert (found.timeouts.connect, found.timeouts.first_byte, found.timeouts.first_byte_plain) == (
        10,
        120,
        600,
    )
    assert (found.timeouts.stall, found.timeouts.head_grace, found.timeouts.heartbeat) == (120, 45, 15)
    assert found.server.body_limit == 64 * 1024 * 1024
    assert found.accounts == ()
    assert found.file is None


def test_file_then_environment_then_flags(tmp_path: Path) -> None:
    text = "[server]\nport = 1\nhost = 'localhost'\n[timeouts]\nstall = 5\n"
    environ = {"FLOW_ROUTER_SERVER_PORT": "2", "FLOW_ROUTER_TIMEOUTS_STALL": "6.5"}
    assert load(tmp_path, text).server.port == 1
    assert load(tmp_path, text, environ).server.port == 2
    found = load(tmp_path, text, environ, server__port=3)
    assert (found.server.port, found.server.host, found.timeouts.stall) == (3, "localhost", 6.5)


def test_a_flag_not_given_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "[server]\nport = 7\n", server__port=None, local__mode=None).server.port == 7


SAMPLES = {
    "admin.require_if_match": "true",
    "backups.scheduled": "false",
    "egress.mode": "accounts",
    "egress.private": "false",
    "egress.pictures": "fetch",
    "server.reload": "signal",
    "metrics.enabled": "false",
    "metrics.public": "true",
    "tracing.enabled": "false",
    "tracing.endpoint": "http://127.0.0.1:4318",
    "tracing.sample": "0.5",
    "tracing.forward": "true",
    "upstream.client": "http1",
    "upstream.proxy": "http://proxy.example:3128",
    "upstream.direct": "a.example,.b.example",
    "recording.mode": "all",
    "recording.max_bytes": "20000",
}


def test_every_setting_with_a_variable_can_be_set_by_it(tmp_path: Path) -> None:
    samples = {
        "reply_model": "asked",
        "local.mode": "on",
        "local.model": "m.gguf",
        "discovery.enabled": "false",
        "logs.level": "debug",
        "logs.format": "json",
        "logs.access": "false",
        **SAMPLES,
        "server.allowed_hosts": "a.example, b.example",
        "server.allowed_origins": "https://a.example",
        "server.host": "::1",
        "server.memory_share": "0.5",
        "models.aliases": "fast=openai/gpt-4.1, slow=o3",
        "data": str(tmp_path / "elsewhere"),
        "store.url": "postgresql://u@db.example/flow",
        "routing.rotation": "weighted",
        "routing.rotations": "openai=round_robin, xai=weighted",
        "routing.disabled_models": "gpt-3*, */o1",
        "routing.completion": "error",
        "routing.failover_on_content_filter": "true",
        "routing.probes": "true",
        "routing.tiers.enabled": "true",
        "routing.tiers.strong_on_code": "false",
        "routing.tiers.strong_on_images": "true",
        "routing.tiers.strong_on_effort": "false",
        "routing.bypass.enabled": "true",
        "routing.bypass.warmup": "false",
        "routing.bypass.count": "false",
        "routing.bypass.title_prefill": "false",
        "routing.bypass.topic": "true",
        "routing.hedging.enabled": "true",
        "routing.hedging.quantile": "0.9",
        "routing.hedging.spend_share": "0.5",
        "routing.affinity.enabled": "false",
        "admin.login": "on",
        "admin.public_url": "https://router.example.com",
        "admin.oidc.issuer": "https://login.example.com",
        "admin.oidc.roles": "ops=operator, root=admin",
        "admin.oidc.emails": "ann@example.com=admin",
        "admin.oidc.algorithms": "ES256, RS256",
    }
    environ = {
        variable: samples.get(key, "17") for key, variable in config.variable_names().items() if key != "data"
    }
    found = load(tmp_path, environ=environ)
    assert found.server.allowed_hosts == ("a.example", "b.example")
    assert found.models.aliases == {"fast": "openai/gpt-4.1", "slow": "o3"}
    assert found.local == config.Local(mode="on", model="m.gguf", idle_minutes=17)
    assert found.logs == config.Logs(level="debug", format="json", access=False)
    assert found.routing.rotation == "weighted"
    assert found.routing.rotations == {"openai": "round_robin", "xai": "weighted"}
    assert found.routing.disabled_models == ("gpt-3*", "*/o1")
    assert found.routing.tiers.cheap == ("17",)
    assert found.routing.tiers.enabled
    assert found.routing.hedging == Hedging(enabled=True, quantile=0.9, min_wait=17, spend_share=0.5)
    assert found.timeouts == config.Timeouts(**dict.fromkeys(config.Timeouts.__struct_fields__, 17.0))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[server]\nprot = 1\n", ["config.toml:2", "server.prot", "did you mean `port`"]),
        ("[sever]\nport = 1\n", ["config.toml:1", "sever", "did you mean `server`"]),
        ("[server]\nport = 'x'\n", ["config.toml:2", "server.port", "int"]),
        ("[server]\nport = 70000\n", ["config.toml:2", "server.port"]),
        ("[timeouts]\nstall = 0\n", ["config.toml:2", "timeouts.stall"]),
        ("[logs]\nlevel = 'loud'\n", ["config.toml:2", "loud"]),
        ("\n\n[[accounts]]\nname = 'a'\npreset = 'openai'\napi_kye = 'x'\n", ["config.toml:6", "api_key"]),
        ("[[accounts]]\nname = 'a b'\npreset = 'openai'\n", ["config.toml", "no account name"]),
        ("[[accounts]]\nname = 'a'\n", ["config.toml:1", "preset"]),
        ("[[accounts]]\nname = 'a'\npreset = 'p'\ndialects = ['openai']\n", ["config.toml:4", "openai_chat"]),
        ("[server]\nallowed_origins = ['example.com']\n", ["config.toml", "https://app.example.com"]),
        ("master_key = 'x'\n", ["config.toml:1", "master_key"]),
        ("[server\n", ["config.toml:1", "TOML"]),
    ],
)
def test_mistakes_name_file_line_and_fix(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(TomlError) as caught:
        load(tmp_path, text)
    for part in parts:
        assert part in str(caught.value)


def test_two_accounts_of_one_name_are_refused_at_the_second(tmp_path: Path) -> None:
    account = "[[accounts]]\nname = 'a'\npreset = 'openai'\n"
    with pytest.raises(TomlError, match=r"config\.toml:5.*second account"):
        load(tmp_path, account + account)


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        ({"FLOW_ROUTER_SERVR_PORT": "1"}, ["FLOW_ROUTER_SERVR_PORT", "did you mean FLOW_ROUTER_SERVER_PORT"]),
        ({"FLOW_ROUTER_SERVER_PORT": "x"}, ["FLOW_ROUTER_SERVER_PORT", "int"]),
        ({"FLOW_ROUTER_ACCOUNTS": "[]"}, ["FLOW_ROUTER_ACCOUNTS"]),
        ({"FLOW_ROUTER_MODELS_ALIASES": "fast"}, ["FLOW_ROUTER_MODELS_ALIASES", "name=value"]),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(
    tmp_path: Path, environ: dict[str, str], parts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ=environ)
    for part in parts:
        assert part in str(caught.value)


def test_a_wrong_flag_names_the_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--port cannot be 70000"):
        load(tmp_path, server__port=70000)


def test_service_variables_of_an_orchestrator_are_not_ours(tmp_path: Path) -> None:
    environ = {
        "FLOW_ROUTER_PORT": "tcp://10.0.0.1:2402",
        "FLOW_ROUTER_PORT_2402_TCP_ADDR": "10.0.0.1",
        "FLOW_ROUTER_SERVICE_HOST": "10.0.0.1",
        "FLOW_ROUTER_SERVICE_PORT_HTTP": "2402",
    }
    assert load(tmp_path, environ=environ).server.port == 2402


def test_a_variable_holds_the_key_of_an_account(tmp_path: Path) -> None:
    text = (
        "[[accounts]]\nname = 'a'\npreset = 'openai'\napi_key = 'env:A_KEY'\n"
        "headers = { x-team = 'env:TEAM', x-plain = 'p' }\n"
    )
    (account,) = load(tmp_path, text, {"A_KEY": "sk-1", "TEAM": "blue"}).accounts
    assert account.api_key == "sk-1"
    assert account.headers == {"x-team": "blue", "x-plain": "p"}
    with pytest.raises(TomlError, match=r"config\.toml:4.*A_KEY"):
        load(tmp_path, text, {"TEAM": "blue"})
    with pytest.raises(TomlError, match=r"config\.toml:5.*TEAM"):
        load(tmp_path, text, {"A_KEY": "sk-1"})


def test_a_missing_key_matters_only_where_it_is_used(tmp_path: Path) -> None:
    text = "[[accounts]]\nname = 'a'\npreset = 'openai'\napi_key = 'env:A_KEY'\n"
    assert load(tmp_path, text + "enabled = false\n").accounts[0].api_key is None
    file = written(tmp_path, text)
    lenient = config.load({"config": file, "data": str(tmp_path)}, environ={}, secrets=False)
    assert lenient.accounts[0].api_key is None


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    text = (
        "[[accounts]]\nname = 'a'\npreset = 'openai'\napi_key = 'sk-canary'\nheaders = { x-k = 'canary2' }\n"
    )
    found = load(tmp_path, text, {"FLOW_ROUTER_MASTER_KEY": "canary3"})
    assert found.master_key == "canary3"
    assert "canary" not in repr(found)
    assert "canary" not in repr(found.accounts[0])


def test_the_data_folder_holds_the_usual_file(tmp_path: Path) -> None:
    written(tmp_path, "[server]\nport = 9\n")
    assert config.load({"data": str(tmp_path)}, environ={}).server.port == 9
    assert config.load({}, environ={"FLOW_ROUTER_DATA": str(tmp_path)}).server.port == 9


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration file .*nope\.toml"):
        config.load({"config": str(tmp_path / "nope.toml")}, environ={})
    with pytest.raises(ConfigError, match=r"nope\.toml"):
        config.load({}, environ={"FLOW_ROUTER_CONFIG": str(tmp_path / "nope.toml")})


def test_a_data_folder_in_the_file_is_relative_to_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "data = 'here'\n")
    assert config.load({"config": file}, environ={}).data == str(tmp_path / "here")
    assert config.load({"config": file, "data": "/other"}, environ={}).data == "/other"


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_the_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = config.prepare_data_dir(load(tmp_path, data=str(tmp_path / "a" / "b")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--data DIR"):
        config.prepare_data_dir(load(tmp_path, data=str(tmp_path / "file" / "data")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST."])
def test_loopback_needs_no_protection(tmp_path: Path, host: str) -> None:
    config.check_bind(load(tmp_path, server__host=host), has_keys=False)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "router.example.com", "localhost.example.com"]
)
def test_beyond_loopback_needs_a_key(tmp_path: Path, host: str) -> None:
    found = load(tmp_path, server__host=host)
    with pytest.raises(ConfigError, match="flow-router keys create NAME"):
        config.check_bind(found, has_keys=False)
    config.check_bind(found, has_keys=True)


def test_dialect_names_are_the_hubs_own() -> None:
    assert get_args(config.DialectName) == DIALECTS


def test_only_what_is_set_is_taken_from_the_environment() -> None:
    assert config.environment(["A", "B", "C"], environ={"A": "1", "B": ""}) == {"A": "1"}
