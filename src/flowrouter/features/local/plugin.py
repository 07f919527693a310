"""Joins the embedded model to the program: started before the gateway listens, ended after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flowrouter.hookspecs import hook


@hook
@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Run the model while the gateway serves, where the settings ask for it; raises `ConfigError`."""
    if not app.config.local:
        yield
        return
    from flowrouter.accounts.declared import declared
    from flowrouter.features.local.supervisor import LocalModel

    model = LocalModel()
    app.configuration.declare(declared(await model.start()))
    try:
        yield
    finally:
        await model.stop()


__all__ = ["lifespan"]
