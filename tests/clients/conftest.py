"""The places and drivers of a worker, and the cell of the table that each test fills in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from tests.clients.cells import GATHERED, PROPERTY, Cell, Gathered
from tests.clients.driver import Drivers
from tests.clients.lab import Lab
from tests.clients.roster import INSTALLED


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gathered(GATHERED))


@pytest.fixture
def cell() -> Cell:
    """The cell of the table that the test fills in."""
    return Cell("", "", "")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The places of this worker."""
    if not INSTALLED.exists():
        pytest.fail("the clients are not installed; run `make clients`")
    made = Lab()
    yield made
    made.close()


@pytest.fixture(scope="session")
def drivers() -> Iterator[Drivers]:
    """The drivers of this worker."""
    made = Drivers()
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    said = getattr(item, "funcargs", {}).get("cell")
    if isinstance(said, Cell):
        item.user_properties[:] = [(PROPERTY, json.dumps(asdict(said)))]
    yield
