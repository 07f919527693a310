"""The named places where a feature may take part; `plugins.py` loads the features in written order.

A plugin is a module with any of these functions. Each is asked once, at start; what it returns is
compiled into plain tuples (`plugins.Hooks`), so a place nobody uses costs a request nothing.

    stages()       edits of the canonical request and of reply events (makes the exchange translate)
    plan_edits()   functions (plan, head, caller) → plan
    verdict_edits() functions (verdict, problem, target) → verdict
    listeners()    functions (settlement) → None, told of every exchange once, after it ended
    setup(app)     told once that the program is built, served or not: the moment to provide accounts
                   (`app.configuration.provide`), to mount transports (`app.transport.mount`), to answer a
                   path (`app.pages`) and to be told of settlements (`app.books.listen`)
    lifespan(app)  an async context manager around the serving time
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from flowrouter.canonical.events import Event
    from flowrouter.canonical.head import Head
    from flowrouter.canonical.request import Request
    from flowrouter.httpkit.caller import Caller

NAME = "flowrouter"
spec = pluggy.HookspecMarker(NAME)
hook = pluggy.HookimplMarker(NAME)


class Stage(Protocol):
    """An edit of content; must be deterministic and independent of the turn's position.

    The same tool result must become the same text on every turn, and injections land behind the
    client's last cache mark: otherwise a stage breaks the provider's prompt cache.
    """

    name: str

    def applies(self, head: Head, caller: Caller) -> bool:
        """Return whether this exchange must be edited; decided from the head alone."""
        ...

    def edit_request(self, request: Request) -> Request:
        """Return the request to send."""
        ...

    def edit_reply(self) -> Callable[[Event], list[Event]] | None:
        """Return a fresh editor of reply events, or None to leave them alone."""
        ...


@spec
def stages() -> list[Stage]:
    """Return the stages, in the order they run."""
    raise NotImplementedError


@spec
def plan_edits() -> list[Callable[..., Any]]:
    """Return functions (plan, head, caller) → plan."""
    raise NotImplementedError


@spec
def verdict_edits() -> list[Callable[..., Any]]:
    """Return functions (verdict, problem, target) → verdict."""
    raise NotImplementedError


@spec
def listeners() -> list[Callable[..., None]]:
    """Return functions told of each settlement; they must not block."""
    raise NotImplementedError


@spec
def setup(app: Any) -> None:
    """Join the program that was just built; no event loop runs yet, and none may ever."""
    raise NotImplementedError


@spec
def lifespan(app: Any) -> AbstractAsyncContextManager[None]:
    """Return a context entered before serving and left after it."""
    raise NotImplementedError


__all__ = ["NAME", "Stage", "hook", "spec"]
