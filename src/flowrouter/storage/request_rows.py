"""Request rows as SQL parameters and back; column names are the row's own field names.

Attempts are kept as the values of their fields without the names; older rows have names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.canonical.loss import Loss
from flowrouter.gateway.ports import AttemptRow, RequestRow
from flowrouter.storage.insertion import entering
from flowrouter.storage.rows import Row
from flowrouter.wire import json

COLUMNS: tuple[str, ...] = tuple(
    name for name in RequestRow.__struct_fields__ if name not in ("budgets", "receipt")
)

REQUESTS = entering("requests", COLUMNS, key=("id",))
RECEIPTS = entering("receipts", ("request_id", "owner_id", "created_at_ms", "body"), key=("request_id",))

_encode = msgspec.json.Encoder().encode
_named_attempts = msgspec.json.Decoder(tuple[AttemptRow, ...])
_losses = msgspec.json.Decoder(tuple[Loss, ...])


def columns_of(rows: Sequence[RequestRow]) -> dict[str, Sequence[Any]]:
    """Return the fields of rows, one at least, by name."""
    columns = zip(*map(msgspec.structs.astuple, rows), strict=True)
    return dict(zip(RequestRow.__struct_fields__, columns, strict=True))


def request_columns(columns: Mapping[str, Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the columns of `REQUESTS` in its order; no attempts and no losses are NULL."""
    texts = {
        "attempts": [
            _encode([*map(msgspec.structs.astuple, each)]).decode() if each else None
            for each in columns["attempts"]
        ],
        "losses": [_encode(each).decode() if each else None for each in columns["losses"]],
    }
    return [texts.get(name, columns[name]) for name in COLUMNS]


def attempts_from(text: str | None) -> tuple[AttemptRow, ...]:
    """Return the attempts in a column."""
    if not text:
        return ()
    if not text.startswith("[["):
        return _named_attempts.decode(text)
    return tuple([AttemptRow(*values) for values in json.loads(text)])


def receipt_columns(columns: Mapping[str, Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the columns of `RECEIPTS`, of rows that have a receipt."""
    having = [columns[name] for name in ("id", "owner_id", "ts_ms", "receipt")]
    if None in having[-1]:
        having = list(zip(*(row for row in zip(*having, strict=True) if row[-1] is not None), strict=True))
    return [*having[:-1], [receipt.decode() for receipt in having[-1]]] if having else []


def clean(row: RequestRow) -> RequestRow:
    """Return `row` with lone surrogates, which neither a store nor JSON can hold, replaced, and NUL, which PostgreSQL cannot."""
    changed: dict[str, Any] = {
        name: _storable(value)
        for name in row.__struct_fields__
        if isinstance(value := getattr(row, name), str)
    }
    changed["attempts"] = tuple(_clean_attempt(attempt) for attempt in row.attempts)
    return msgspec.structs.replace(row, **changed)


def request_from(row: Row, *, receipt: str | None = None) -> RequestRow:
    """Return the request in `row`."""
    values = {name: row[name] for name in COLUMNS}
    values["attempts"] = attempts_from(values["attempts"])
    values["losses"] = _losses.decode(values["losses"]) if values["losses"] else ()
    values["stream"] = bool(values["stream"])
    values["usage_estimated"] = bool(values["usage_estimated"])
    return RequestRow(**values, receipt=None if receipt is None else receipt.encode())


def _clean_attempt(attempt: AttemptRow) -> AttemptRow:
    error = None if attempt.error is None else _storable(attempt.error)
    return msgspec.structs.replace(attempt, model=_storable(attempt.model), error=error)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


__all__ = [
    "COLUMNS",
    "RECEIPTS",
    "REQUESTS",
    "attempts_from",
    "clean",
    "columns_of",
    "receipt_columns",
    "request_columns",
    "request_from",
]
