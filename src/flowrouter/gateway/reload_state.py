"""How the last reading of the configuration file went, for people."""

from __future__ import annotations

import msgspec


class ReloadState(msgspec.Struct, frozen=True, kw_only=True):
    """Which file is watched, when it was last read well, and what is wrong with it now.

    `error` says why the file as it stands is not in force, `restart_needed` names settings that changed in
    it and are taken up at the next start only. Times are milliseconds since the epoch.
    """

    file: str | None = None
    loaded_at_ms: int = 0
    reloads: int = 0
    error: str | None = None
    restart_needed: tuple[str, ...] = ()


__all__ = ["ReloadState"]
