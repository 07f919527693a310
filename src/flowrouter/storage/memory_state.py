"""Shared state in this process's memory: right for one worker, forgotten when it ends."""

from __future__ import annotations

from flowrouter.clock import Clock

MAX_ENTRIES = 100_000
MAX_BYTES = 64 * 1024 * 1024
_SWEEP_EVERY = 1_000


class MemoryStateStore:
    """A `StateStore` bounded in entries and bytes.

    Expired entries go when read, and all at once every thousand writes. Where there is still too
    much, those written longest ago leave first, counted in `evicted`. A counter keeps its place
    from its first `add`, as it keeps its time.
    """

    shared = False
    place = "memory"
    away_seconds: float | None = None
    share = 1

    def __init__(self, clock: Clock, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[str, tuple[bytes, float | None]] = {}
        self._places: dict[str, dict[str, float]] = {}
        self._bytes = 0
        self._writes = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def strict(self) -> MemoryStateStore:
        """Return this store: it is never away."""
        return self

    async def open(self) -> None:
        """Do nothing: memory is there."""

    async def ping(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def get(self, key: str) -> bytes | None:
        """Return the value of `key`; a counter reads as its decimal digits."""
        entry = self._live(key)
        return None if entry is None else entry[0]

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Set `key`, whatever it was."""
        self._set(key, value, self._until(ttl))

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Set `key` unless it exists; return whether this call set it."""
        if self._live(key) is not None:
            return False
        self._set(key, value, self._until(ttl))
        return True

    async def delete(self, key: str) -> bool:
        """Remove `key`; return whether it existed."""
        existed = self._live(key) is not None
        self._remove(key)
        return existed

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        """Add to the counter `key` and return the sum; raises `ValueError` where it is not a number."""
        entry = self._live(key)
        if entry is None:
            self._set(key, b"%d" % amount, self._until(ttl))
            return amount
        total = int(entry[0]) + amount
        value = b"%d" % total
        self._bytes += len(value) - len(entry[0])
        self._entries[key] = (value, entry[1])
        return total

    async def scan(self, prefix: str) -> dict[str, bytes]:
        """Return the live entries whose keys begin with `prefix`."""
        found = {key: self._live(key) for key in [key for key in self._entries if key.startswith(prefix)]}
        return {key: entry[0] for key, entry in found.items() if entry is not None}

    async def take(self, key: str, *, holder: str, limit: int, ttl: float) -> bool:
        """Let `holder` have one of the `limit` places of `key` for `ttl` seconds."""
        now = self._clock.monotonic()
        places = {name: until for name, until in self._places.get(key, {}).items() if until > now}
        taken = holder in places or len(places) < limit
        if taken:
            places[holder] = now + ttl
        self._places[key] = places
        return taken

    async def leave(self, key: str, *, holder: str) -> None:
        """Give a place back."""
        places = self._places.get(key)
        if places is not None:
            places.pop(holder, None)
            if not places:
                del self._places[key]

    def contents(self) -> tuple[list[tuple[str, bytes, float | None]], list[tuple[str, str, float]]]:
        """Return all there is: values (key, value, seconds left) and places (key, holder, seconds left)."""
        now = self._clock.monotonic()
        values = [
            (key, value, None if until is None else until - now)
            for key, (value, until) in self._entries.items()
            if until is None or until > now
        ]
        places = [
            (key, holder, until - now)
            for key, held in self._places.items()
            for holder, until in held.items()
            if until > now
        ]
        return values, places

    def _until(self, ttl: float | None) -> float | None:
        return None if ttl is None else self._clock.monotonic() + ttl

    def _live(self, key: str) -> tuple[bytes, float | None] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] is not None and entry[1] <= self._clock.monotonic():
            self._remove(key)
            return None
        return entry

    def _set(self, key: str, value: bytes, until: float | None) -> None:
        self._remove(key)
        self._entries[key] = (value, until)
        self._bytes += len(key) + len(value)
        self._writes += 1
        if self._writes % _SWEEP_EVERY == 0 or self._overfull():
            self._sweep()

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(key) + len(entry[0])

    def _overfull(self) -> bool:
        return len(self._entries) > self._max_entries or self._bytes > self._max_bytes

    def _sweep(self) -> None:
        """Drop what has expired, then the oldest until the bounds hold with a tenth to spare."""
        now = self._clock.monotonic()
        for key in [key for key, (_, until) in self._entries.items() if until is not None and until <= now]:
            self._remove(key)
        if not self._overfull():
            return
        entries, size = self._max_entries * 9 // 10, self._max_bytes * 9 // 10
        while self._entries and (len(self._entries) > entries or self._bytes > size):
            self._remove(next(iter(self._entries)))
            self.evicted += 1


__all__ = ["MemoryStateStore"]
