"""Where access tokens are kept and who may renew them, by the ports: sealed in the store, shared by workers.

A worker on this machine reads them from the store they share; one on another machine from the shared state,
sealed by the same key. Locks use the shared state itself, never its stand-in.
"""

from __future__ import annotations

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.accounts.oauth import Token
from flowrouter.accounts.refresh import Pause
from flowrouter.accounts.vault import UnsealError, Vault
from flowrouter.gateway.ports import SealedBlobs, StateStore

KIND = "oauth_token"
"""The kind of sealed value that a token is."""

_token = msgspec.json.Decoder(Token)
_pause = msgspec.json.Decoder(Pause)
_KEPT = 30 * 86_400.0


class SharedTokens:
    """Tokens in the store, and in the shared state where there is one."""

    def __init__(self, state: StateStore, blobs: SealedBlobs, *, vault: Vault) -> None:
        self._state = state
        self._blobs = blobs
        self._vault = vault

    async def load(self, account: Account) -> Token | None:
        """Return the newer of what store and shared state hold; raises `StorageError`."""
        stored = _read(await self._blobs.get(account.owner_id, KIND, account.id))
        if not self._state.shared:
            return stored
        sealed = await self._state.strict.get(_key(account))
        try:
            shared = _read(None if sealed is None else self._vault.open(sealed, **_place(account)))
        except UnsealError:
            shared = None
        found = [token for token in (stored, shared) if token is not None]
        return max(found, key=lambda token: token.obtained_at, default=None)

    async def save(self, account: Account, token: Token) -> None:
        """Keep `token`; raises `StorageError`."""
        value = msgspec.json.encode(token)
        await self._blobs.put(account.owner_id, KIND, account.id, value=value)
        if self._state.shared:
            sealed = self._vault.seal(value, **_place(account))
            await self._state.strict.put(_key(account), sealed, ttl=_KEPT)

    async def pause_of(self, account: Account) -> Pause | None:
        """Return why not to ask now."""
        value = await self._state.get(_pause_key(account))
        return None if value is None else _pause.decode(value)

    async def pause(self, account: Account, pause: Pause, *, ttl: float) -> None:
        """Tell the others not to ask."""
        await self._state.put(_pause_key(account), msgspec.json.encode(pause), ttl=ttl)


class StateLock:
    """Locks in the shared state; without one, among the tasks of this process."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def take(self, name: str, holder: str, *, ttl: float) -> bool:
        """Let `holder` have `name`; raises `StorageError` while the shared state is away."""
        return await self._state.strict.put_if_absent(f"lock:{name}", holder.encode(), ttl=ttl)

    async def leave(self, name: str, holder: str) -> None:
        """Give it back, unless its time was over and another has it."""
        strict = self._state.strict
        if await strict.get(f"lock:{name}") == holder.encode():
            await strict.delete(f"lock:{name}")


def _read(value: bytes | None) -> Token | None:
    if value is None:
        return None
    try:
        return _token.decode(value)
    except msgspec.DecodeError:
        return None


def _key(account: Account) -> str:
    return f"oauth:token:{account.owner_id}:{account.id}"


def _pause_key(account: Account) -> str:
    return f"oauth:pause:{account.owner_id}:{account.id}"


def _place(account: Account) -> dict[str, str]:
    return {"table": "state", "row": _key(account), "field": "token"}


__all__ = ["KIND", "SharedTokens", "StateLock"]
