"""What a receipt tells beyond its row is told of each exchange, though those of one form share it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flowrouter.canonical.fates import Fate
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt_rest import Unusual
from flowrouter.canonical.request import Request
from flowrouter.gateway import receipts
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.receipts import rest_of
from flowrouter.routing import Target

_BODY = b'{"model":"m","messages":[],"top_p":1}'


def _exchange(client: Any, asked: Any, **members: Any) -> Exchange:
    inbound = Inbound(
        request_id="req_1", dialect=client, operation="generate", endpoint="/v1", headers={}, body=_BODY,
        wall=1.0, started=1.0,
    )  # fmt: skip
    exchange = Exchange(inbound, lane="translate")
    target = Target(account_id="a", account="a", preset="p", model="m", dialect=asked)
    exchange.attempts.append(AttemptLog(target, 1.0, number=1))
    for name, value in members.items():
        setattr(exchange, name, value)
    return exchange


def _told(exchange: Exchange) -> Unusual:
    told = rest_of(exchange, 2.0, ()).unusual
    assert told is not None
    return told


def _names(exchange: Exchange) -> dict[str, str]:
    return {fate.field: fate.fate for fate in _told(exchange).fields}


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    receipts._translated.clear()


def test_those_of_one_form_are_told_alike_and_others_are_not() -> None:
    plain = ("model", "messages")
    forms = itertools.product(
        ("openai_chat", "anthropic"), ("openai_chat", "anthropic"), (plain, (*plain, "top_p"))
    )
    made = [_exchange(client, asked, members=names) for client, asked, names in forms]
    first = [_told(exchange) for exchange in made]
    assert [_told(exchange) for exchange in made] == first
    receipts._translated.clear()
    for exchange, told in zip(reversed(made), reversed(first), strict=True):
        assert _told(exchange) == told
        assert {fate.field for fate in told.fields} == {*exchange.members}


def test_what_was_lost_or_waited_for_is_ones_own() -> None:
    names = ("model", "messages", "top_p")
    usual = _exchange("openai_chat", "anthropic", members=names)
    assert _names(usual) == {"model": "passed", "messages": "mapped", "top_p": "passed"}
    lost = _exchange("openai_chat", "anthropic", members=names)
    lost.request_losses = (Loss(path="top_p", kind="dropped", reason="gone"),)
    assert (_names(lost)["top_p"], _told(lost).lost) == ("dropped", 1)
    waited = _exchange("openai_chat", "anthropic", members=names, waited=0.5)
    assert _told(waited).waited_ms == 500
    assert (_told(usual).waited_ms, _told(usual).lost) == (0, 0)


def test_names_come_from_the_request_or_from_its_body() -> None:
    request = Request(origin="openai_chat", model="m", members=("model", "n"))
    assert [*_names(_exchange("openai_chat", "anthropic", request=request))] == ["model", "n"]
    assert [*_names(_exchange("openai_chat", "anthropic"))] == ["model", "messages", "top_p"]


def test_names_of_clients_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "_FORMS_MAX", 3)
    for number in range(10):
        name = f"own-{number}"
        assert _told(_exchange("openai_chat", "anthropic", members=(name,))).fields == (
            Fate(field=name, fate="mapped"),
        )
        assert len(receipts._translated) <= 3
    receipts._translated.clear()
    _told(_exchange("openai_chat", "anthropic", members=("x" * 2_000,)))
    _told(_exchange("openai_chat", "anthropic", members=tuple(map(str, range(60)))))
    assert not receipts._translated
