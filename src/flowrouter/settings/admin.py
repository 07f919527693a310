"""The shape of `[admin]`: who may log in to `/api`, how, and for how long."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from flowrouter.settings.section import Count, Seconds, Section

Role = Literal["viewer", "operator", "admin"]
"""What a person may do; each may do what the one before it may."""

_ORIGIN = re.compile(r"https?://[^/\s?#]+")
_URL = re.compile(r"https?://[^\s?#]+")
_SECURE = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class Oidc(Section, frozen=True):
    """Logging in through an OpenID Connect provider; off while `issuer` is empty.

    `client_secret` may be `env:NAME`. Somebody gets the highest role that `roles` gives to one of the values
    of the claim `role_claim`, or `emails` to a verified address (`*@example.com` is all of a domain);
    nobody else gets in.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "email"
    role_claim: str = "groups"
    roles: dict[str, Role] = {}
    emails: dict[str, Role] = {}
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    label: str = "single sign-on"

    def __post_init__(self) -> None:
        if self.issuer and not _URL.fullmatch(self.issuer):
            raise ValueError(f"issuer: {self.issuer!r} is no address; write `https://login.example.com`")
        for name in self.algorithms:
            if name not in _SECURE:
                raise ValueError(f"algorithms: {name!r} is none of {', '.join(_SECURE)}")

    def __repr__(self) -> str:
        return f"Oidc(issuer={self.issuer!r}, client_id={self.client_id!r})"


class Admin(Section, frozen=True):
    """The door of `/api` and of the page at `/`.

    `login`: `auto` asks people to log in where the gateway listens beyond this machine, `on` everywhere.
    `public_url` is where browsers find the gateway if that is not where it listens: behind a proxy that
    ends TLS, it makes cookies `Secure` and is the address an OIDC provider sends browsers back to.
    """

    login: Literal["auto", "on"] = "auto"
    public_url: str = ""
    idle_minutes: Seconds = 720.0
    session_hours: Seconds = 168.0
    audit_days: Annotated[int, msgspec.Meta(ge=1)] = 400
    password_length: Annotated[int, msgspec.Meta(ge=8, le=128)] = 12
    free_attempts: Count = 5
    require_if_match: bool = False
    oidc: Oidc = Oidc()

    def __post_init__(self) -> None:
        if self.public_url and not _ORIGIN.fullmatch(self.public_url):
            raise ValueError(
                f"public_url: {self.public_url!r} is no origin; write `https://router.example.com`"
            )


__all__ = ["Admin", "Oidc", "Role"]
