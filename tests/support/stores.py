"""A store on either engine, for tests that must hold on both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowrouter.clock import Clock
from flowrouter.storage import Store, open_store

ENGINES = ("sqlite", "postgresql")


@contextmanager
def store_on(engine: str, request: pytest.FixtureRequest, data: Path, *, clock: Clock) -> Iterator[Store]:
    """Lend a new store on `engine`, with its keys in `data`."""
    if engine == "sqlite":
        yield open_store(data, master_key=None, clock=clock)
        return
    server = request.getfixturevalue("postgres_server")
    url = server.prepared()
    store = open_store(data, master_key=None, clock=clock, url=url)
    yield store
    store.place.close()
    server.drop(url)


__all__ = ["ENGINES", "store_on"]
