"""Shared state in Redis; loaded only where `[state] redis` names one.

All calls of this process share one connection: what is asked while an answer is under way leaves
together as the next batch. So a thousand requests at once cost a few round trips, and nobody waits for
a free connection. Each call is one command or one script, which Redis runs alone; times are Redis's own.

Patience is short (`timeout`), and time in which this process was itself late does not count: a busy
worker must not take Redis for dead. What goes wrong is a `StorageError`; `fallback` lives with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from flowrouter import logs
from flowrouter.errors import ConfigError, StorageError
from flowrouter.tasks import TaskGroup

_BATCH = 500
_TICKS = 5
_LATE = 0.01
"""Seconds by which a timer may be late in a process that is not busy."""

_MOST_TICKS = 4 * _TICKS
_SOCKET_SECONDS = 5.0

_ADD = """
local had = redis.call('EXISTS', KEYS[1])
redis.call('INCRBY', KEYS[1], ARGV[1])
if had == 0 and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
"""
"""The sum goes back as text: Lua's numbers lose digits beyond 2^53."""

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], ttl) end
return 1
"""

Command = tuple[Any, ...]


class StateDeniedError(StorageError):
    """The server of the shared state does not take our credentials, or not for what is needed."""


class RedisStateStore:
    """A `StateStore` that all workers and machines with the same address and prefix share.

    `timeout` is in seconds. `place` names the server without its credentials.
    """

    shared = True
    share = 1

    def __init__(self, url: str, *, prefix: str, timeout: float, tasks: TaskGroup) -> None:
        self.place = _place(url)
        self._client = _client(url)
        self._values = f"{prefix}v:".encode()
        self._places = f"{prefix}p:".encode()
        self._timeout = timeout
        self._tasks = tasks
        self._queue: deque[tuple[Command, asyncio.Future[Any]]] = deque()
        self._sending: asyncio.Task[None] | None = None

    @property
    def strict(self) -> RedisStateStore:
        """Return this store: it never stands in for itself."""
        return self

    async def ping(self) -> None:
        """Return once Redis has answered; raises `StorageError` (`StateDeniedError`: it lets nobody in)."""
        await self._ask("PING")

    async def close(self) -> None:
        """Close the connection."""
        with suppress(exceptions.RedisError, OSError):
            await self._client.aclose()

    async def get(self, key: str) -> bytes | None:
        """Return the value of `key`; a counter reads as its decimal digits."""
        return await self._ask("GET", self._value(key))

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Set `key`, whatever it was."""
        await self._ask("SET", self._value(key), value, *_lasting(ttl))

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Set `key` unless it exists; return whether this call set it."""
        return await self._ask("SET", self._value(key), value, "NX", *_lasting(ttl)) is not None

    async def delete(self, key: str) -> bool:
        """Remove `key`; return whether it existed."""
        return await self._ask("DEL", self._value(key)) == 1

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        """Add to the counter `key` and return the sum; raises `ValueError` where it is not a number."""
        milliseconds = "" if ttl is None else _milliseconds(ttl)
        return int(await self._ask("EVAL", _ADD, 1, self._value(key), amount, milliseconds))

    async def scan(self, prefix: str) -> dict[str, bytes]:
        """Return the live entries whose keys begin with `prefix`."""
        pattern = _literal(self._value(prefix)) + b"*"
        found: set[bytes] = set()
        cursor: Any = 0
        while True:
            cursor, keys = await self._ask("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            found.update(keys)
            if int(cursor) == 0:
                break
        names = sorted(found)
        entries: dict[str, bytes] = {}
        for start in range(0, len(names), _BATCH):
            part = names[start : start + _BATCH]
            values: Sequence[bytes | None] = await self._ask("MGET", *part)
            pairs = zip(part, values, strict=True)
            entries.update(
                (name[len(self._values) :].decode(), value) for name, value in pairs if value is not None
            )
        return entries

    async def take(self, key: str, *, holder: str, limit: int, ttl: float) -> bool:
        """Let `holder` have one of the `limit` places of `key` for `ttl` seconds."""
        place = self._places + key.encode()
        return await self._ask("EVAL", _TAKE, 1, place, holder, limit, _milliseconds(ttl)) == 1

    async def leave(self, key: str, *, holder: str) -> None:
        """Give a place back."""
        await self._ask("ZREM", self._places + key.encode(), holder)

    def _value(self, key: str) -> bytes:
        return self._values + key.encode()

    async def _ask(self, *command: Any) -> Any:
        """Return the answer to one command; raises `StorageError`, `ValueError`."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append((command, answer))
        if self._sending is None:
            self._sending = self._tasks.start("redis", self._send_all())
            self._sending.add_done_callback(self._sent)
        found = await answer
        if isinstance(found, exceptions.ResponseError):
            raise self._refusal(found) from None
        return found

    async def _send_all(self) -> None:
        """Send what is queued, batch after batch, until nothing is; all of it fails with the first that does."""
        try:
            while self._queue:
                size = min(len(self._queue), _BATCH)
                batch = [self._queue.popleft() for _ in range(size)]
                wanted = [(command, answer) for command, answer in batch if not answer.done()]
                try:
                    answers = await self._send([command for command, _ in wanted])
                except StorageError as error:
                    _fail((answer for _, answer in (*wanted, *self._queue)), error)
                    self._queue.clear()
                    return
                except BaseException:
                    _fail((answer for _, answer in (*wanted, *self._queue)), self._unasked())
                    self._queue.clear()
                    raise
                for (_, answer), found in zip(wanted, answers, strict=True):
                    if not answer.done():
                        answer.set_result(found)
        finally:
            self._sending = None

    def _sent(self, task: asyncio.Task[None]) -> None:
        """Clear up after a task that was cancelled before its first step, which runs none of its own clearing up."""
        if self._sending is task:
            self._sending = None
            _fail((answer for _, answer in self._queue), self._unasked())
            self._queue.clear()

    def _unasked(self) -> StorageError:
        return StorageError(f"the shared state at {self.place} was not asked to the end")

    async def _send(self, commands: list[Command]) -> list[Any]:
        """Return the answers to one batch; the connection is dropped where they do not come."""
        if not commands:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            async with asyncio.timeout(None) as deadline, _Patience(self._timeout, deadline):
                return await pipeline.execute(raise_on_error=False)
        except exceptions.AuthenticationError as error:
            await self._drop()
            raise _denied(self.place) from error
        except (exceptions.RedisError, OSError, TimeoutError) as error:
            await self._drop()
            reason = (
                f"it is silent for {self._timeout:g} s" if isinstance(error, TimeoutError) else _kind(error)
            )
            raise StorageError(f"the shared state at {self.place} does not answer: {reason}") from None
        except BaseException:
            await self._drop()
            raise

    async def _drop(self) -> None:
        """Close the connection: an answer still under way would be taken for the next one's."""
        with suppress(exceptions.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._client.connection_pool.disconnect(inuse_connections=True)

    def _refusal(self, error: exceptions.ResponseError) -> Exception:
        text = str(error)
        if "not an integer" in text or "overflow" in text:
            return ValueError("the value is not a whole number")
        if isinstance(error, exceptions.NoPermissionError) or text.startswith(
            ("NOAUTH", "WRONGPASS", "NOPERM")
        ):
            return _denied(self.place)
        return StorageError(
            f"the shared state at {self.place} refuses: {text.partition(' script:')[0][:200]}"
        )


class _Patience:
    """Ends a wait after `limit` seconds of this process's own attention.

    The time is taken in ticks; one that comes late tells that the process was busy, and does not count.
    """

    def __init__(self, limit: float, deadline: asyncio.Timeout) -> None:
        self._step = limit / _TICKS
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._counted = self._seen = 0

    async def __aenter__(self) -> None:
        self._set()

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()

    def _set(self) -> None:
        self._due = self._loop.time() + self._step
        self._timer = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self._seen += 1
        self._counted += self._loop.time() - self._due < _LATE
        if self._counted >= _TICKS or self._seen >= _MOST_TICKS:
            self._deadline.reschedule(self._loop.time())
        else:
            self._set()


def _client(url: str) -> Redis:
    try:
        parts = urlsplit(url)
        logs.hide(parts.password, unquote(parts.password or ""))
        return Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_SOCKET_SECONDS,
            socket_connect_timeout=_SOCKET_SECONDS,
        )
    except (ValueError, exceptions.RedisError):  # its words would repeat parts of the address
        raise ConfigError(
            "[state] redis is no address of a Redis server",
            fix="write redis://HOST:6379/0, rediss://HOST:6379/0 for TLS, or unix:///PATH; "
            "a password stands before the host as :PASSWORD@, its special characters written as %XX",
        ) from None


def _place(url: str) -> str:
    """Return `url` without credentials and options."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"
    return "redis"


def _denied(place: str) -> StateDeniedError:
    return StateDeniedError(
        f"the Redis server at {place} does not let the gateway in "
        "(check user and password in [state] redis; the user needs reading, writing and scripts)"
    )


def _kind(error: BaseException) -> str:
    """Return what happened without an address or a secret in it."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return type(error).__name__


def _fail(answers: Iterable[asyncio.Future[Any]], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)


def _lasting(ttl: float | None) -> tuple[object, ...]:
    return () if ttl is None else ("PX", _milliseconds(ttl))


def _milliseconds(ttl: float) -> int:
    return max(1, round(ttl * 1000))


def _literal(name: bytes) -> bytes:
    """Return `name` as a pattern that matches only itself."""
    return b"".join(
        b"\\" + name[at : at + 1] if name[at] in b"\\*?[]^-" else name[at : at + 1] for at in range(len(name))
    )


__all__ = ["RedisStateStore", "StateDeniedError"]
