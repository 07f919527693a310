"""Which role a route asks for: one table, and what holds for a route that nobody thought of.

A route that is not named here may be read by every role and used to change things by `admin` only, so a
new one is closed until somebody opens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrouter.api.admin.envelope import refusal
from flowrouter.settings.admin import Role

ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
"""From the least to the most."""

CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that change things, questions apart."""

QUESTIONS = frozenset({("POST", "/api/plan"), ("POST", "/api/translate")})
"""Calls that send a body and change nothing."""

_OWN = frozenset(
    {("POST", "/api/logout"), ("POST", "/api/me/password"), ("DELETE", "/api/sessions/{id}")},
)
"""What everybody may do to what is theirs; the route looks at whose it is."""

_OPERATED = (
    "/api/accounts",
    "/api/combos",
    "/api/keys",
    "/api/aliases",
    "/api/models",
    "/api/tags",
    "/api/try",
)
"""What operators change: the daily work."""

_WATCHED = ("/api/logs",)
"""What operators may read, and viewers may not."""

_CLOSED = ("/api/users", "/api/audit", "/api/export", "/api/backups", "/api/requests/{id}/bodies")
"""What only `admin` may read."""


def least_role(method: str, path: str) -> Role:
    """Return the least role that may use a route of the table."""
    if (method, path) in QUESTIONS or (method, path) in _OWN:
        return "viewer"
    if _below(path, _CLOSED):
        return "admin"
    if method not in CHANGES:
        return "operator" if _below(path, _WATCHED) else "viewer"
    return "operator" if _below(path, _OPERATED) else "admin"


def is_change(method: str, path: str) -> bool:
    """Return whether a call changes something, or might."""
    return method in CHANGES and (method, path) not in QUESTIONS


def covers(role: Role, needed: Role) -> bool:
    """Return whether `role` may do what `needed` may."""
    return ROLES.index(role) >= ROLES.index(needed)


def refuse_below(role: Role, needed: Role, *, what: str) -> None:
    """Raise `CallerError` (403) where a role does not suffice."""
    if not covers(role, needed):
        raise refusal(
            f"{what} needs the role `{needed}`, you have `{role}`",
            status=403,
            code="role_needed",
            fix="ask an admin: flow-router admin role NAME ROLE",
        )


def refuse_escalation(role: Role, body: Any) -> None:
    """Raise `CallerError` (403) where somebody would hand on more than they may do themselves.

    A gateway key with the scope `admin` may do what the role `admin` may.
    """
    scopes: Any = getattr(body, "scopes", ())
    if isinstance(scopes, Sequence) and "admin" in scopes:
        refuse_below(role, "admin", what="a key with the scope `admin`")


def highest(roles: Sequence[Role]) -> Role | None:
    """Return the one that may do most, None of none."""
    return max(roles, key=ROLES.index, default=None)


def _below(path: str, stems: Sequence[str]) -> bool:
    return any(path == stem or path.startswith((f"{stem}/", f"{stem}.")) for stem in stems)


__all__ = [
    "CHANGES",
    "QUESTIONS",
    "ROLES",
    "covers",
    "highest",
    "is_change",
    "least_role",
    "refuse_below",
    "refuse_escalation",
]
