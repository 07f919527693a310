"""What lines say, but for numbers: lines that say the same need not all be searched for secrets.

A number is no secret unless `numeric` ones are known, and neither is the id that the gateway gave a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrouter.logs.lines import Record

Said = tuple[str | None, ...]

_NUMBERS = frozenset({int, float, bool, type(None)})
_TOLD = _NUMBERS | {str}
_ID = "request_id"
_LONGEST = 100


def said(record: Record) -> Said | None:
    """Return all of a line that can be or hold a secret, None where there is more than texts and numbers."""
    found: list[str | None] = [record.logger, record.message, *record.fields]
    for name, value in record.fields.items():
        if type(value) in _NUMBERS or name == _ID:
            found.append(None)
        elif type(value) is str:
            found.append(value)
        else:
            return None
    return tuple(found)


def said_alike(records: Sequence[Record]) -> list[Said] | None:
    """Return the ends of what lines of one kind say, the values of their fields, as `said` has them behind the names."""
    columns: list[Sequence[Any]] = []
    nothing = (None,) * len(records)
    values = zip(*[record.fields.values() for record in records], strict=True)
    for name, column in zip(records[0].fields, values, strict=True):
        types = set(map(type, column))
        if not types <= _TOLD:
            return None
        if name == _ID or str not in types:
            columns.append(nothing)
        else:
            columns.append(column if len(types) == 1 else [_text(value) for value in column])
    return list(zip(*columns, strict=True)) if columns else [()] * len(records)


def memorable(told: Said) -> bool:
    """Return whether what a line says is not too much to remember."""
    return all(part is None or len(part) <= _LONGEST for part in told)


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


__all__ = ["Said", "memorable", "said", "said_alike"]
