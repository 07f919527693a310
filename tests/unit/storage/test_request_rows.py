"""Attempts as rows hold them: without names, and with them where an older version wrote."""

from __future__ import annotations

import msgspec

from flowrouter.storage.request_rows import COLUMNS, attempts_from, columns_of, request_columns
from tests.contracts.fakes import attempt_row, request_row

ATTEMPTS = (
    attempt_row(outcome="error", status=529, error="overloaded"),
    attempt_row(cost_pusd=7, estimated=True),
)
ORDER = (
    *("account_id", "preset", "model", "dialect", "outcome", "status", "error", "started_ms", "duration_ms"),
    *("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"),
    *("estimated", "cost_pusd", "charge_pusd"),
)
"""As every store has them: add at the end."""


def test_values_stand_where_every_store_has_them() -> None:
    assert ATTEMPTS[0].__struct_fields__[: len(ORDER)] == ORDER


def test_attempts_come_back() -> None:
    columns = request_columns(columns_of([request_row(1, attempts=ATTEMPTS), request_row(2, attempts=())]))
    first, second = columns[COLUMNS.index("attempts")]
    assert attempts_from(first) == ATTEMPTS
    assert second is None
    assert attempts_from(second) == ()
    assert "account_id" not in first


def test_what_an_older_version_wrote_is_read() -> None:
    assert attempts_from(msgspec.json.encode(ATTEMPTS).decode()) == ATTEMPTS
