"""Request rows as SQL parameters and back; column names are the row's own field names."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.loss import Loss
from flowrouter.gateway.ports import AttemptRow, RequestRow
from flowrouter.storage.rows import Row

COLUMNS: tuple[str, ...] = tuple(
    name for name in RequestRow.__struct_fields__ if name not in ("budgets", "receipt")
)

INSERT = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 our own names
    " ON CONFLICT (id) DO NOTHING"
)
INSERT_RECEIPT = (
    "INSERT INTO receipts (request_id, owner_id, created_at_ms, body) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (request_id) DO NOTHING"
)

_ATTEMPTS = COLUMNS.index("attempts")
_LOSSES = COLUMNS.index("losses")
_encode = msgspec.json.Encoder().encode
_attempts = msgspec.json.Decoder(tuple[AttemptRow, ...])
_losses = msgspec.json.Decoder(tuple[Loss, ...])


def parameters(row: RequestRow) -> list[Any]:
    """Return the values of `INSERT`, in its order; no attempts and no losses are NULL."""
    values: list[Any] = list(msgspec.structs.astuple(row)[: len(COLUMNS)])
    values[_ATTEMPTS] = _encode(row.attempts).decode() if row.attempts else None
    values[_LOSSES] = _encode(row.losses).decode() if row.losses else None
    return values


def receipt_parameters(row: RequestRow) -> tuple[Any, ...]:
    """Return the values of `INSERT_RECEIPT` for a row that has a receipt."""
    return (row.id, row.owner_id, row.ts_ms, (row.receipt or b"").decode())


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
    values["attempts"] = _attempts.decode(values["attempts"]) if values["attempts"] else ()
    values["losses"] = _losses.decode(values["losses"]) if values["losses"] else ()
    values["stream"] = bool(values["stream"])
    values["usage_estimated"] = bool(values["usage_estimated"])
    return RequestRow(**values, receipt=None if receipt is None else receipt.encode())


def _clean_attempt(attempt: AttemptRow) -> AttemptRow:
    if attempt.error is None:
        return attempt
    return msgspec.structs.replace(attempt, error=_storable(attempt.error))


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


__all__ = ["COLUMNS", "INSERT", "INSERT_RECEIPT", "clean", "parameters", "receipt_parameters", "request_from"]
