"""`auto` and its tiers through the pipeline: who is asked, why, and that names given are honoured."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Account
from flowrouter.settings.routing import ComboConfig, ComboMember, Routing, Tiers
from tests.playbooks.stage import Performance, account, play
from tests.playbooks.test_failover import GOOD, error

CHEAP = account("cheap", "openai_chat", priority=3, models=("mini",))
STRONG = account("strong", "openai_chat", priority=1, models=("max",))
MIDDLE = account("middle", "openai_chat", priority=2, models=("mid",))
ALL = (CHEAP, MIDDLE, STRONG)
LISTED = Tiers(enabled=True, cheap=("mini", "mid"), standard=("mid",), strong=("team",))
ROUTING = Routing(tiers=LISTED, combos={"team": ComboConfig(members=(ComboMember(model="max"), ComboMember(model="mid")))})  # fmt: skip
HARD = "mend this:\n```py\nx = 1\n```"


def tagged(made: Account, *tags: str) -> Account:
    return msgspec.structs.replace(made, tags=tags)


def ask(
    model: str, text: str = "hi", *, accounts: Any = ALL, routing: Routing = ROUTING, **scripts: Any
) -> Performance:
    body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": text}]})
    answers = {made.name: GOOD for made in accounts} | scripts
    return play("openai_chat", body, accounts=accounts, scripts=answers, routing=routing)


@pytest.mark.parametrize(
    ("model", "text", "who"),
    [
        ("auto", "hi", "cheap"),
        ("auto", HARD, "strong"),
        ("auto", "x" * 5_000, "middle"),
        ("auto:strong", "hi", "strong"),
        ("auto:standard", "hi", "middle"),
        ("auto:cheap", HARD, "cheap"),
        ("AUTO:Cheap", HARD, "cheap"),
        ("max", "hi", "strong"),
        ("mini", HARD, "cheap"),
    ],
    ids=["short", "code", "long", "strong", "standard", "cheap", "case", "named", "named-cheap"],
)
def test_who_is_asked(model: str, text: str, who: str) -> None:
    assert ask(model, text).asked == [who]


def test_the_reason_is_told_and_the_reply_names_who_answered() -> None:
    result = ask("auto", HARD)
    assert "auto is strong here: the last turn holds code" in result.exchange.plan.reasons
    assert any("the last turn holds code" in reason for reason in result.receipt["route"]["reasons"])
    assert result.headers["x-flowrouter-target"] == "strong/max"


def test_the_list_of_a_tier_is_its_order_of_fallback() -> None:
    assert ask("auto:cheap", cheap=error(429)).asked[-1] == "middle"


def test_without_a_list_accounts_bear_the_tier_as_a_tag() -> None:
    accounts = (tagged(STRONG, "tier:strong"), MIDDLE, tagged(CHEAP, "tier:cheap"))
    routing = Routing(tiers=Tiers(enabled=True))
    assert ask("auto", accounts=accounts, routing=routing).asked == ["cheap"]
    assert ask("auto:strong", accounts=accounts, routing=routing).asked == ["strong"]
    assert ask("auto:standard", accounts=accounts, routing=routing).status == 200, "no such tag: everybody"


def test_auto_answers_as_soon_as_there_is_one_account() -> None:
    for tiers in (Tiers(), Tiers(enabled=True), Tiers(enabled=True, cheap=("gone",), strong=("gone",))):
        for model in ("auto", "auto:cheap", "auto:strong"):
            assert ask(model, accounts=(MIDDLE,), routing=Routing(tiers=tiers)).asked == ["middle"], (
                model,
                tiers,
            )


def test_a_model_that_is_called_auto_is_honoured() -> None:
    own = account("own", "openai_chat", models=("auto", "auto:cheap"), priority=9)
    assert ask("auto", HARD, accounts=(*ALL, own)).asked == ["own"]
    assert ask("auto:cheap", accounts=(*ALL, own)).asked == ["own"]


def test_off_is_the_order_of_priority() -> None:
    assert ask("auto", routing=Routing()).asked == ["strong"]


def test_a_tier_nobody_knows_is_an_unknown_model() -> None:
    assert ask("auto:best").status == 404
