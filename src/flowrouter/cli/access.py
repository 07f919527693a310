"""The options that say how an account gets its access tokens, and the terms they make."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer

from flowrouter import config as configuration
from flowrouter.errors import ConfigError
from flowrouter.settings.oauth import OAuthConfig

TokenUrl = Annotated[
    str | None,
    typer.Option(
        "--oauth-token-url",
        metavar="URL",
        help="Where access tokens come from, for an account without a key.",
    ),
]
ClientId = Annotated[
    str | None, typer.Option("--oauth-client-id", metavar="ID", help="Of the client you registered there.")
]
ClientSecret = Annotated[
    str | None,
    typer.Option("--oauth-client-secret", metavar="SECRET", help="`-` asks, env:NAME reads a variable."),
]
RefreshToken = Annotated[
    str | None,
    typer.Option(
        "--oauth-refresh-token",
        metavar="TOKEN",
        help="What signing in left you with; without one the client's own credentials are used.",
    ),
]
Scope = Annotated[str | None, typer.Option("--oauth-scope", metavar="LIST", help="With blanks between.")]


def terms(
    token_url: str | None,
    client_id: str | None,
    *,
    secrets: tuple[str | None, str | None],
    scope: str | None,
) -> OAuthConfig | None:
    """Return what the options say, None where they say nothing; raises `ConfigError`.

    `secrets` are the client's secret and the refresh token.
    """
    client_secret, refresh_token = secrets
    if token_url is None:
        if (client_id, client_secret, refresh_token, scope) != (None,) * 4:
            raise ConfigError("the --oauth options belong together", fix="--oauth-token-url URL")
        return None
    if client_id is None:
        raise ConfigError("an account with access tokens needs a client", fix="--oauth-client-id ID")
    refresh = _secret(refresh_token, "Refresh token")
    written: dict[str, Any] = {
        "token_url": token_url,
        "client_id": client_id,
        "client_secret": _secret(client_secret, "Client secret"),
        "refresh_token": refresh,
        "grant": "client_credentials" if refresh is None else "refresh_token",
        "scope": scope or "",
    }
    try:
        return msgspec.convert(written, OAuthConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from None


def _secret(given: str | None, name: str) -> str | None:
    """Return a secret as given, from stdin, a variable or a hidden prompt; None for none."""
    if given == "-":
        asked = typer.prompt(name, hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        return str(asked).strip() or None
    if given is None or not given.startswith("env:"):
        return given
    variable = given.removeprefix("env:")
    found = configuration.environment([variable]).get(variable)
    if found is None:
        raise ConfigError(f"the environment variable {variable} is not set", fix=f"export {variable}=...")
    return found.strip()


__all__ = ["ClientId", "ClientSecret", "RefreshToken", "Scope", "TokenUrl", "terms"]
