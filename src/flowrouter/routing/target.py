"""Who is asked for what: one leaf of a plan."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.dialect import Dialect


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked for what, in which dialect; `model` is the name the provider knows.

    `host` is what connections to it share (`api.openai.com:443`). `effort` is how much it is told to
    reason, whatever the request says: it stood behind the model's name. `key` tells this target from others in
    state and statistics: account and model, written once; what is given for it does not count.
    """

    account_id: str
    account: str
    preset: str
    model: str
    dialect: Dialect
    host: str = ""
    effort: str | None = None
    key: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "key", f"{self.account_id}:{self.model}")


__all__ = ["Target"]
