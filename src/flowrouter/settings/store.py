"""Settings of `[store]`: where configuration, logs and books are kept."""

from __future__ import annotations

from flowrouter.settings.section import Section


class Store(Section, frozen=True):
    """Where everything that lasts is kept: in a file of the data folder, or in PostgreSQL at `url`.

    `url` is an address such as `postgresql://user:password@db.example.com/flow_router`, which `repr` hides
    because it may hold a password; it may be `env:NAME`.
    """

    url: str = ""

    def __repr__(self) -> str:
        return f"Store(url={'***' if self.url else ''!r})"


__all__ = ["Store"]
