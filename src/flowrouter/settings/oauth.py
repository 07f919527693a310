"""The shape of `[accounts.oauth]`: how an account gets its access tokens by OAuth 2 (RFC 6749).

The client is one that the owner registered at their provider; the gateway brings none of its own and takes
nobody else's.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from flowrouter.settings.section import Section

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class OAuthConfig(Section, frozen=True):
    """Where access tokens come from, and what is shown for them.

    `grant` is `refresh_token` (a person signed in once and left a refresh token) or `client_credentials` (the
    client is its own user). `client_auth` says how the client shows its secret: in the header (`basic`) or among
    the fields (`body`). `params` are further fields, such as `audience`. `client_secret` and `refresh_token` may be
    `env:NAME` in config.toml; `repr` hides them.
    """

    token_url: Word
    client_id: Word
    client_secret: str | None = None
    refresh_token: str | None = None
    grant: Literal["refresh_token", "client_credentials"] = "refresh_token"
    scope: str = ""
    client_auth: Literal["basic", "body"] = "basic"
    params: dict[str, str] = {}

    def __post_init__(self) -> None:
        _check_address(self.token_url)
        if self.grant == "refresh_token" and not self.refresh_token:
            raise ValueError('`refresh_token` is needed, or grant = "client_credentials"')
        if self.grant == "client_credentials" and not self.client_secret:
            raise ValueError('grant = "client_credentials" needs a `client_secret`')

    def __repr__(self) -> str:
        return f"OAuthConfig(token_url={self.token_url!r}, client_id={self.client_id!r})"


def _check_address(url: str) -> None:
    """Raise `ValueError` unless secrets may be sent to `url`: https, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
        parts = urlsplit("")
    near = parts.scheme == "http" and host in _LOOPBACK
    if not host or not (parts.scheme == "https" or near):
        raise ValueError(
            "`token_url` must begin with https:// (http:// only for this machine) and name a host"
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("`token_url` may hold no credentials and no fragment")


__all__ = ["OAuthConfig"]
