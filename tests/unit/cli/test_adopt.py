"""`providers adopt`: what was found is listed, taken up with its key, or dismissed."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter.features.local import weights
from tests.unit.cli.conftest import Run

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(_: object) -> list[object]:
        return []

    monkeypatch.setattr("flowrouter.features.discovery.servers.look", nobody)
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GROQ_API_KEY", KEY[::-1])


def test_finds_are_listed_without_their_secrets(run: Run) -> None:
    rows = run("providers", "adopt", "--json").json
    assert {"name": "openai", "preset": "openai", "found_in": "OPENAI_API_KEY"} in rows
    shown = run("providers", "adopt")
    assert "GROQ_API_KEY" in shown.out
    listed = run("providers", "list")
    assert "found in OPENAI_API_KEY" in listed.out
    assert "providers adopt NAME" in listed.err
    assert KEY not in shown.out + shown.err + listed.out + listed.err


def test_taken_up_it_is_an_account_and_no_find(run: Run) -> None:
    done = run("providers", "adopt", "openai")
    assert done.code == 0, done.err
    rows = {row["name"]: row for row in run("providers", "list", "--json").json}
    assert (rows["openai"]["source"], rows["openai"]["enabled"]) == ("store", True)
    assert rows["openai"]["key_tail"] == KEY[-4:]
    assert run("explain", "auto", "--json").json["targets"][0]["account"] == "openai"
    again = run("providers", "adopt", "openai")
    assert again.code == 2
    assert "in use already" in again.err


def test_everything_at_once(run: Run) -> None:
    assert {row["name"] for row in run("providers", "adopt", "--all", "--json").json} == {"groq", "openai"}
    assert "Nothing was found" in run("providers", "adopt").err


def test_a_find_that_was_removed_is_dismissed_until_it_is_named(run: Run) -> None:
    assert run("providers", "remove", "openai").code == 0
    assert "openai" not in {row["name"] for row in run("providers", "list", "--json").json}
    assert [row["name"] for row in run("providers", "adopt", "--all", "--json").json] == ["groq"]
    assert run("providers", "adopt", "openai").code == 0


def test_a_find_is_not_tried_but_can_be_added_with_another_key(run: Run) -> None:
    wrong = run("providers", "test", "openai")
    assert wrong.code == 2
    assert "providers adopt openai" in wrong.err
    assert run("providers", "add", "openai", "--api-key", "sk-my-own-key-0000").code == 0
    rows = {row["name"]: row for row in run("providers", "list", "--json").json}
    assert rows["openai"]["key_tail"] == "0000"


def test_what_was_not_found_is_said(run: Run, data: Path) -> None:
    wrong = run("providers", "adopt", "opnai")
    assert wrong.code == 2
    assert "did you mean 'openai'?" in wrong.err
    assert "providers add mistral" in run("providers", "adopt", "mistral").err
    (data / "config.toml").write_text("[discovery]\nenabled = false\n")
    assert "switched off" in run("providers", "adopt").err
    assert run("providers", "list", "--json").json == []
