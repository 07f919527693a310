"""Keeps the access tokens of accounts fresh: exactly one request per token that runs out, whoever notices.

Within a process, whoever needs a token waits for the one task that gets it. Between processes and machines,
the one that has every lock asks; the others look at the place the tokens are kept in until the new one is
there. A rotated refresh token is kept before the access token is used. A refusal is remembered: for half
an hour nobody asks again after one that lasts, for a minute after a failure.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.accounts.oauth import RefreshError, Token, token_in, token_request
from flowrouter.clock import Clock
from flowrouter.errors import StorageError, UpstreamError
from flowrouter.logs import Logger
from flowrouter.tasks import TaskGroup
from flowrouter.upstream import EgressError, Transport

LOOK_SECONDS = 15.0
"""How often tokens are looked at whether they are due."""

_ANSWER_SECONDS = 30.0
_LOCK_SECONDS = 60.0
_PATIENCE = 45.0
_GLANCE = 0.1
_ANSWER_MAX = 64 * 1024
_JUST_NOW = 30.0
"""A token that is refused so soon after it was got is not renewed: another one would be refused as well."""


class Lock(Protocol):
    """Something that one process at a time can have; raises `StorageError` where it cannot be asked."""

    async def take(self, name: str, holder: str, *, ttl: float) -> bool:
        """Let `holder` have `name` for at most `ttl` seconds; False where another has it."""
        ...

    async def leave(self, name: str, holder: str) -> None:
        """Give it back, unless another has it meanwhile."""
        ...


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Why no token is asked for by these terms until a time (seconds since the epoch)."""

    until: float
    message: str
    lasting: bool
    terms: str


class TokenPlace(Protocol):
    """Where tokens and refusals are kept for all processes; raises `StorageError`."""

    async def load(self, account: Account) -> Token | None:
        """Return the newest token of `account`."""
        ...

    async def save(self, account: Account, token: Token) -> None:
        """Keep `token`, replacing the older one."""
        ...

    async def pause_of(self, account: Account) -> Pause | None:
        """Return why not to ask now, if another process knows."""
        ...

    async def pause(self, account: Account, pause: Pause, *, ttl: float) -> None:
        """Tell the other processes not to ask."""
        ...


