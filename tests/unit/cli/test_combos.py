"""`flow-router combos`, and what the other commands show of names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.fixture
def account(run: Run) -> None:
    address = "http://127.0.0.1:9/v1"
    made = run(
        "providers", "add", "box", "--preset", "custom-openai", "--base-url", address, "--api-key", "sk-12345",
        "--models", "small,large", "--tags", "tier:cheap, eu", "--weight", "3",
    )  # fmt: skip
    assert made.code == 0, made.err


@pytest.mark.usefixtures("account")
def test_a_combos_life(run: Run) -> None:
    made = run(
        "combos", "add", "Fast", "--strategy", "round_robin", "box/small", "large*2", "--attempts", "3"
    )
    assert made.code == 0, made.err
    (row,) = run("combos", "list", "--json").json
    assert (row["name"], row["strategy"], row["attempts"], row["source"]) == (
        "Fast",
        "round_robin",
        3,
        "store",
    )
    assert [(each["model"], each["weight"]) for each in row["members"]] == [("box/small", 1), ("large", 2)]
    assert "box/small, large*2" in run("combos", "list").out
    assert run("explain", "fast").code == 0
    assert "combo Fast" in run("explain", "fast").out
    assert (
        run(
            "combos", "edit", "fast", "--strategy", "weighted", "--attempts", "default", "--rename", "quick"
        ).code
        == 0
    )
    row = run("combos", "show", "quick", "--json").json
    assert (row["name"], row["strategy"], row["attempts"], len(row["members"])) == (
        "quick",
        "weighted",
        None,
        2,
    )
    assert run("combos", "edit", "quick", "large[max_tokens=8000,tools=false,tags=a+b]*5").code == 0
    shown = run("combos", "show", "QUICK").out
    assert "large*5  where max_tokens 8000, tools false, tags a+b" in shown
    assert run("combos", "remove", "quick", "--yes").code == 0
    assert run("combos", "list", "--json").json == []


@pytest.mark.usefixtures("account")
def test_what_is_odd_is_said(run: Run) -> None:
    made = run("combos", "add", "small", "nobody/x", "large")
    assert made.code == 0, "it is told, not refused"
    assert "hides the model 'small' of box" in made.err
    assert "no account answers the member 'nobody/x'" in made.err
    listed = run("combos", "list")
    assert "note: small:" in listed.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("add", "x", "m", "--strategy", "robin"), "did you mean 'round_robin'"),
        (("add", "x", "m", "--attempts", "0"), "attempts"),
        (("add", "x", "m", "--completion", "maybe"), "no completion"),
        (("add", "x", "m[tokens=1]"), "max_tokens"),
        (("add", "x", "m[hours=9-5]"), "hours"),
        (("add", " x", "m"), "no name"),
        (("show", "gone"), "there is no combo 'gone'"),
        (("remove", "gone"), "there is no combo 'gone'"),
    ],
)
def test_mistakes_are_told(run: Run, arguments: tuple[str, ...], said: str) -> None:
    wrong = run("combos", *arguments)
    assert wrong.code == 2
    assert said in wrong.err


@pytest.mark.usefixtures("account")
def test_the_name_is_taken_whatever_the_case(run: Run) -> None:
    run("combos", "add", "fast", "small")
    wrong = run("combos", "add", "FAST", "small")
    assert wrong.code == 2
    assert "combos edit fast" in wrong.err
    assert "did you mean 'fast'" in run("combos", "show", "fst").err


def test_combos_of_the_file_are_listed_and_stay(run: Run, data: Path) -> None:
    data.mkdir(parents=True)
    text = '[routing.combos.team]\nstrategy = "random"\nmembers = [{ model = "a", weight = 2 }, { model = "b" }]\n'
    (data / "config.toml").write_text(text)
    (row,) = run("combos", "list", "--json").json
    assert (row["name"], row["source"], row["strategy"]) == ("team", "config", "random")
    for arguments in (("edit", "team", "c"), ("remove", "team", "-y")):
        wrong = run("combos", *arguments)
        assert wrong.code == 2
        assert "config.toml" in wrong.err
    assert run("combos", "add", "Team", "c").code == 2


@pytest.mark.parametrize(
    "text, said",
    [
        ('[routing.combos.a]\nmembers = []\n', "members"),
        ('[routing.combos.a]\nmembers = [{ model = "m" }]\nstrategy = "robin"\n', "strategy"),
        ('[routing.combos.a]\nmembers = [{ model = "m" }]\n[routing.combos.A]\nmembers = [{ model = "m" }]\n', "case"),
        ('[models.aliases]\nbig = []\n', "big"),
        ('[routing.combos.a]\nmembers = [{ model = "m", when = { hours = "25:00-06:00" } }]\n', "hours"),
    ],
)  # fmt: skip
def test_a_file_with_a_mistake_is_refused(run: Run, data: Path, text: str, said: str) -> None:
    data.mkdir(parents=True)
    (data / "config.toml").write_text(text)
    wrong = run("combos", "list")
    assert wrong.code == 2
    assert said in wrong.err


@pytest.mark.usefixtures("account")
def test_models_lists_combos_aliases_and_pools(run: Run, data: Path) -> None:
    (data / "config.toml").write_text('[models.aliases]\nbig = ["large", "small"]\nlittle = "small"\n')
    run("combos", "add", "fast", "small", "large")
    rows = {row["id"]: row for row in run("models", "--json").json}
    assert rows["fast"] == {"id": "fast", "accounts": ["box"], "alias_of": ["small", "large"]}
    assert rows["big"]["alias_of"] == ["large", "small"]
    assert rows["little"]["alias_of"] == "small"
    assert rows["small"]["alias_of"] is None
    assert "Stands for" in run("models").out


@pytest.mark.usefixtures("account")
def test_accounts_and_keys_bear_tags(run: Run) -> None:
    (row,) = [row for row in run("providers", "list", "--json").json if row["name"] == "box"]
    assert (row["tags"], row["weight"]) == (["tier:cheap", "eu"], 3)
    changed = run("providers", "add", "box", "--replace", "--tags", "", "--weight", "1")
    assert changed.code == 0, changed.err
    (row,) = [row for row in run("providers", "list", "--json").json if row["name"] == "box"]
    assert (row["tags"], row["weight"]) == ([], 1)
    run("keys", "create", "ci", "--tags", "ci,night")
    assert run("keys", "list", "--json").json[0]["policy"]["tags"] == ["ci", "night"]
