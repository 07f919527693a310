"""Features come in through one door, in the order they are written down."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType
from typing import Any

import pluggy
import pytest

from flowrouter import plugins
from flowrouter.hookspecs import hook


class Feature:
    """A feature that leaves its name in every place."""

    def __init__(self, name: str, journal: list[str]) -> None:
        self._name = name
        self._journal = journal

    @hook
    def plan_edits(self) -> list[Callable[..., Any]]:
        return [lambda: f"{self._name} 1", lambda: f"{self._name} 2"]

    @hook
    def listeners(self) -> list[Callable[..., None]]:
        return [lambda settlement: self._journal.append(f"{self._name} heard {settlement}")]

    @hook
    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        self._journal.append(f"{self._name} starts with {app}")
        yield
        self._journal.append(f"{self._name} ends")


def test_nothing_brings_nothing() -> None:
    assert plugins.load(()) == plugins.Hooks()


def test_what_features_bring_keeps_their_order() -> None:
    journal: list[str] = []
    hooks = plugins.load((), extra=[Feature(name, journal) for name in "abc"])
    assert [edit() for edit in hooks.plan_edits] == ["a 1", "a 2", "b 1", "b 2", "c 1", "c 2"]
    for listener in hooks.listeners:
        listener("x")
    assert journal == ["a heard x", "b heard x", "c heard x"]
    assert hooks.stages == ()
    assert hooks.verdict_edits == ()


async def test_lifespans_nest_in_their_order() -> None:
    journal: list[str] = []
    hooks = plugins.load((), extra=[Feature(name, journal) for name in "ab"])
    async with AsyncExitStack() as stack:
        for lifespan in hooks.lifespans:
            await stack.enter_async_context(lifespan("app"))
    assert journal == ["a starts with app", "b starts with app", "b ends", "a ends"]


def test_modules_are_loaded_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("some_feature")
    module.plan_edits = hook(lambda: [len])  # type: ignore[attr-defined]
    module.plan_edits.__name__ = "plan_edits"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_feature", module)
    assert plugins.load(["some_feature"]).plan_edits == (len,)
    with pytest.raises(ValueError, match="some_feature"):
        plugins.load(["some_feature", "some_feature"])
    with pytest.raises(ModuleNotFoundError):
        plugins.load(["no_such_feature"])


def test_a_place_that_does_not_exist_is_a_mistake() -> None:
    class Misspelt:
        @hook
        def stagess(self) -> list[Any]:
            return []

    with pytest.raises(pluggy.PluginValidationError, match="stagess"):
        plugins.load((), extra=[Misspelt()])


def test_built_in_features_load() -> None:
    hooks = plugins.load()
    assert isinstance(hooks, plugins.Hooks)
    assert len(set(plugins.BUILT_IN)) == len(plugins.BUILT_IN)
