"""Loads features in a written order and compiles what they bring into plain tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from types import ModuleType
from typing import Any

import msgspec
import pluggy

from flowrouter import hookspecs
from flowrouter.hookspecs import Stage

BUILT_IN: tuple[str, ...] = (
    "flowrouter.features.local.plugin",
    "flowrouter.features.discovery.plugin",
    "flowrouter.features.metrics.plugin",
    "flowrouter.features.tracing.plugin",
)
"""Features of this program in the order they take part; each names a module `…plugin`."""


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Everything plugins brought, in their written order."""

    stages: tuple[Stage, ...] = ()
    plan_edits: tuple[Callable[..., Any], ...] = ()
    verdict_edits: tuple[Callable[..., Any], ...] = ()
    listeners: tuple[Callable[..., None], ...] = ()
    setups: tuple[Callable[[Any], None], ...] = ()
    lifespans: tuple[Callable[[Any], AbstractAsyncContextManager[None]], ...] = ()


def load(names: Iterable[str] = BUILT_IN, *, extra: Iterable[object] = ()) -> Hooks:
    """Import the modules `names`, add the objects `extra`, and return what they bring."""
    manager = pluggy.PluginManager(hookspecs.NAME)
    manager.add_hookspecs(hookspecs)
    for plugin in (*map(import_module, names), *extra):
        manager.register(plugin, name=plugin.__name__ if isinstance(plugin, ModuleType) else None)
    manager.check_pending()
    return Hooks(
        stages=_gather(manager.hook.stages),
        plan_edits=_gather(manager.hook.plan_edits),
        verdict_edits=_gather(manager.hook.verdict_edits),
        listeners=_gather(manager.hook.listeners),
        setups=_functions(manager.hook.setup),
        lifespans=_functions(manager.hook.lifespan),
    )


def _functions(caller: Any) -> tuple[Any, ...]:
    """Return a hook's own functions, for those that are called once for each application."""
    return tuple(implementation.function for implementation in caller.get_hookimpls())


def _gather(caller: Any) -> tuple[Any, ...]:
    # pluggy calls the last registered first; features are to run in the order they are written.
    return tuple(item for result in reversed(caller()) for item in result)


__all__ = ["BUILT_IN", "Hooks", "load"]
