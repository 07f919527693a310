"""One turn of a conversation."""

from __future__ import annotations

from typing import Literal

import msgspec

from flowrouter.canonical.parts import ContentShape, Extra, Part

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What one role said; a `tool` message holds exactly one `ToolResult`.

    System and developer messages stand where the client put them; `Request.system` holds only
    what came in a dialect's own top-level slot. `place` is the client's own path to it where that is
    not `messages[n]` (`input[3]`).
    """

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    shape: ContentShape = "list"
    place: str = ""
    extra: Extra = {}


__all__ = ["Message", "Role"]
