"""Reads the configuration file again while the gateway runs: when it changes, and when it is told to (SIGHUP).

What lies in the world is taken up at once: accounts, names, routing, prices, budgets. Requests in flight keep
the world they began with. All else was handed out at the start, so a change of it is named and waits for the
next one. A file that cannot be read, or holds a mistake, changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from flowrouter import logs
from flowrouter.accounts.declared import declared
from flowrouter.clock import Clock
from flowrouter.config import FILE_NAME, Config
from flowrouter.errors import ConfigError
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.reload_state import ReloadState
from flowrouter.settings import Section

LIVE = ("accounts", "budgets", "models", "prices", "recording", "reply_model", "routing")
"""Tables that are taken up while the gateway runs."""

LIVE_LOGS = ("level", "format")

_LOOK_SECONDS = 0.25
_WATCH_SECONDS = 1.0

_Stamp = tuple[int, int, int] | None


class Reloading:
    """Watches one configuration file for a running program's configuration.

    `baseline` are the settings as they were read at the start, `reread` reads them again, flags and variables
    included.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        baseline: Config,
        reread: Callable[[], Config],
        clock: Clock,
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._baseline = baseline
        self._last = baseline
        self._reread = reread
        self._path = Path(baseline.file) if baseline.file else Path(baseline.data) / FILE_NAME
        self._stamp = _stamp(self._path)
        self._asked = False
        self._log = logs.get("configuration")
        self.state = ReloadState(file=baseline.file, loaded_at_ms=self._now_ms())

    def ask(self) -> None:
        """Have the file read at the next look, a quarter of a second from now; a signal may call this."""
        self._asked = True

    async def follow(self) -> None:
        """Watch for ever."""
        watching = self._baseline.server.reload == "watch"
        seen = self._stamp
        looked = 0.0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._asked:
                self._asked = False
                self._stamp = seen = _stamp(self._path)
                await self.reload()
                continue
            now = self._clock.monotonic()
            if not watching or now - looked < _WATCH_SECONDS:
                continue
            looked, found = now, _stamp(self._path)
            # Whoever writes a file may be in the middle of it: what changed is read once it stands still.
            if found != self._stamp and found == seen:
                self._stamp = found
                await self.reload()
            seen = found

    async def reload(self) -> ReloadState:
        """Read the file now and take up what can be; a mistake leaves all as it is and stands in the state."""
        try:
            fresh = await asyncio.to_thread(self._read)
            self._take_up(fresh)
        except ConfigError as error:
            self._refuse(error.message)
        except Exception as error:  # noqa: BLE001 - whatever a file brings about must not end the watching
            self._log.error("reading the configuration again failed", error=error)
            self._refuse(f"{type(error).__name__}: {error}")
        return self.state

    def _read(self) -> Config:
        if self._last.file and not self._path.exists():
            raise ConfigError(f"the configuration file {self._path} is gone", fix="put it back")
        return self._reread()

    def _take_up(self, fresh: Config) -> None:
        configuration = self._configuration
        changed = tuple(name for name in LIVE if getattr(fresh, name) != getattr(self._last, name))
        live = {name: getattr(fresh, name) for name in LIVE}
        kept = msgspec.structs.replace(configuration.config, **live, file=fresh.file)
        configuration.adopt(kept, tuple(declared(account) for account in fresh.accounts))
        if (fresh.logs.level, fresh.logs.format) != (self._last.logs.level, self._last.logs.format):
            logs.configure(fresh.logs.level, format=fresh.logs.format)
            changed = (*changed, "logs")
        waiting = tuple(sorted(_waiting(self._baseline, fresh)))
        self._last = fresh
        self.state = ReloadState(
            file=fresh.file,
            loaded_at_ms=self._now_ms(),
            reloads=self.state.reloads + 1,
            restart_needed=waiting,
        )
        self._log.info(
            "the configuration file was read again", file=fresh.file, changed=list(changed) or "nothing"
        )
        if waiting:
            self._log.warning("these settings changed and need a restart", settings=list(waiting))

    def _refuse(self, reason: str) -> None:
        reason = logs.redact(reason)
        self.state = msgspec.structs.replace(self.state, error=reason)
        self._log.error(
            "the configuration file is not in force; the last good configuration stays", reason=reason
        )

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _waiting(old: Section, new: Section, prefix: str = "") -> Iterator[str]:
    """Yield the settings that differ and are not taken up, by their dotted names."""
    for field in msgspec.structs.fields(type(old)):
        name = f"{prefix}{field.name}"
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after or name in LIVE or name in _OWN or name in _LIVE_NAMES:
            continue
        if isinstance(before, Section) and isinstance(after, Section):
            yield from _waiting(before, after, f"{name}.")
        else:
            yield name


_OWN = ("file", "master_key")
_LIVE_NAMES = frozenset(f"logs.{name}" for name in LIVE_LOGS)


def _stamp(path: Path) -> _Stamp:
    """Return what tells one state of a file from another, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


__all__ = ["LIVE", "Reloading"]
