"""OAuth 2 access tokens as values (RFC 6749): the request for one, the answer, and when it is due again.

Pure: time is an argument, nothing is sent. `refresh` does that.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from flowrouter.accounts.account import OAuth, Secret
from flowrouter.errors import UpstreamError
from flowrouter.providers.headers import USER_AGENT
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.wire.http import HttpRequest

LEAD_SECONDS = 300.0
LEAD_SHARE = 0.1
"""A token is renewed so long before its end, or so much of its life, whichever is shorter."""

LASTING_PAUSE = 1800.0
PASSING_PAUSE = 60.0
"""Seconds until a provider that refused for good, or that failed, is asked again."""

_LASTING = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
)
_LONGEST = 10.0 * 365 * 86_400


class RefreshError(UpstreamError):
    """No access token is to be had: refused for good (`lasting`), or to be asked for again in `retry_after` s."""

    def __init__(self, message: str, *, lasting: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message, kind="refresh")
        self.lasting = lasting
        self.retry_after = retry_after or (LASTING_PAUSE if lasting else PASSING_PAUSE)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An access token as it is kept sealed; times in seconds since the epoch.

    `expires_at` None: the provider did not say. `terms` tells what it was got for, so that a change of the
    account's terms makes it void.
    """

    access_token: str
    obtained_at: float
    terms: str
    expires_at: float | None = None
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at!r})"

    def expired(self, now: float) -> bool:
        """Return whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at

    def due(self, now: float) -> bool:
        """Return whether it is time for a new one."""
        if self.expires_at is None:
            return False
        life = self.expires_at - self.obtained_at
        return now >= self.expires_at - min(LEAD_SECONDS, LEAD_SHARE * life)


def opened(written: OAuthConfig) -> OAuth:
    """Return the terms as an account holds them, their secrets closed up."""
    return OAuth(
        terms=_terms(written),
        token_url=written.token_url,
        client_id=written.client_id,
        client_secret=Secret(written.client_secret) if written.client_secret else None,
        refresh_token=Secret(written.refresh_token) if written.refresh_token else None,
        grant=written.grant,
        scope=written.scope,
        client_auth=written.client_auth,
        params=tuple(written.params.items()),
    )


def written(oauth: OAuth) -> OAuthConfig:
    """Return the terms as they were given, secrets and all."""
    return OAuthConfig(
        token_url=oauth.token_url,
        client_id=oauth.client_id,
        client_secret=oauth.client_secret.reveal() if oauth.client_secret else None,
        refresh_token=oauth.refresh_token.reveal() if oauth.refresh_token else None,
        grant=oauth.grant,
        scope=oauth.scope,
        client_auth=oauth.client_auth,
        params=dict(oauth.params),
    )


def secrets_in(given: OAuthConfig | None) -> tuple[str | None, ...]:
    """Return the secrets among terms that somebody sent."""
    return () if given is None else (given.client_secret, given.refresh_token)


def _terms(written: OAuthConfig) -> str:
    return hashlib.sha256(b"terms" + msgspec.json.encode(written)).hexdigest()[:32]


def token_request(oauth: OAuth, held: Token | None) -> HttpRequest:
    """Return the request for a new access token, `held` being the last one that was got by these terms."""
    form: dict[str, str] = {"grant_type": oauth.grant}
    if oauth.grant == "refresh_token":
        kept = held.refresh_token if held is not None else None
        given = oauth.refresh_token.reveal() if oauth.refresh_token is not None else ""
        form["refresh_token"] = kept or given
    if oauth.scope:
        form["scope"] = oauth.scope
    headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", USER_AGENT),
    ]
    secret = oauth.client_secret.reveal() if oauth.client_secret is not None else None
    if secret is not None and oauth.client_auth == "basic":
        pair = f"{quote(oauth.client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
        headers.append(("authorization", f"Basic {b64encode(pair.encode()).decode()}"))
    else:
        form["client_id"] = oauth.client_id
        if secret is not None:
            form["client_secret"] = secret
    body = urlencode({**dict(oauth.params), **form}).encode()
    return HttpRequest(method="POST", url=oauth.token_url, headers=tuple(headers), body=body)


def token_in(status: int, body: bytes, *, oauth: OAuth, held: Token | None, now: float) -> Token:
    """Return the token in an answer; raises `RefreshError`, whose words hold nothing of the answer but its code."""
    said = _object(body)
    if status != 200:
        raise refusal(status, said.get("error"))
    access = said.get("access_token")
    if not isinstance(access, str) or not access or not access.isascii() or not access.isprintable():
        raise RefreshError("the token endpoint's answer holds no access token")
    life = _seconds(said.get("expires_in"))
    given = said.get("refresh_token")
    return Token(
        access_token=access,
        obtained_at=now,
        terms=oauth.terms,
        expires_at=None if life is None else now + life,
        refresh_token=given if isinstance(given, str) and given else (held.refresh_token if held else None),
    )


def refusal(status: int, code: object) -> RefreshError:
    """Return what a refusal of the token endpoint means (RFC 6749, 5.2)."""
    if isinstance(code, str) and code in _LASTING:
        return RefreshError(f"the provider refused to renew the access ({code}): sign in again", lasting=True)
    if status in (400, 401, 403):
        return RefreshError(f"the provider refused to renew the access ({status})", lasting=True)
    return RefreshError(f"the token endpoint failed ({status})")


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError):
        return {}


def _seconds(value: object) -> float | None:
    """Return a lifetime; some endpoints write the number as text."""
    if isinstance(value, str):
        value = int(value) if value.isdecimal() and len(value) < 12 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= _LONGEST else None


__all__ = [
    "LASTING_PAUSE",
    "PASSING_PAUSE",
    "RefreshError",
    "Token",
    "opened",
    "refusal",
    "secrets_in",
    "token_in",
    "token_request",
    "written",
]
