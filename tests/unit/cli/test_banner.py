"""The start-up card: what stands in it, how it is set, and that it stays plain where it must."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from flowrouter import app, config
from flowrouter.accounts.account import Account
from flowrouter.api.admin import Handover
from flowrouter.cli import banner
from flowrouter.cli.style import Style
from flowrouter.features.local import weights
from flowrouter.features.local.plugin import account_for

ADDRESS = "http://127.0.0.1:2402"
EMBEDDED = account_for(weights.Weights(path=Path("w"), model=weights.MODEL, origin="pulled"))


def account(name: str, preset: str = "openai", **fields: object) -> Account:
    return Account(id=name, name=name, preset=preset, owner_id="local", **fields)  # pyright: ignore[reportArgumentType]


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def card(folder: Path, accounts: Sequence[Account] = (), stream: io.StringIO | None = None) -> str:
    given = {"data": str(folder), "local.mode": "off", "discovery.enabled": False}
    application = app.build(config.load(given, environ={}))
    application.configuration.provide("test", lambda *_: accounts)
    return banner.text(application, address=ADDRESS, style=Style(stream or io.StringIO()))


def test_an_empty_gateway_says_how_to_get_an_account(tmp_path: Path) -> None:
    said = card(tmp_path)
    assert f"is listening on {ADDRESS}" in said
    assert f"{ADDRESS}/v1\n" in said
    assert f"{ADDRESS}/?token=" in said
    assert "Accounts   none yet" in said
    assert "flow-router providers add" in said
    assert "flow-router local pull" in said
    assert "curl" not in said, "there is nothing to call yet"


def test_the_embedded_model_is_labelled_and_can_be_tried(tmp_path: Path) -> None:
    said = card(tmp_path, [EMBEDDED])
    assert f"local ({weights.LABEL})" in said
    assert '"model": "auto"' in said
    assert "Add an account: flow-router providers add" in said


def test_finds_are_listed_with_the_way_to_use_them(tmp_path: Path) -> None:
    found = [
        account("groq", "groq", enabled=False, source="found", found_in="GROQ_API_KEY"),
        account("ollama", "ollama", enabled=False, source="found", found_in="127.0.0.1:11434"),
    ]
    said = card(tmp_path, found)
    assert "Found      groq    GROQ_API_KEY\n             ollama  127.0.0.1:11434\n" in said
    assert "flow-router providers adopt NAME" in said
    assert "flow-router providers adopt groq" in said
    assert "Accounts   none yet" in said


def test_accounts_and_models_are_counted(tmp_path: Path) -> None:
    said = card(tmp_path, [account("work", models=("a", "b")), account("groq", "groq", models=("b",))])
    assert "Accounts   work (openai), groq" in said or "Accounts   groq, work (openai)" in said
    assert "Models     2 (flow-router models)" in said
    asked = card(tmp_path, [account("box", "custom-openai", base_url="http://127.0.0.1:1/v1")])
    assert "Models     being asked for" in asked
    assert '"model": "auto"' in asked


def test_it_fits_eighty_columns_and_has_no_loose_ends(tmp_path: Path) -> None:
    many = [account(f"an-account-with-a-long-name-{number}", models=("m",)) for number in range(12)]
    found = account("groq", "groq", enabled=False, source="found", found_in="GROQ_API_KEY")
    said = card(tmp_path, [*many, found, EMBEDDED])
    for line in said.splitlines():
        assert len(line) <= 80 or str(tmp_path) in line, line
        assert line == line.rstrip()
        assert not line or line.startswith("  ")
    assert "and 5 more" in said


@pytest.mark.parametrize(
    ("stream", "no_color", "coloured"),
    [(Terminal(), False, True), (Terminal(), True, False), (io.StringIO(), False, False)],
    ids=["terminal", "NO_COLOR", "pipe"],
)
def test_colours_only_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, no_color: bool, coloured: bool
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    assert ("\x1b[" in card(tmp_path, [EMBEDDED], stream)) is coloured


def test_a_code_is_new_each_time(tmp_path: Path) -> None:
    assert card(tmp_path) != card(tmp_path)


def test_workers_are_counted(tmp_path: Path) -> None:
    assert "Workers" not in card(tmp_path)
    given = {
        "data": str(tmp_path),
        "server.workers": 3,
        "state.redis": "redis://:s3cret-word@127.0.0.1:6379/0",
        "discovery.enabled": False,
        "local.mode": "off",
    }
    application = app.build(config.load(given, environ={}))
    # Without an event loop no code can be shared, and the card needs none here.
    application.handover = Handover(application.clock)
    said = banner.text(application, address=ADDRESS, style=Style(io.StringIO()))
    assert "Workers    3, in step through redis://127.0.0.1:6379/0" in said
    assert "s3cret" not in said
