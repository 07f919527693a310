"""What a render could not say: every dropped or changed value is one of these, never silence."""

from __future__ import annotations

from typing import Literal

import msgspec


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a request or reply that the target could not take as it stood.

    `path` names it in the client's own terms (`messages[3].content[1]`, `logit_bias`); `kind` says
    whether it was dropped, emulated by other means, or changed (clamped, renamed, repaired);
    `reason` is a few plain words.
    """

    path: str
    kind: Literal["dropped", "emulated", "changed"]
    reason: str


__all__ = ["Loss"]
