"""Who is at the door of `/api`: somebody who logged in, the holder of the local token, or of a gateway key.

A key with the scope `admin` may do what the role `admin` may, with what its owner has. A cookie is sent
by the browser, whoever made it send the request; so what changes something needs a second proof that
only our own pages have (`Door.refuse_forged`). A credential in a header needs none.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.handover import same
from flowrouter.api.admin.sessions import Sessions, cookie_name
from flowrouter.config import Config, is_loopback
from flowrouter.errors import CallerError
from flowrouter.gateway.people import LoginSession, Via
from flowrouter.gateway.world import World
from flowrouter.httpkit.auth import credentials
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.admin import Role

ADMIN = "admin"
CSRF_HEADER = "x-csrf-token"


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Whose things may be seen: one owner's, or everybody's (`owner_id` None); and what may be done (`role`)."""

    owner_id: str | None = None
    key_id: str | None = None
    name: str = "local token"
    role: Role = "admin"
    via: Via = "token"
    session: LoginSession | None = None

    @property
    def is_operator(self) -> bool:
        """Return whether the visitor sees everything: a person, not an owner's gateway key."""
        return self.owner_id is None

    @property
    def home(self) -> str:
        """Return the owner of what the visitor makes."""
        return self.owner_id or LOCAL_OWNER

    def owns(self, owner_id: str) -> bool:
        """Return whether things of `owner_id` exist for this visitor."""
        return self.owner_id is None or self.owner_id == owner_id


STRANGER = Visitor(owner_id="", name="nobody", role="viewer", via="none")
"""Somebody without a credential, on the few routes that need none."""


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """What a request shows at the door; `peer` is where the connection comes from, whatever headers say.

    `secure`: the browser speaks TLS, with us or with the proxy at `admin.public_url`. `base` is where
    browsers find the gateway.
    """

    method: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    peer: str | None
    base: str
    secure: bool

    @property
    def token(self) -> str | None:
        """Return the value of the session's cookie."""
        return self.cookies.get(cookie_name(secure=self.secure))


class Door:
    """Checks credentials against the local token, the sessions and the key ring."""

    __slots__ = ("_deps", "_sessions")

    def __init__(self, deps: AdminDeps, sessions: Sessions) -> None:
        self._deps = deps
        self._sessions = sessions

    async def visitor(self, knock: Knock) -> Visitor:
        """Return who calls; raises `CallerError` (401, 403), `StorageError`.

        A credential in a header is the caller's stated choice: the cookie counts only without one.
        """
        given = list(credentials(knock.headers))
        if not given:
            session = await self._sessions.find(knock.token)
            if session is None:
                raise self._unknown("this needs a credential")
            return signed_in(session)
        if any(same(self._deps.token, credential) for credential in given):
            return Visitor()
        ring, now_ms = self._deps.world().ring, int(self._deps.clock.now() * 1000)
        for credential in given:
            key = ring.find(credential, now_ms=now_ms)
            if key is not None and ADMIN in key.scopes:
                return Visitor(owner_id=key.owner_id, key_id=key.id, name=f"key {key.name}", via="key")
            if key is not None:
                raise refusal(
                    f"the gateway key {key.name!r} has no scope `admin`",
                    status=403,
                    code="missing_scope",
                    fix="use the local token, or make a key with the scope: POST /api/keys",
                )
        raise self._unknown("this credential is neither the local token nor a live gateway key")

    def refuse_forged(self, visitor: Visitor, knock: Knock) -> None:
        """Raise `CallerError` (403) for a change that a browser may have been tricked into."""
        if visitor.session is None:
            return
        origin = knock.headers.get("origin")
        if origin is not None and not is_own(origin, knock, public_url=self._deps.config.admin.public_url):
            raise refusal(
                f"pages of {origin[:120]!r} may not change anything with a session of yours",
                status=403,
                code="foreign_page",
                fix="open the gateway's own page, or use a gateway key",
            )
        if not same(self._sessions.csrf(knock.token or ""), knock.headers.get(CSRF_HEADER, "")):
            raise refusal(
                f"a session needs the header `{CSRF_HEADER}` for changes",
                status=403,
                code="csrf_token_needed",
                fix="send the `csrf_token` that GET /api/me tells",
            )

    def _unknown(self, message: str) -> CallerError:
        token = (
            "send `Authorization: Bearer TOKEN` with the content of `local.token` in the data folder, "
            "or a gateway key with the scope `admin`"
        )
        log_in = "log in at `/` (a password is set with `flow-router admin password` on the gateway's machine), or "
        fix = f"{log_in}{token}" if login_is_on(self._deps.config) else token
        return refusal(message, status=401, code="unauthenticated", fix=fix)


def login_is_on(config: Config) -> bool:
    """Return whether people may log in: by the settings, and wherever others can reach the gateway."""
    return config.admin.login == "on" or not is_loopback(config.server.host)


def signed_in(session: LoginSession) -> Visitor:
    """Return who a session is."""
    return Visitor(name=session.name, role=session.role, via=session.via, session=session)


def is_own(origin: str, knock: Knock, *, public_url: str) -> bool:
    """Return whether a page at `origin` is the gateway's own, as the browser addressed it."""
    host = knock.headers.get("host", "").lower()
    return origin.lower() in {f"http://{host}", f"https://{host}", public_url.lower() or f"http://{host}"}


def scoped(world: World, visitor: Visitor) -> World:
    """Return `world` with nothing in its routing facts that the visitor may not see."""
    if visitor.is_operator:
        return world
    own = tuple(account for account in world.facts.accounts if visitor.owns(account.owner_id))
    combos = tuple(combo for combo in world.facts.combos if visitor.owns(combo.owner_id))
    facts = msgspec.structs.replace(world.facts, accounts=own, combos=combos)
    return msgspec.structs.replace(world, facts=facts)


__all__ = [
    "ADMIN",
    "CSRF_HEADER",
    "STRANGER",
    "Door",
    "Knock",
    "Visitor",
    "is_own",
    "login_is_on",
    "scoped",
    "signed_in",
]
