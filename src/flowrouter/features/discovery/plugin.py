"""Joins the finder to the program: variables are looked at when it is built, ports while it serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flowrouter import logs
from flowrouter.features.discovery.finder import FEATURE, Finder
from flowrouter.hookspecs import hook
from flowrouter.tasks import TaskGroup


@hook
def setup(app: Any) -> None:
    """Look at the environment, unless the settings forbid it."""
    if app.config.discovery.enabled:
        app.features[FEATURE] = Finder(app.catalog, app.configuration)


@hook
@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Look at this machine's ports now and then while the gateway serves."""
    finder: Finder | None = app.features.get(FEATURE)
    if finder is None:
        yield
        return
    tasks = TaskGroup(logs.task_failed)
    tasks.start(FEATURE, finder.follow())
    try:
        yield
    finally:
        await tasks.close()


__all__: list[str] = []
