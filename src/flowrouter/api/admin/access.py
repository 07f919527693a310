"""Who is at the door of `/api`: the operator, or the holder of a gateway key with the scope `admin`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.sessions import COOKIE, Sessions, same
from flowrouter.errors import CallerError
from flowrouter.gateway.world import World
from flowrouter.httpkit.auth import credentials
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing import Facts

ADMIN = "admin"


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Whose things may be seen: one owner's, or everybody's (`owner_id` None: the operator)."""

    owner_id: str | None = None
    key_id: str | None = None

    @property
    def is_operator(self) -> bool:
        """Return whether the visitor holds the local token or a session made from it."""
        return self.owner_id is None

    @property
    def home(self) -> str:
        """Return the owner of what the visitor makes."""
        return self.owner_id or LOCAL_OWNER

    def owns(self, owner_id: str) -> bool:
        """Return whether things of `owner_id` exist for this visitor."""
        return self.owner_id is None or self.owner_id == owner_id


class Door:
    """Checks credentials against the local token, the sessions and the key ring."""

    __slots__ = ("_deps", "_sessions")

    def __init__(self, deps: AdminDeps, sessions: Sessions) -> None:
        self._deps = deps
        self._sessions = sessions

    def visitor(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Visitor:
        """Return who calls; raises `CallerError` (401, 403).

        A credential in a header is the caller's stated choice: the cookie counts only without one.
        """
        given = list(credentials(headers))
        if not given:
            if self.has_session(cookies):
                return Visitor()
            raise _unknown("this needs a credential")
        if any(same(self._deps.token, credential) for credential in given):
            return Visitor()
        ring, now_ms = self._deps.world().ring, int(self._deps.clock.now() * 1000)
        for credential in given:
            key = ring.find(credential, now_ms=now_ms)
            if key is not None and ADMIN in key.scopes:
                return Visitor(owner_id=key.owner_id, key_id=key.id)
            if key is not None:
                raise refusal(
                    f"the gateway key {key.name!r} has no scope `admin`",
                    status=403,
                    code="missing_scope",
                    fix="use the local token, or make a key with the scope: POST /api/keys",
                )
        raise _unknown("this credential is neither the local token nor a live gateway key")

    def has_session(self, cookies: Mapping[str, str]) -> bool:
        """Return whether the browser holds a session."""
        return COOKIE in cookies and self._sessions.holds(cookies[COOKIE])


def scoped(world: World, visitor: Visitor) -> World:
    """Return `world` with nothing in its routing facts that the visitor may not see."""
    if visitor.is_operator:
        return world
    own = tuple(account for account in world.facts.accounts if visitor.owns(account.owner_id))
    return msgspec.structs.replace(world, facts=Facts(accounts=own, aliases=world.facts.aliases))


def _unknown(message: str) -> CallerError:
    return refusal(
        message,
        status=401,
        code="unauthenticated",
        fix="send `Authorization: Bearer TOKEN` with the content of `local.token` in the data folder, "
        "or a gateway key with the scope `admin`",
    )


__all__ = ["ADMIN", "Door", "Visitor", "scoped"]
