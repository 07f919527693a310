"""Joins the embedded model to the program: an account that is there whenever the model can be run.

The file and the package are looked for again while the gateway serves, so that `local pull` beside a
running gateway is enough. An account of yours that is called `local` hides this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.features.local import weights
from flowrouter.features.local.supervisor import HOST, LocalModel
from flowrouter.features.local.weights import Weights
from flowrouter.hookspecs import hook
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.tasks import TaskGroup

ACCOUNT = "local"
"""Name of the account, and of the preset it belongs to."""

LOOK_SECONDS = 3.0

_PRIORITY = 1000


class Embedded:
    """Offers the model that is there now, if one is."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._model: LocalModel | None = None

    async def follow(self) -> None:
        """Look for changes for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before = self._model
            self.look()
            if before is not None and before is not self._model:
                await before.close()

    def look(self) -> None:
        """Provide the account as things stand now."""
        settings = self._app.config.local
        found = weights.find(settings.model, self._app.config.data_dir) if weights.has_runtime() else None
        if found == (self._model.weights if self._model is not None else None):
            return
        self._model = self._made(found) if found is not None else None
        accounts = [account_for(found)] if found is not None else []
        self._app.configuration.provide(ACCOUNT, lambda *_: accounts)

    def _made(self, found: Weights) -> LocalModel:
        idle = self._app.config.local.idle_minutes * 60
        model = LocalModel(found, network=self._app.inside, idle=idle)
        self._app.transport.mount(HOST, model)
        return model


def account_for(found: Weights) -> Account:
    """Return the account through which the gateway asks the model."""
    return Account(
        id=f"embedded:{ACCOUNT}",
        name=ACCOUNT,
        preset=ACCOUNT,
        owner_id=LOCAL_OWNER,
        base_url=f"http://{HOST}/v1",
        models=(found.model,),
        priority=_PRIORITY,
        source="embedded",
    )


@hook
def setup(app: Any) -> None:
    """Offer the model, unless the settings leave it out."""
    if app.config.local.mode != "off":
        app.features[ACCOUNT] = embedded = Embedded(app)
        embedded.look()


@hook
@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Follow what comes and goes while the gateway serves."""
    if app.config.local.mode == "off":
        yield
        return
    tasks = TaskGroup(logs.task_failed)
    tasks.start("embedded model look-out", app.features[ACCOUNT].follow())
    try:
        yield
    finally:
        await tasks.close()


__all__ = ["ACCOUNT", "Embedded", "account_for"]
