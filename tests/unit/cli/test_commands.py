from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from flowrouter import __version__
from flowrouter.cli.main import main
from flowrouter.features.local import weights
from flowrouter.httpkit.keys import is_token
from tests.unit.cli.conftest import Run


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"flow-router {__version__}\n"


def test_a_wrong_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["modles"]) == 2
    assert "models" in capsys.readouterr().err


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in ("serve", "providers", "keys", "models", "explain", "usage", "requests"):
        assert f"  {name} " in shown


def test_a_key_lives_from_creation_to_revocation(run: Run) -> None:
    made = run("keys", "create", "laptop")
    assert made.code == 0
    assert is_token(made.out.strip())
    (listed,) = run("keys", "list", "--json").json
    assert (listed["name"], listed["state"]) == ("laptop", "live")
    assert made.out.strip() not in run("keys", "list").out
    assert run("keys", "revoke", "laptop").code == 0
    assert run("keys", "list", "--json").json == []
    assert run("keys", "list", "--all", "--json").json[0]["state"] == "revoked"


def test_a_key_may_end_by_itself(run: Run) -> None:
    made = run("keys", "create", "guest", "--expires", "30d", "--json").json
    assert made["expires_at_ms"] - made["created_at_ms"] == pytest.approx(30 * 86_400_000, abs=5_000)
    wrong = run("keys", "create", "other", "--expires", "soon")
    assert wrong.code == 2
    assert "30d" in wrong.err


def test_a_key_says_what_becomes_of_broken_answers(run: Run) -> None:
    made = run("keys", "create", "careful", "--completion", "error", "--json").json
    assert made["policy"] == {"completion": "error"}
    wrong = run("keys", "create", "other", "--completion", "sometimes")
    assert wrong.code == 2
    assert "best_effort" in wrong.err


def test_a_misspelt_key_is_not_guessed(run: Run) -> None:
    run("keys", "create", "laptop")
    wrong = run("keys", "revoke", "lptop")
    assert wrong.code == 2
    assert "did you mean 'laptop'?" in wrong.err
    assert run("keys", "list", "--json").json[0]["state"] == "live"


def test_a_key_needs_a_name_of_its_own(run: Run) -> None:
    run("keys", "create", "laptop")
    again = run("keys", "create", "laptop")
    assert (again.code, again.out) == (1, "")
    assert "laptop" in again.err


def test_presets_say_what_they_need(run: Run) -> None:
    rows = {row["id"]: row for row in run("providers", "presets", "--json").json}
    assert rows["openai"]["env_names"] == ["OPENAI_API_KEY"]
    assert rows["openai"]["key_required"]
    assert rows["custom-openai"]["needs_base_url"]
    assert not rows["ollama"]["key_required"]
    assert "local" not in rows
    assert "anthropic" in run("providers", "presets").out


def test_an_account_is_added_listed_changed_and_removed(run: Run) -> None:
    added = run("providers", "add", "openai", "--api-key", "sk-canary-0123456789", "--models", "gpt-4.1, o*")
    assert added.code == 0, added.err
    assert "providers test openai" in added.err
    (account,) = run("providers", "list", "--json").json
    assert (account["name"], account["preset"], account["key_tail"]) == ("openai", "openai", "6789")
    assert account["models"] == ["gpt-4.1", "o*"]
    assert "canary" not in run("providers", "list").out + run("providers", "list", "--json").out

    assert run("providers", "add", "openai", "--api-key", "sk-other").code == 2
    assert run("providers", "add", "openai", "--replace", "--priority", "3").code == 0
    (account,) = run("providers", "list", "--json").json
    assert (account["priority"], account["key_tail"], account["models"]) == (3, "6789", ["gpt-4.1", "o*"])

    assert run("providers", "remove", "opena").code == 2
    assert run("providers", "remove", "openai", "--yes").code == 0
    assert run("providers", "list", "--json").json == []


