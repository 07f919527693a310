"""A fault in the middle, or a mistake anywhere in the file, leaves the old state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.errors import StorageError
from flowrouter.storage.combos import StoredCombos
from flowrouter.storage.keys import StoredKeys
from flowrouter.storage.settings import SettingsStore
from flowrouter.storage.users import StoredUsers
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.declaring import (
    TEXT,
    put,
    refused,
    whole,
)


@pytest.fixture
def api(gateway: Gateway) -> Iterator[TestClient]:
    with gateway.client(BEARER) as client:
        yield client


class TestFaults:
    PLACES: tuple[tuple[type, str], ...] = (
        (StoredCombos, "create"),
        (StoredKeys, "create"),
        (StoredKeys, "adopt"),
        (StoredUsers, "create"),
        (SettingsStore, "patch"),
    )

    @pytest.mark.parametrize(
        ("kind", "method"), PLACES, ids=[f"{kind.__name__}.{method}" for kind, method in PLACES]
    )
    def test_in_the_middle_leave_the_old_state(
        self, gateway: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch, kind: type, method: str
    ) -> None:
        before, version = whole(gateway), gateway.source.version()
        real: Callable[..., Any] = getattr(kind, method)

        def fails(*given: Any, **named: Any) -> Any:
            real(*given, **named)
            raise StorageError("the disk is full")

        monkeypatch.setattr(kind, method, fails)
        status, _ = refused(api, TEXT)
        assert status == 503
        assert whole(gateway) == before
        assert gateway.source.version() == version
        monkeypatch.undo()
        assert put(api)["added"] == 13

    MISTAKES: tuple[tuple[str, str, str], ...] = (
        ("toml", "[[accounts]\n", "gateway.toml:1"),
        ("unknown key", TEXT + "\n[routes]\n", "routes"),
        ("wrong value", TEXT.replace("attempts = 5", "attempts = 0"), "gateway.toml:16"),
        ("unknown preset", TEXT.replace('"openai"\napi_key', '"opnai"\napi_key'), "did you mean"),
        ("no variable", TEXT.replace("env:MAIN_KEY", "env:NOT_THERE"), "NOT_THERE"),
        ("no file", TEXT.replace("file:secrets/team", "file:secrets/none"), "secrets/none"),
        ("two of one name", TEXT.replace('name = "laptop"', 'name = "ci"'), "two keys named 'ci'"),
        ("no gateway key", TEXT.replace('"env:CI_TOKEN"', '"sk-something"'), "no gateway key"),
        ("in config.toml", TEXT.replace('name = "main"', 'name = "filed"'), "is declared by"),
        ("alias in config.toml", TEXT.replace("quick =", "fast ="), "models.aliases.fast"),
        ("no password", TEXT.replace('password = "env:ANN_PASSWORD"\n', ""), "'Ann' has no password"),
        ("bad account", TEXT.replace('tags = ["tier:cheap"]', 'base_url = "nowhere"'), "the account 'main'"),
    )

    @pytest.mark.parametrize(
        ("text", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
    )
    def test_of_the_file_change_nothing(
        self, gateway: Gateway, api: TestClient, text: str, said: str
    ) -> None:
        before = whole(gateway)
        status, error = refused(api, text)
        assert 400 <= status < 500
        assert said in error["message"] + error.get("fix", "")
        assert whole(gateway) == before

    def test_secret_does_not_follow_to_another_host(self, api: TestClient) -> None:
        put(api)
        text = '[[accounts]]\nname = "main"\npreset = "openai"\nbase_url = "https://elsewhere.example/v1"\n'
        status, error = refused(api, text)
        assert (status, error["code"]) == (400, "secret_needed")

    def test_gateway_looks_nothing_up(
        self, api: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("OF_THE_GATEWAY", "sk-of-the-gateway-itself")
        (tmp_path / "secret").write_text("sk-of-the-gateway-itself")
        for reference in ("env:OF_THE_GATEWAY", f"file:{tmp_path}/secret"):
            text = f'[[accounts]]\nname = "main"\npreset = "openai"\napi_key = "{reference}"\n'
            assert refused(api, text)[0] == 400
