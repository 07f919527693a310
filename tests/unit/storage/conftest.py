"""A store in a temporary directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter.storage import Store, open_store
from tests.contracts.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Store:
    return open_store(tmp_path, master_key=None, clock=clock)