def test_the_key_comes_from_stdin_or_a_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sk-from-stdin-1111\n"))
    assert run("providers", "add", "one", "--preset", "openai", "--api-key", "-").code == 0
    monkeypatch.setenv("MY_KEY", "sk-from-variable-2222")
    assert run("providers", "add", "two", "--preset", "openai", "--api-key", "env:MY_KEY").code == 0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-usual-3333")
    three = run("providers", "add", "three", "--preset", "openai")
    assert "OPENAI_API_KEY" in three.err
    tails = {row["name"]: row["key_tail"] for row in run("providers", "list", "--json").json}
    assert tails == {"one": "1111", "two": "2222", "three": "3333"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "x", "--preset", "opnai"], "did you mean 'openai'?"),
        (["add", "openai"], "API key of OpenAI"),
        (["add", "box", "--preset", "custom-openai"], "--base-url URL"),
        (["add", "box", "--preset", "custom-openai", "--base-url", "ftp://x"], "base URL"),
        (["add", "openai", "--api-key", "k", "--dialects", "openai_chta"], "did you mean 'openai_chat'?"),
        (["add", "openai", "--api-key", "k", "--dialects", "gemini"], "it speaks openai_chat"),
        (["add", "openai", "--api-key", "env:NOT_SET_ANYWHERE"], "export NOT_SET_ANYWHERE="),
        (["add", "local"], "flow-router local pull"),
        (["remove", "nobody"], "providers list"),
        (["test", "nobody"], "providers list"),
    ],
)
def test_mistakes_come_with_their_fix(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    wrong = run("providers", *arguments)
    assert wrong.code == 2
    assert said in wrong.err
    assert run("providers", "list", "--json").json == []


def test_accounts_of_the_file_are_listed_and_left_alone(run: Run, data: Path) -> None:
    data.mkdir()
    file = data / "config.toml"
    # The variable is not set: commands that ask nobody do not need it.
    file.write_text("[[accounts]]\nname = 'main'\npreset = 'openai'\napi_key = 'env:NOT_SET_ANYWHERE'\n")
    (account,) = run("providers", "list", "--json").json
    assert (account["name"], account["source"]) == ("main", "config")
    for arguments in (["remove", "main", "--yes"], ["add", "main", "--preset", "openai", "--replace"]):
        wrong = run("providers", *arguments)
        assert wrong.code == 2
        assert str(file) in wrong.err


def test_models_and_plans_follow_the_accounts(run: Run, data: Path) -> None:
    assert run("models", "--json").json == []
    run(
        "providers",
        "add",
        "box",
        "--preset",
        "custom-openai",
        "--base-url",
        "http://127.0.0.1:1/v1",
        "--models",
        "small,big-*",
    )
    run(
        "providers",
        "add",
        "spare",
        "--preset",
        "custom-anthropic",
        "--base-url",
        "http://127.0.0.1:1/v1",
        "--models",
        "small",
        "--priority",
        "2",
    )
    (data / "config.toml").write_text("[models]\naliases = { quick = 'small' }\n")
    assert run("models", "--json").json == [
        {"id": "quick", "accounts": ["box", "spare"], "alias_of": "small"},
        {"id": "small", "accounts": ["box", "spare"], "alias_of": None},
    ]
    plan = run("explain", "quick", "--json")
    assert plan.code == 0
    targets = plan.json["targets"]
    assert [(target["account"], target["model"], target["dialect"]) for target in targets] == [
        ("box", "small", "openai_chat"),
        ("spare", "small", "anthropic"),
    ]
    text = run("explain", "big-one", "--dialect", "anthropic").out
    assert "matches big-*" in text
    assert "translate" in text
    assert text.splitlines()[-1].split(maxsplit=1) == ["spare", "does not list this name"]
    text = run("explain", "spare/small").out
    assert text.splitlines()[-1].split(maxsplit=1) == ["box", "not named"]


def test_a_model_that_nobody_has_fails_with_what_is_close(run: Run) -> None:
    run(
        "providers",
        "add",
        "box",
        "--preset",
        "custom-openai",
        "--base-url",
        "http://127.0.0.1:1/v1",
        "--models",
        "small",
    )
    missing = run("explain", "smal")
    assert missing.code == 1
    assert "Close to it: small" in missing.out
    assert run("explain", "small", "--dialect", "latin").code == 2


def test_an_empty_log_is_said(run: Run) -> None:
    assert run("usage", "--json").json == []
    assert "No request" in run("usage").err
    assert run("requests", "--json").json == []
    assert run("requests", "req_nothing").code == 1
    assert "did you mean 'model'?" in run("usage", "--by", "modle").err


def test_a_broken_file_stops_every_command(run: Run, data: Path) -> None:
    data.mkdir()
    (data / "config.toml").write_text("[server]\nprot = 1\n")
    wrong = run("keys", "list")
    assert wrong.code == 2
    assert "config.toml:2" in wrong.err


@pytest.fixture(autouse=True)
def without_the_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every machine alike: some have the embedded model's packages, some do not."""
    monkeypatch.setattr(weights, "find_spec", lambda name: None)


def test_the_embedded_model_is_planned_where_it_is_installed(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("explain", weights.MODEL).code == 1
    there = weights.Weights(path=tmp_path / "weights.gguf", model=weights.MODEL, origin="pulled")
    monkeypatch.setattr(weights, "find", lambda given, data: there)
    monkeypatch.setattr(weights, "has_runtime", lambda: True)
    assert run("explain", weights.MODEL, "--json").json["targets"][0]["account"] == "local"
