"""One stage per worker: every case asks for a model name of its own, so that cases never meet."""

from collections.abc import Iterator

import pytest

from tests.faults.stage import Stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The vendors and the gateway."""
    started = Stage().start()
    yield started
    started.stop()
