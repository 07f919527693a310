"""One thing that was found: a provider, and where."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`preset` is a preset's id, `found_in` what to show people; `variable` is None for a server."""

    preset: str
    found_in: str
    variable: str | None = None


__all__ = ["Finding"]
