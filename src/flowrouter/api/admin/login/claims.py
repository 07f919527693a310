"""What an OpenID Connect provider says of somebody, judged; no I/O.

The rules are those of OpenID Connect Core 1.0, section 3.1.3.7, with an allow-list of signatures (so
`none` and the symmetric ones never count) and no way around the id token.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.roles import highest
from flowrouter.api.admin.sessions import Identity
from flowrouter.errors import CallerError, ConfigError
from flowrouter.settings.admin import Oidc, Role

LEEWAY = 60
"""Seconds that two clocks may differ."""

_NAME_MAX = 200


class StaleKeysError(CallerError):
    """A token is signed with a key that the provider's list, as we have it, does not hold."""


def verified(
    id_token: str, keys: Mapping[str, Any], *, oidc: Oidc, nonce: str, access_token: str | None, now: float
) -> dict[str, Any]:
    """Return the claims of an id token; raises `CallerError` (403), `StaleKeysError`."""
    need_libraries()
    from authlib.oidc.core import CodeIDToken
    from joserfc import errors, jwt
    from joserfc.jwk import KeySet

    try:
        known = KeySet.import_key_set(cast("Any", {"keys": _usable(keys)}))
        signed = jwt.decode(id_token, known, list(oidc.algorithms))
    except (errors.InvalidKeyIdError, errors.MissingKeyError, errors.BadSignatureError) as error:
        raise StaleKeysError(
            "the provider's signature cannot be verified", status=403, code="oidc_refused"
        ) from error
    except (errors.JoseError, ValueError, TypeError, KeyError) as error:
        raise refused(f"its id token cannot be read: {error}") from None
    token = CodeIDToken(
        signed.claims,
        signed.header,
        {
            "iss": {"essential": True, "value": oidc.issuer},
            "aud": {"essential": True, "value": oidc.client_id},
        },
        {"nonce": nonce, "client_id": oidc.client_id, "access_token": access_token},
    )
    try:
        token.validate(now=int(now), leeway=LEEWAY)
    except (errors.JoseError, ValueError, TypeError) as error:
        raise refused(f"its id token is not for this login: {error}") from None
    claims = dict(signed.claims)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise refused("its id token names nobody")
    return claims


def identity(claims: Mapping[str, Any], oidc: Oidc) -> Identity:
    """Return who somebody is here; raises `CallerError` (403) for those that no rule gives a role."""
    name = _text(claims, oidc.name_claim) or _text(claims, "email") or claims["sub"]
    role = role_of(claims, oidc)
    if role is None:
        raise refusal(
            f"{name[:_NAME_MAX]!r} is known to {oidc.issuer} and has no role here",
            status=403,
            code="no_role",
            fix="an admin adds a row to `admin.oidc.roles` or `admin.oidc.emails`",
        )
    return Identity(
        name=name[:_NAME_MAX], role=role, via="oidc", subject=f"oidc:{oidc.issuer}|{claims['sub']}"
    )


def role_of(claims: Mapping[str, Any], oidc: Oidc) -> Role | None:
    """Return the highest role that the rules give, None where no rule fits."""
    told = claims.get(oidc.role_claim)
    values: Sequence[Any] = (
        told.replace(",", " ").split() if isinstance(told, str) else told if isinstance(told, list) else ()
    )
    names = {value for value in values if isinstance(value, str)}
    found = _granted(oidc.roles, names)
    email = _text(claims, "email").lower()
    if email and claims.get("email_verified") is True:
        domain = f"*@{email.rpartition('@')[2]}"
        lowered: dict[str, Role] = {address.lower(): role for address, role in oidc.emails.items()}
        found += _granted(lowered, {email, domain})
    return highest(found)


def _granted(rules: Mapping[str, Role], names: set[str]) -> list[Role]:
    return [role for name, role in rules.items() if name in names]


def refused(why: str) -> CallerError:
    """Return the refusal of what a provider said."""
    return refusal(
        f"the login through OpenID Connect failed: {why}",
        status=403,
        code="oidc_refused",
        fix="begin again; if it stays so, compare `[admin.oidc]` with the provider's registration",
    )


def need_libraries() -> None:
    """Raise `ConfigError` where the extra is not installed."""
    try:
        for name in ("authlib.oidc.core", "joserfc.jwt"):
            importlib.import_module(name)
    except ImportError:
        raise ConfigError(
            "logging in through OpenID Connect needs the extra `oidc`", fix="pip install 'flow-router[oidc]'"
        ) from None


def _usable(keys: Mapping[str, Any]) -> list[Any]:
    """Return the keys that sign; what else a provider publishes is not ours to understand."""
    return [
        key
        for key in keys.get("keys", ())
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""


__all__ = ["LEEWAY", "StaleKeysError", "identity", "need_libraries", "refused", "role_of", "verified"]
