"""Finds the caller's gateway key among the places clients put credentials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from flowrouter.errors import CallerError
from flowrouter.httpkit.caller import LOCAL, Caller
from flowrouter.httpkit.keys import PREFIX, KeyRing, is_token

OWN_HEADER = "x-flowrouter-key"
"""The place for a gateway key where the others hold a credential that is meant for a provider."""

_HEADERS = (OWN_HEADER, "authorization", "x-api-key", "x-goog-api-key", "api-key")


class Recognised(msgspec.Struct, frozen=True, eq=False):
    """Who is calling by some headers: the answer to the same question until the keys are others, or this one expires.

    `mark` is that of the ring: an idle connection shall not hold the keys of another day.
    """

    caller: Caller
    mark: object
    protected: bool
    until_ms: float = math.inf


def authenticate(headers: Mapping[str, str], ring: KeyRing, *, now_ms: int, protected: bool) -> Caller:
    """Return who is calling; raises `CallerError` (401)."""
    return recognised(headers, ring, now_ms=now_ms, protected=protected).caller


def recognised(headers: Mapping[str, str], ring: KeyRing, *, now_ms: int, protected: bool) -> Recognised:
    """Return who is calling, and for how long that is known; raises `CallerError` (401).

    Every credential header is looked at and the first that is one of our keys counts: clients often
    send a dummy beside the real one. While no key exists (`ring` empty and not `protected`) any
    credential or none will do, since clients always send something. A token of our own form that
    the ring does not know is refused even then: it was revoked, or belongs to another gateway.
    """
    stranger = False
    for name in _HEADERS:
        if name not in headers or PREFIX not in (value := headers[name]):
            continue
        token = _bare(value)
        key = ring.find(token, now_ms=now_ms)
        if key is not None:
            caller = Caller(
                owner_id=key.owner_id,
                key_id=key.id,
                key_name=key.name,
                scopes=key.scopes,
                policy=key.policy,
            )
            until_ms = math.inf if key.expires_at_ms is None else key.expires_at_ms
            return Recognised(caller, ring.mark, protected, until_ms)
        stranger = stranger or is_token(token)
    if stranger:
        raise CallerError(
            "this gateway key is unknown, disabled, revoked or expired; make a new one with `flow-router keys create`",
            status=401,
            code="invalid_api_key",
        )
    if not protected and not len(ring):
        return Recognised(LOCAL, ring.mark, protected)
    raise CallerError(
        "a gateway key is needed; send it as `Authorization: Bearer flr_…`, `x-api-key: flr_…`,"
        " `x-goog-api-key: flr_…` or `x-flowrouter-key: flr_…`",
        status=401,
        code="invalid_api_key",
    )


def with_query_key(headers: Mapping[str, str], key: str) -> dict[str, str]:
    """Return `headers` with the credential that Google's clients may put into the query.

    It stands where their header does, unless a token of ours is there already.
    """
    sent = headers.get("x-goog-api-key", "")
    return dict(headers) if is_token(sent) else {**headers, "x-goog-api-key": key}


def credentials(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield every credential the request carries, whatever it is for."""
    for name in _HEADERS:
        value = headers.get(name)
        if value:
            yield _bare(value)


def _bare(value: str) -> str:
    """Return a credential without the scheme that stands before it."""
    scheme, _, token = value.partition(" ")
    return token.strip() if token and scheme.lower() == "bearer" else value.strip()


__all__ = ["OWN_HEADER", "Recognised", "authenticate", "credentials", "recognised", "with_query_key"]
