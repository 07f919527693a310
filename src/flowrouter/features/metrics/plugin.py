"""Joins the metrics to the program: counts are taken where exchanges are settled, `/metrics` tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from flowrouter import logs
from flowrouter.features.metrics.counts import Counts
from flowrouter.features.metrics.page import PATH, Page
from flowrouter.hookspecs import hook
from flowrouter.tasks import TaskGroup

if TYPE_CHECKING:
    from flowrouter.features.metrics.siblings import Siblings

FEATURE = "metrics"

_log = logs.get(FEATURE)


@hook
def setup(app: Any) -> None:
    """Begin to count and answer `/metrics`, unless the settings say no."""
    if not app.config.metrics.enabled:
        return
    counts = Counts(partial(getattr, app.configuration, "world"))
    siblings = None
    if app.config.server.workers > 1:
        from flowrouter.features.metrics.siblings import Siblings

        siblings = Siblings(app.config.data_dir, worker=app.worker)
    page = Page(app, counts, siblings)
    app.books.listen(counts.settled)
    app.pages[PATH] = page.answer
    app.features[FEATURE] = (page, siblings)


@hook
@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Leave what is counted to the other workers, where there are any."""
    page, siblings = app.features.get(FEATURE, (None, None))
    if siblings is None:
        yield
        return
    tasks = TaskGroup(logs.task_failed)
    tasks.start(FEATURE, _leave(page, siblings))
    try:
        yield
    finally:
        await tasks.close()
        await asyncio.to_thread(siblings.gone)


async def _leave(page: Page, siblings: Siblings) -> None:
    """Leave the counts for ever; a folder that takes nothing is told once."""
    from flowrouter.features.metrics.siblings import EVERY_SECONDS

    told = False
    while True:
        try:
            await asyncio.to_thread(siblings.leave, page.left())
        except OSError as error:
            if not told:
                _log.warning("other workers cannot see what this one counts", error=error)
            told = True
        await asyncio.sleep(EVERY_SECONDS)


__all__ = ["FEATURE"]
