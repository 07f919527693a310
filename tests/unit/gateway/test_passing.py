"""What passes as it came: the client's own bytes, where nothing in them is the gateway's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.head import Head
from flowrouter.dialects import available, codec
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.key_policy import KeyLimits, KeyPolicy
from flowrouter.settings.budgets import Budget


@pytest.mark.parametrize("dialect", available())
@given(body=st.binary(max_size=80), model=st.text(max_size=8), usage=st.booleans())
def test_no_dialect_has_anything_to_change_where_the_name_stays_and_nothing_streams(
    dialect: Dialect, body: bytes, model: str, usage: bool
) -> None:
    head = Head(model=model, stream=False, length=len(body))
    assert codec(dialect).prepare(body, head, model, usage) is body


@pytest.mark.parametrize(
    ("policy", "watched"),
    [
        (KeyPolicy(), False),
        (KeyPolicy(responses_store=True, unsupported="drop", tags=("a",)), False),
        (KeyPolicy(dialects=("anthropic",)), True),
        (KeyPolicy(models=("m*",)), True),
        (KeyPolicy(limits=KeyLimits(concurrent=1)), True),
        (KeyPolicy(budgets=(Budget(metric="usd", amount=Decimal(1), period="day"),)), True),
    ],
)
def test_a_caller_knows_whether_its_requests_are_looked_at_before_a_plan(
    policy: KeyPolicy, watched: bool
) -> None:
    assert Caller(policy=policy).watched is watched
