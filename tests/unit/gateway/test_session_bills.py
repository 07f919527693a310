"""The bill of a session out of the request log: the prices are those of the host that answered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.gateway.records import RequestRow
from flowrouter.gateway.session_bills import bill_of
from flowrouter.usage.sessions import SessionBill
from tests.contracts.fakes import bare_row
from tests.playbooks.worlds import account, world

NOW = 1_800_000_000.0


def row(number: int, **fields: Any) -> RequestRow:
    known: dict[str, Any] = {
        "account_id": "one", "preset": "custom-openai", "model": "gpt-5.5", "dialect": "openai_chat",
    }  # fmt: skip
    return bare_row(
        id=f"req_{number}", ts_ms=number, owner_id="local", client_dialect="openai_chat", endpoint="/",
        status=200, outcome="ok", tools="Read", **(known | fields),
    )  # fmt: skip


def billed(base_url: str, **fields: Any) -> SessionBill:
    """Return the bill of two turns, the second of which read a tool's result and missed the cache."""
    where = msgspec.structs.replace(account("one", "openai_chat"), base_url=base_url)
    turns = (
        row(1, input_tokens=2_000, cache_write_tokens=4_000, output_tokens=10, **fields),
        row(2, input_tokens=20_000, output_tokens=10, **fields),
    )
    return bill_of("s", reversed(turns), world(where), now=NOW)


def test_what_tools_and_misses_took_is_told_at_the_makers_price_where_it_is_asked_for() -> None:
    found = billed("https://llm.example.com/v1")
    assert found.by_tool["Read"] > 0
    assert (found.lines[1].missed_tokens, found.missed_pusd > 0) == (6_000, True)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000/v1", "http://workshop:8000/v1"])
def test_a_model_on_ones_own_host_has_no_makers_price(base_url: str) -> None:
    found = billed(base_url)
    assert (found.by_tool, found.missed_pusd, found.charge_unknown) == ({}, 0, 2)
    assert (found.lines[1].missed_tokens, found.lines[1].missed_pusd) == (6_000, None)


def test_an_account_that_is_no_more_has_no_prices() -> None:
    found = billed("https://llm.example.com/v1", account_id="gone")
    assert (found.by_tool, found.missed_pusd) == ({}, 0)