class Refresher:
    """Lends accounts their access tokens; what it needs is given once.

    `changed` is called when an account has another token or another problem.
    """

    def __init__(
        self,
        transport: Transport,
        place: TokenPlace,
        *,
        locks: Sequence[Lock],
        clock: Clock,
        tasks: TaskGroup,
        log: Logger,
    ) -> None:
        self._transport = transport
        self._place = place
        self._locks = locks
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._tokens: dict[str, Token] = {}
        self._pauses: dict[str, Pause] = {}
        self._running: dict[str, asyncio.Task[Token | RefreshError]] = {}
        self.changed: Callable[[], None] = _nobody

    def present(self, account: Account) -> Account:
        """Return `account` with the token it has now, or with the problem that it has none for good."""
        if account.oauth is None:
            return account
        token, now = self._token(account), self._clock.now()
        if token is not None and not token.expired(now):
            return msgspec.structs.replace(account, api_key=Secret(token.access_token))
        pause = self._pause(account)
        if pause is not None and pause.lasting:
            return msgspec.structs.replace(account, api_key=None, trouble=pause.message)
        return msgspec.structs.replace(account, api_key=None)

    async def ready(self, account: Account) -> Account:
        """Return `account` with a token that can be used; raises `RefreshError`.

        A token that is due but good is used while its successor is fetched.
        """
        if account.oauth is None:
            return account
        token, now = self._token(account), self._clock.now()
        if token is None or token.expired(now):
            if (pause := self._pause(account)) is not None:
                raise _as_error(pause, now)
            await self._renewed(account, refused=None)
        elif token.due(now) and self._pause(account) is None:
            self._start(account, refused=None)
        return self.present(account)

    async def replaced(self, account: Account) -> Account | None:
        """Return `account` with another token than the one it was refused with, None where there is none."""
        if account.oauth is None or account.api_key is None:
            return None
        refused = account.api_key.reveal()
        token = self._token(account)
        if token is not None and token.access_token == refused:
            if self._clock.now() - token.obtained_at < _JUST_NOW:
                return None
            try:
                await self._renewed(account, refused=refused)
            except RefreshError:
                return None
        fresh = self.present(account)
        return None if fresh.api_key is None or fresh.api_key.reveal() == refused else fresh

    async def keep(self, accounts: Callable[[], Iterable[Account]]) -> None:
        """Renew tokens ahead of their end, for ever."""
        while True:
            for account in accounts():
                if account.oauth is not None and account.enabled and self._pause(account) is None:
                    token = self._token(account)
                    if token is None or token.due(self._clock.now()):
                        self._start(account, refused=None)
            await asyncio.sleep(LOOK_SECONDS)

    def _token(self, account: Account) -> Token | None:
        token = self._tokens.get(account.id)
        if token is None or account.oauth is None or token.terms != account.oauth.terms:
            return None
        return token

    def _pause(self, account: Account) -> Pause | None:
        """Return why not to ask now."""
        pause = self._pauses.get(account.id)
        return pause if pause is not None and _holds(pause, account, self._clock.now()) else None

    async def _renewed(self, account: Account, *, refused: str | None) -> Token:
        """Wait for the new token; who waits may go away, the fetching goes on."""
        outcome = await asyncio.shield(self._start(account, refused=refused))
        if isinstance(outcome, RefreshError):
            raise RefreshError(outcome.message, lasting=outcome.lasting, retry_after=outcome.retry_after)
        return outcome

    def _start(self, account: Account, *, refused: str | None) -> asyncio.Task[Token | RefreshError]:
        running = self._running.get(account.id)
        if running is None:
            running = self._running[account.id] = self._tasks.start(
                f"access of {account.name}", self._outcome(account, refused)
            )
            running.add_done_callback(lambda _: self._running.pop(account.id, None))
        return running

    async def _outcome(self, account: Account, refused: str | None) -> Token | RefreshError:
        """Return what came of it: that no token is to be had is no failure of the task."""
        try:
            return await self._obtain(account, refused=refused)
        except RefreshError as error:
            return error

    async def _obtain(self, account: Account, *, refused: str | None) -> Token:
        """Return a good token: one that another process got, or a new one."""
        holder, patience = secrets.token_hex(8), self._clock.monotonic() + _PATIENCE
        try:
            while True:
                token = await self._found(account, refused)
                if token is not None:
                    return token
                await self._heed_pause(account)
                if await self._take(account, holder):
                    break
                if self._clock.monotonic() > patience:
                    raise RefreshError("another process is renewing the access", retry_after=1.0)
                await asyncio.sleep(_GLANCE)
        except StorageError as error:
            raise RefreshError(
                f"the access cannot be renewed now: {error.message}", retry_after=1.0
            ) from error
        try:
            return await self._found(account, refused) or await self._ask(account)
        except RefreshError as error:
            await self._note(account, error)
            raise
        finally:
            await self._leave(account, holder)

    async def _found(self, account: Account, refused: str | None) -> Token | None:
        """Return the kept token if it is another one than `refused` and not due."""
        token = await self._place.load(account)
        assert account.oauth is not None
        if token is None or token.terms != account.oauth.terms:
            return None
        if token.access_token == refused or token.due(self._clock.now()):
            return None
        self._hold(account, token)
        return token

    async def _heed_pause(self, account: Account) -> None:
        pause, now = self._pause(account), self._clock.now()
        if pause is None:
            pause = await self._place.pause_of(account)
            if pause is None or not _holds(pause, account, now):
                return
            self._pauses[account.id] = pause
            self.changed()
        raise _as_error(pause, now)

    async def _ask(self, account: Account) -> Token:
        """Get a new token and keep it; raises `RefreshError`."""
        oauth = account.oauth
        assert oauth is not None
        held = await self._place.load(account)
        if held is not None and held.terms != oauth.terms:
            held = None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                status, body = await self._answer(account, held)
        except TimeoutError:
            raise RefreshError("the token endpoint took too long") from None
        except RefreshError:
            raise
        except EgressError as error:
            self._log.warning("a token URL may not be reached", account=account.name, reason=error.message)
            raise RefreshError(
                "its token URL may not be reached ([egress] in the settings)", lasting=True
            ) from None
        except UpstreamError as error:
            raise RefreshError(f"the token endpoint failed: {error.message}") from None
        token = token_in(status, body, oauth=oauth, held=held, now=self._clock.now())
        try:
            await self._place.save(account, token)
        except StorageError as error:
            # It is still used: the provider may have made the old one void.
            self._log.error(
                "a new access token could not be kept", account=account.name, reason=error.message
            )
        self._hold(account, token)
        self._log.info("access renewed", account=account.name)
        return token

    async def _answer(self, account: Account, held: Token | None) -> tuple[int, bytes]:
        assert account.oauth is not None
        reply = await self._transport.send(token_request(account.oauth, held))
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := await reply.read():
                pieces.append(piece)
                size += len(piece)
                if size > _ANSWER_MAX:
                    raise RefreshError("the token endpoint's answer is too large")
        finally:
            reply.close()
        return reply.status, b"".join(pieces)

    def _hold(self, account: Account, token: Token) -> None:
        logs.hide(token.access_token, token.refresh_token)
        self._pauses.pop(account.id, None)
        if self._tokens.get(account.id) != token:
            self._tokens[account.id] = token
            self.changed()

    async def _note(self, account: Account, error: RefreshError) -> None:
        """Remember a refusal, here and for the other processes."""
        assert account.oauth is not None
        pause = Pause(
            until=self._clock.now() + error.retry_after,
            message=error.message,
            lasting=error.lasting,
            terms=account.oauth.terms,
        )
        self._pauses[account.id] = pause
        self._log.warning("access not renewed", account=account.name, reason=error.message)
        self.changed()
        try:
            await self._place.pause(account, pause, ttl=error.retry_after)
        except StorageError:
            pass

    async def _take(self, account: Account, holder: str) -> bool:
        taken: list[Lock] = []
        for lock in self._locks:
            try:
                if await lock.take(_name(account), holder, ttl=_LOCK_SECONDS):
                    taken.append(lock)
                    continue
            except StorageError:
                await self._leave(account, holder, taken)
                raise
            await self._leave(account, holder, taken)
            return False
        return True

    async def _leave(self, account: Account, holder: str, locks: Sequence[Lock] | None = None) -> None:
        for lock in self._locks if locks is None else locks:
            try:
                await lock.leave(_name(account), holder)
            except StorageError:
                continue  # it ends by itself


def _as_error(pause: Pause, now: float) -> RefreshError:
    return RefreshError(pause.message, lasting=pause.lasting, retry_after=pause.until - now)


def _holds(pause: Pause, account: Account, now: float) -> bool:
    return pause.until > now and account.oauth is not None and pause.terms == account.oauth.terms


def _name(account: Account) -> str:
    return f"refresh:{account.id}"


def _nobody() -> None:
    """Stand in until somebody wants to know."""


__all__ = ["LOOK_SECONDS", "Lock", "Pause", "Refresher", "TokenPlace"]
