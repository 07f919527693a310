"""`flow-router aliases`, `prices`, and hiding models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.fixture
def account(run: Run) -> None:
    address = "http://127.0.0.1:9/v1"
    made = run(
        "providers", "add", "box", "--preset", "custom-openai", "--base-url", address, "--api-key", "sk-12345",
        "--models", "small,large",
    )  # fmt: skip
    assert made.code == 0, made.err


@pytest.mark.usefixtures("account")
def test_an_aliass_life(run: Run) -> None:
    assert "flow-router aliases set" in run("aliases", "list").err
    assert run("aliases", "set", "smart", "large").code == 0
    assert "found by alias" in run("explain", "smart").out
    lost = run("aliases", "set", "pool", "small", "huge")
    assert "No account answers huge yet" in lost.err
    rows = run("aliases", "list", "--json").json
    assert rows == [
        {"id": "pool", "models": ["small", "huge"], "source": "store"},
        {"id": "smart", "models": ["large"], "source": "store"},
    ]
    assert run("aliases", "remove", "smart").code == 0
    gone = run("aliases", "remove", "smrt")
    assert (gone.code, "no alias" in gone.err) == (2, True)
    assert [row["id"] for row in run("aliases", "list", "--json").json] == ["pool"]
    book = run("audit", "--json").json
    assert sum(entry["action"] == "patch_settings" for entry in book) == 3


def test_aliases_and_prices_of_the_file(run: Run, data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    (data / "config.toml").write_text(
        '[models.aliases]\nfast = "small"\n[prices."mine"]\ninput = 1\noutput = 2\n', encoding="utf-8"
    )
    file = ("--config", str(data / "config.toml"))
    assert run("aliases", "list", "--json", *file).json[0]["source"] == "config"
    assert run("prices", "list", "--json", *file).json[0]["source"] == "config"
    for words in (
        ("aliases", "set", "fast", "x"),
        ("aliases", "remove", "fast"),
        ("prices", "remove", "mine"),
    ):
        refused = run(*words, *file)
        assert (refused.code, "is declared by" in refused.err) == (2, True), words


def test_a_prices_life(run: Run) -> None:
    assert run("prices", "set", "openrouter/*", "1.25", "10", "--cache-read", "0.125").code == 0
    (row,) = run("prices", "list", "--json").json
    assert (row["id"], row["input"], row["output"], row["cache_read"]) == ("openrouter/*", 1.25, 10.0, 0.125)
    assert run("prices", "set", "openrouter/*", "2", "3").code == 0
    assert run("prices", "list", "--json").json[0]["cache_read"] is None, "it replaces the whole"
    assert "openrouter/*" in run("prices", "list").out
    bad = run("prices", "set", "x", "2000000", "3")
    assert (bad.code, "prices" in bad.err) == (2, True)
    assert run("prices", "remove", "openrouter/*").code == 0
    assert run("prices", "list", "--json").json == []


@pytest.mark.usefixtures("account")
def test_hiding_models(run: Run) -> None:
    assert run("models", "hide", "small").code == 0
    assert "small" not in {row["id"] for row in run("models", "--json").json}
    assert run("models", "hide", "none").code == 2
    assert run("models", "show", "large").code == 2, "it is not hidden"
    assert run("models", "show", "small").code == 0
    assert "small" in {row["id"] for row in run("models", "--json").json}
