"""What is found becomes a disabled account: which variables count, who answers on a port, what hides a find."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowrouter import app, config
from flowrouter.accounts.account import Account, Secret
from flowrouter.errors import ConfigError
from flowrouter.features.discovery import servers, variables
from flowrouter.features.discovery.finder import FEATURE, Finder
from flowrouter.gateway.adoption import dismiss, draft_of
from flowrouter.gateway.no_answer import no_such_model
from flowrouter.providers.catalog import Catalog, packaged
from flowrouter.providers.preset import DialectUrls
from flowrouter.routing import build_plan

KEY = "sk-canary-0123456789abcdef"


def found_in(environ: dict[str, str]) -> dict[str, str]:
    return {finding.preset: finding.found_in for finding in variables.look(packaged(), environ=environ)}


def test_usual_variables_are_found() -> None:
    environ = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "PATH": "/bin", "SOME_API_KEY": KEY}
    assert found_in(environ) == {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


@pytest.mark.parametrize("value", ["", "x", "dummy", "not a key at all", "flr_" + "0" * 72, "   "])
def test_placeholders_and_our_own_keys_are_no_keys(value: str) -> None:
    assert found_in({"OPENAI_API_KEY": value}) == {}


def test_a_key_that_belongs_elsewhere_is_left_alone() -> None:
    for elsewhere in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        assert found_in({"OPENAI_API_KEY": KEY, elsewhere: "http://127.0.0.1:2402/v1"}) == {}
    own = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://api.openai.com/v1"}
    assert found_in(own) == {"openai": "OPENAI_API_KEY"}


def test_a_key_of_a_local_server_tells_nothing_of_a_server() -> None:
    assert found_in({"OLLAMA_API_KEY": KEY, "VLLM_API_KEY": KEY}) == {}


@contextlib.asynccontextmanager
async def server(
    answers: dict[str, Any], *, status: str = "200 OK", silent: bool = False
) -> AsyncIterator[int]:
    """Serve JSON by path on a port of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            if silent:
                await reader.read()
            line = status if path in answers else "404 Not Found"
            body = json.dumps(answers.get(path, {})).encode()
            writer.write(f"HTTP/1.0 {line}\r\ncontent-type: application/json\r\n\r\n".encode() + body)
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def at(preset: str, port: int) -> Catalog:
    """Return a catalogue in which `preset` lives on `port`."""
    urls = DialectUrls(openai_chat=f"http://127.0.0.1:{port}/v1")
    return Catalog([msgspec.structs.replace(packaged().get(preset), dialects=urls)])


LISTS: dict[str, dict[str, Any]] = {
    "ollama": {"/api/version": {"version": "0.14.0"}},
    "lmstudio": {"/api/v0/models": {"object": "list", "data": []}},
    "llamacpp": {"/v1/models": {"data": [{"id": "m", "owned_by": "llamacpp"}]}},
    "vllm": {"/v1/models": {"data": [{"id": "m", "owned_by": "vllm"}]}},
}


@pytest.mark.parametrize("preset", sorted(servers.SIGNS))
async def test_servers_are_known_by_their_own_words(preset: str) -> None:
    for speaker, answers in LISTS.items():
        async with server(answers) as port:
            found = await servers.look(at(preset, port))
            assert [finding.preset for finding in found] == ([preset] if speaker == preset else []), speaker
            if found:
                assert found[0].found_in == f"127.0.0.1:{port}"


def test_every_server_with_a_sign_has_a_preset_on_this_machine() -> None:
    ports = {preset.id: servers._address(preset) for preset in packaged() if preset.id in servers.SIGNS}
    assert ports == {
        "llamacpp": ("127.0.0.1", 8080),
        "lmstudio": ("127.0.0.1", 1234),
        "ollama": ("127.0.0.1", 11434),
        "vllm": ("127.0.0.1", 8000),
    }


async def test_what_is_not_on_this_machine_is_not_asked() -> None:
    urls = DialectUrls(openai_chat="http://192.0.2.1:11434/v1")
    preset = msgspec.structs.replace(packaged().get("ollama"), dialects=urls)
    assert await servers.look(Catalog([preset])) == []


@pytest.mark.parametrize("body", [[], "text", None, {"data": None}, {"data": ["x"]}, {"version": 1}])
async def test_any_other_answer_is_somebody_else(body: Any) -> None:
    for preset, answers in LISTS.items():
        async with server(dict.fromkeys(answers, body)) as port:
            if not (preset == "lmstudio" and isinstance(body, dict) and isinstance(body.get("data"), list)):
                assert await servers.look(at(preset, port)) == [], preset
    async with server(LISTS["ollama"], status="401 Unauthorized") as port:
        assert await servers.look(at("ollama", port)) == []


