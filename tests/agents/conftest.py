"""One stand per worker, checked after every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.stand import Stand

ALIASES = {"other-name": "gemini/gemini-3.5-flash"}


@pytest.fixture(scope="session")
def shared_stand() -> Iterator[Stand]:
    """The stand of this worker; starting it costs more than any one test."""
    stand = Stand(settings={"models": {"aliases": ALIASES}}).start()
    yield stand
    stand.stop()


@pytest.fixture
def stand(shared_stand: Stand) -> Iterator[Stand]:
    """The stand with empty journals; afterwards it must have seen nothing malformed and no secret."""
    shared_stand.begin()
    yield shared_stand
    shared_stand.check()
