"""What hedges may cost: a share of the last hour, of money where all is priced, else of requests."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.costs import HEDGED
from flowrouter.gateway.hedging import Spending, hedge_delay
from flowrouter.gateway.records import AttemptRow, RequestRow
from flowrouter.settings.routing import Hedging
from tests.contracts.fakes import bare_row

ROW = bare_row(
    id="r", ts_ms=0, owner_id="local", client_dialect="openai_chat", endpoint="/", status=200, outcome="ok"
)


def row(cost: int | None = None, *, hedge: int | None = None) -> RequestRow:
    attempts = ()
    if hedge is not None:
        attempts = (
            AttemptRow(
                account_id="a", preset="p", model="m", dialect="openai_chat", outcome=HEDGED, cost_pusd=hedge
            ),
        )
    return msgspec.structs.replace(ROW, cost_pusd=cost, attempts=attempts)


def test_the_wait_is_the_learned_quantile_and_never_less_than_the_least() -> None:
    assert hedge_delay(Hedging(min_wait=2), None) == 2
    assert hedge_delay(Hedging(min_wait=2), 0.5) == 2
    assert hedge_delay(Hedging(min_wait=2), 7.5) == 7.5


def test_a_quiet_gateway_does_not_hedge() -> None:
    spending = Spending()
    assert not spending.take(0.05, 0.0)
    for _ in range(19):
        spending.settled(row(), 0.0)
    assert not spending.take(0.05, 1.0)
    spending.settled(row(), 1.0)
    assert spending.take(0.05, 1.0)
    assert not spending.take(0.05, 1.0)


def test_a_hedge_that_cost_nothing_gives_its_share_back() -> None:
    spending = Spending()
    for _ in range(20):
        spending.settled(row(), 0.0)
    assert spending.take(0.05, 0.0)
    spending.forgone()
    assert spending.take(0.05, 0.0)
    spending.settled(row(hedge=0), 0.0)
    assert not spending.take(0.05, 0.0)


def test_what_is_an_hour_ago_is_forgotten() -> None:
    spending = Spending()
    for _ in range(100):
        spending.settled(row(), 0.0)
    assert spending.take(0.05, 3_500.0)
    spending.forgone()
    assert not spending.take(0.05, 3_700.0)


def test_money_counts_where_every_request_has_a_price() -> None:
    spending = Spending()
    for _ in range(10):
        spending.settled(row(1_000), 0.0)
    assert not spending.take(0.05, 0.0), "an average request costs more than five hundred"
    for _ in range(30):
        spending.settled(row(1_000), 0.0)
    assert spending.take(0.05, 0.0)
    spending.settled(row(1_000, hedge=100), 0.0)
    assert spending.take(0.05, 0.0), "the hedge was cheaper than expected"
    spending.settled(row(1_000, hedge=2_000), 0.0)
    assert not spending.take(0.05, 0.0)


def test_one_request_without_a_price_makes_numbers_count() -> None:
    spending = Spending()
    for _ in range(39):
        spending.settled(row(1), 0.0)
    spending.settled(row(None, hedge=10_000), 0.0)
    assert spending.take(0.05, 0.0)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.3], ids=["none", "1%", "5%", "30%"])
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 120))))
def test_hedges_never_pass_their_share(share: float, moves: list[tuple[bool, float]]) -> None:
    spending, now, hedges = Spending(), 0.0, 0
    for requests, (asks, later) in enumerate(moves, 1):
        now += later
        if asks and spending.take(share, now):
            hedges += 1
            spending.settled(row(hedge=1), now)
        else:
            spending.settled(row(), now)
        assert hedges <= share * requests
