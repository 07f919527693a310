"""Pages of lists held in memory, continued after the last row seen.

A cursor is the sort key of that row, so rows that come or go between two pages shift nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import msgspec

from flowrouter.api.admin.envelope import Reply, page, refusal
from flowrouter.errors import CallerError

T = TypeVar("T")

Limit = Annotated[int, msgspec.Meta(ge=1, le=200, description="rows per page")]
Cursor = Annotated[str, msgspec.Meta(description="`next_cursor` of the page before")]


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


def paged(items: Iterable[T], query: PageQuery, *, key: Callable[[T], tuple[Any, ...]]) -> Reply:
    """Return one page of `items` in the order of `key`, which must tell any two of them apart."""
    rows = sorted(items, key=key)
    if query.cursor is not None:
        after = _read(query.cursor)
        try:
            rows = [row for row in rows if key(row) > after]
        except TypeError:
            raise bad_cursor() from None
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return page(shown, _written(key(shown[-1])) if more else None)


def bad_cursor() -> CallerError:
    """Return the refusal of a cursor that no page of this list gave."""
    return refusal("`cursor` belongs to no page of this list", param="cursor", fix="begin again without it")


def _written(key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _read(cursor: str) -> tuple[Any, ...]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(text, type=tuple[int | str, ...])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise bad_cursor() from None


__all__ = ["Cursor", "Limit", "PageQuery", "bad_cursor", "paged"]
