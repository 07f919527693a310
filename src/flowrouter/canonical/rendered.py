"""A request as it leaves for a target, with what must be undone on its reply."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.loss import Loss


class ReplyEdits(msgspec.Struct, frozen=True, kw_only=True):
    """What a render changed that the reply must change back.

    `names`: tool names the target sees → the client's. `custom`: target-side names of custom tools
    that went out as functions with one `input` string. `answer_tool`: the forced tool whose
    arguments are the structured answer. `bare`: JSON was asked for in words only, so that a Markdown
    fence around it goes.
    """

    names: dict[str, str] = {}
    custom: frozenset[str] = frozenset()
    answer_tool: str | None = None
    bare: bool = False

    def __bool__(self) -> bool:
        return self is not NO_EDITS and bool(self.names or self.custom or self.answer_tool or self.bare)


NO_EDITS = ReplyEdits()


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A body for the wire; `headers` are those the body itself requires (`anthropic-beta`)."""

    body: bytes
    losses: tuple[Loss, ...] = ()
    edits: ReplyEdits = NO_EDITS
    headers: tuple[tuple[str, str], ...] = ()


__all__ = ["NO_EDITS", "Rendered", "ReplyEdits"]
