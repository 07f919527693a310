"""What a render could not say: every dropped or changed value is one of these, never silence.

A loss also has a rule: the same for every place of its kind, so that receipts can be counted and a rule
be looked up in the guide.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect

LossKind = Literal["dropped", "emulated", "changed"]

_PLACE = re.compile(r"\[[^\[\]]*\]")


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a request or reply that the target could not take as it stood.

    `path` names it in the client's own terms (`messages[3].content[1]`, `logit_bias`); `kind` says
    whether it was dropped, emulated by other means, or changed (clamped, renamed, repaired);
    `reason` is a few plain words.
    """

    path: str
    kind: LossKind
    reason: str


def anywhere(path: str) -> str:
    """Return a path for all places of its kind: `messages[3].content[1]` is `messages[].content[]`."""
    return _PLACE.sub("[]", path)


def rule_of(path: str, kind: str, *, origin: Dialect, target: Dialect) -> str:
    """Return the rule a value fell under; `kind` is a loss's, or `refused`."""
    return f"{origin}>{target}:{anywhere(path)}:{kind}"


def rule_id(loss: Loss, origin: Dialect, target: Dialect) -> str:
    """Return a loss's rule, stable over requests: `openai_chat>anthropic:logit_bias:dropped`.

    For a loss of a reply the origin is the dialect of the answering host, the target the client's.
    """
    return rule_of(loss.path, loss.kind, origin=origin, target=target)


__all__ = ["Loss", "LossKind", "anywhere", "rule_id", "rule_of"]
