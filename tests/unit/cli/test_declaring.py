"""`flow-router apply` and `export` over a store beside which no gateway runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from flowrouter.cli.main import main
from tests.unit.cli.conftest import Ran, Run

TEXT = """\
[routing.combos.smart]
members = [{ model = "gpt-5.4" }]

[[accounts]]
name = "main"
preset = "openai"
api_key = "env:MAIN_KEY"
headers = { "x-team" = "file:team" }

[[keys]]
name = "laptop"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a declaration whose secrets are there."""
    path = tmp_path / "gateway.toml"
    path.write_text(TEXT)
    (tmp_path / "team").write_text("of-a-file-canary\n")
    monkeypatch.setenv("MAIN_KEY", "sk-canary-of-a-variable")
    return path


@pytest.fixture
def elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command over a data folder of its own."""

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main([*arguments, "--data", str(tmp_path / "elsewhere")])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return command


def test_difference_then_change_then_nothing(run: Run, file: Path) -> None:
    planned = run("apply", str(file), "--dry-run")
    assert planned.code == 0
    assert "  + account main: preset openai, api_key ***, headers {x-team = ***}" in planned.out
    assert planned.out.endswith("3 to add, 0 as they are.\n")
    assert run("combos", "list", "--json").json == []
    done = run("apply", str(file), "--yes")
    assert (done.code, done.out.splitlines()[-1][:4]) == (0, "flr_")
    assert run("apply", str(file)).out == "Nothing to change: 3 things are as gateway.toml says.\n"
    row = next(row for row in run("providers", "list", "--json").json if row["name"] == "main")
    assert (row["managed_in"], row["key_tail"], row["header_names"]) == ("gateway.toml", "able", ["x-team"])
    assert "canary" not in planned.out + done.out + done.err


def test_nothing_happens_unasked(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("apply", str(file))
    assert (ran.code, "--yes" in ran.err) == (1, True)
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT.replace("file:team", f"file:{file.parent}/team")))
    assert run("apply", "-", "--as", "gateway.toml").code == 1
    assert run("combos", "list", "--json").json == []


def test_json_tells_all(run: Run, file: Path) -> None:
    told = run("apply", str(file), "--yes", "--json").json
    assert (told["added"], told["file"], told["dry_run"]) == (3, "gateway.toml", False)
    assert [minted["name"] for minted in told["minted"]] == ["laptop"]
    assert run("apply", str(file), "--dry-run", "--json").json["changes"] == []


def test_changes_of_what_a_file_owns(run: Run, file: Path) -> None:
    run("apply", str(file), "--yes")
    commands = (
        ("combos", "edit", "smart", "claude-sonnet-5"),
        ("combos", "remove", "smart", "--yes"),
        ("keys", "revoke", "laptop"),
        ("providers", "remove", "main", "--yes"),
    )
    for words in commands:
        refused = run(*words)
        assert (refused.code, "gateway.toml" in refused.err, "--detach" in refused.err) == (1, True, True)
        assert run(*words, "--detach").code == 0
    assert run("keys", "disable", "laptop").code != 0
    assert run("apply", str(file), "--dry-run").out.splitlines()[-1].startswith("3 to add")


def test_prune(run: Run, file: Path) -> None:
    run("apply", str(file), "--yes")
    run("combos", "add", "mine", "gpt-5.4")
    file.write_text("")
    left = run("apply", str(file), "--yes")
    assert (left.code, left.err.count("--prune removes it")) == (0, 3)
    assert run("apply", str(file), "--prune", "--yes").out.splitlines()[-1] == "3 removed, 0 as they are."
    assert [row["name"] for row in run("combos", "list", "--json").json] == ["mine"]
    gone = run("apply", str(file), "--prune-all", "--yes")
    assert "  - combo mine (was managed by console)" in gone.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[routing]\nattempts = 0\n", "gateway.toml:2"),
        ('[[accounts]]\nname = "a"\npreset = "openai"\napi_key = "env:NOT_THERE"\n', "NOT_THERE, which is not set"),
        ('[[accounts]]\nname = "a"\npreset = "openai"\napi_key = "file:nowhere"\n', "the file nowhere"),
        ('[[accounts]]\nname = "a"\npreset = "opnai"\n', "did you mean `openai`?"),
    ],
    ids=["value", "variable", "file", "preset"],
)  # fmt: skip
def test_mistakes(run: Run, file: Path, text: str, said: str) -> None:
    file.write_text(text)
    ran = run("apply", str(file), "--yes")
    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_no_such_file(run: Run) -> None:
    ran = run("apply", "nowhere.toml")
    assert (ran.code, "there is no file nowhere.toml" in ran.err) == (2, True)


def test_export_and_back(run: Run, elsewhere: Run, file: Path, tmp_path: Path) -> None:
    run("apply", str(file), "--yes")
    out = run("export").out
    assert 'api_key = "env:MAIN_KEY"' in out
    assert 'x-team = "file:team"' in out
    copy = tmp_path / "copy.toml"
    assert run("export", "--output", str(copy)).code == 0
    assert copy.read_text() == out
    assert copy.stat().st_mode & 0o077 == 0
    assert elsewhere("apply", str(copy), "--yes").code == 0
    assert elsewhere("export").out == out


def test_sealed_and_back(run: Run, elsewhere: Run, file: Path, tmp_path: Path) -> None:
    run("apply", str(file), "--yes")
    phrase, wrong = tmp_path / "phrase", tmp_path / "wrong"
    phrase.write_text("a quiet morning in the harbour\n")
    wrong.write_text("a loud morning in the harbour\n")
    sealed = tmp_path / "sealed.toml"
    assert (
        run("export", "--with-secrets", "--passphrase-file", str(phrase), "--output", str(sealed)).code == 0
    )
    assert "canary" not in sealed.read_text()
    refused = elsewhere("apply", str(sealed), "--yes", "--passphrase-file", str(wrong))
    assert (refused.code, "the passphrase is wrong" in refused.err) == (2, True)
    assert elsewhere("apply", str(sealed), "--yes").code == 2, "there is nobody to ask"
    assert elsewhere("combos", "list", "--json").json == []
    told = elsewhere("apply", str(sealed), "--yes", "--json", "--passphrase-file", str(phrase)).json
    assert (told["added"], told["minted"]) == (3, [])


def test_changes_stand_in_the_book(run: Run, file: Path) -> None:
    run("apply", str(file), "--dry-run")
    run("apply", str(file), "--yes")
    rows = run("audit", "--json").json
    assert [(row["action"], row["target"], row["via"]) for row in rows] == [
        ("apply_declaration", "gateway.toml", "cli")
    ]
    assert "canary" not in str(rows)
    assert "flr_" not in str([row["after"]["minted"] for row in rows])