async def test_a_port_that_says_nothing_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.1)
    async with server(LISTS["ollama"], silent=True) as port:
        assert await servers.look(at("ollama", port)) == []
    assert await servers.look(at("ollama", port)) == [], "and now nobody listens"


class Program:
    """An application on a store of its own, in an environment of the test's making."""

    def __init__(self, folder: Path, **settings: object) -> None:
        given = {name.replace("__", "."): value for name, value in settings.items()}
        self.app = app.build(config.load({"data": str(folder), "local.mode": "off", **given}, environ={}))

    @property
    def found(self) -> dict[str, Account]:
        world = self.app.configuration.world
        return {account.name: account for account in world.accounts.values() if account.source == "found"}

    def store(self, **account: Any) -> None:
        from flowrouter.gateway.ports import AccountDraft

        self.app.management.accounts.create(AccountDraft(**account), owner_id="local")
        asyncio.run(self.app.reload())


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_a_find_waits_disabled_and_without_its_secret(keys: None, tmp_path: Path) -> None:
    program = Program(tmp_path)
    (found,) = program.found.values()
    assert (found.name, found.preset, found.found_in) == ("openai", "openai", "OPENAI_API_KEY")
    assert not found.enabled
    assert found.api_key is None
    program.app.close_store()


def test_it_can_be_switched_off(keys: None, tmp_path: Path) -> None:
    program = Program(tmp_path, discovery__enabled=False)
    assert program.found == {}
    assert FEATURE not in program.app.features


def test_an_account_of_the_provider_or_with_the_key_hides_the_find(keys: None, tmp_path: Path) -> None:
    for number, account in enumerate(
        (
            {"name": "work", "preset": "openai", "api_key": "sk-another-key-of-it"},
            {"name": "x", "preset": "custom-openai", "base_url": "https://x.example/v1", "api_key": KEY},
        )
    ):
        program = Program(tmp_path / str(number))
        assert program.found
        program.store(**account)
        assert program.found == {}
        program.app.close_store()


def test_a_name_that_is_taken_is_numbered(keys: None, tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.store(name="openai", preset="groq", api_key="gsk-another")
    assert list(program.found) == ["openai-2"]
    program.app.close_store()


async def test_a_server_is_found_while_serving_and_hidden_by_any_account_that_leads_there(
    tmp_path: Path,
) -> None:
    program = Program(tmp_path)
    async with server(LISTS["ollama"]) as port:
        finder = Finder(at("ollama", port), program.app.configuration)
        await finder.looked(0.01)
        assert program.found == {}
        await finder.look()
        await finder.looked(20)
        assert program.found["ollama"].found_in == f"127.0.0.1:{port}"
        elsewhere = Account(
            id="a", name="a", preset="custom-openai", owner_id="local", base_url=f"http://localhost:{port}/v1"
        )
        assert finder.candidates([elsewhere]) == []
    await finder.look()
    assert program.found == {}, "it does not answer any more"


def test_dismissed_it_is_not_shown_but_can_still_be_taken_up(keys: None, tmp_path: Path) -> None:
    program = Program(tmp_path)
    dismiss(program.found["openai"], program.app.management.settings)
    asyncio.run(program.app.reload())
    assert program.found == {}
    finder: Finder = program.app.features[FEATURE]
    assert [account.name for account in finder.candidates([])] == ["openai"]
    program.app.close_store()


def test_adopting_reads_the_key_then_and_there(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = packaged().get("openai")
    found = Account(
        id="f", name="openai", preset="openai", owner_id="local", source="found", found_in="OPENAI_API_KEY"
    )
    draft = draft_of(found, preset)
    assert (draft.name, draft.preset, draft.api_key) == ("openai", "openai", KEY)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set here"):
        draft_of(found, preset)


def test_a_server_is_adopted_with_the_key_of_its_variable_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Account(
        id="f", name="vllm", preset="vllm", owner_id="local", source="found", found_in="127.0.0.1:8000"
    )
    assert draft_of(found, packaged().get("vllm")).api_key is None
    monkeypatch.setenv("VLLM_API_KEY", f"{KEY}\n")
    assert draft_of(found, packaged().get("vllm")).api_key == KEY


def test_secrets_are_compared_not_kept(keys: None, tmp_path: Path) -> None:
    program = Program(tmp_path)
    finder: Finder = program.app.features[FEATURE]
    held = [value for value in vars(finder).values() if KEY in repr(value) or value == Secret(KEY)]
    assert held == []
    program.app.close_store()


def test_a_model_that_nobody_answers_for_is_refused_with_the_find(keys: None, tmp_path: Path) -> None:
    program = Program(tmp_path)
    world = program.app.configuration.world
    refused = no_such_model(build_plan(world.facts, "gpt-4.1", dialect="openai_chat"), world)
    assert refused.status == 404
    assert "flow-router providers adopt openai" in refused.message
    program.app.close_store()
