"""One OpenID Connect provider over HTTP: where it is, which keys it signs with, what a code is worth.

What it publishes is kept for an hour. A token signed with a key we do not know makes us look again, once a
minute at most: that is how providers change keys, and how somebody could make us ask without end.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from flowrouter import __version__
from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.login.claims import StaleKeysError, refused, verified
from flowrouter.clock import Clock
from flowrouter.config import is_loopback
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.settings.admin import Oidc
from flowrouter.upstream.transport import Transport
from flowrouter.wire import json
from flowrouter.wire.http import HttpRequest

KEPT_SECONDS = 3600.0
AGAIN_SECONDS = 60.0

_SECONDS = 10.0
_LIMIT = 512 * 1024
_FORM = "application/x-www-form-urlencoded"


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider publishes about itself, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Provider:
    """Asks the provider that the settings name."""

    __slots__ = ("_clock", "_keys", "_keys_at", "_looking", "_oidc", "_places", "_places_at", "_transport")

    def __init__(self, oidc: Oidc, transport: Transport, clock: Clock) -> None:
        self._oidc = oidc
        self._transport = transport
        self._clock = clock
        self._places: Places | None = None
        self._keys: dict[str, Any] = {}
        self._places_at = self._keys_at = float("-inf")
        self._looking = asyncio.Lock()

    async def places(self) -> Places:
        """Return where the provider's endpoints are; raises `CallerError` (502)."""
        async with self._looking:
            now = self._clock.monotonic()
            if self._places is None or now - self._places_at > KEPT_SECONDS:
                address = f"{self._oidc.issuer.rstrip('/')}/.well-known/openid-configuration"
                self._places = _checked(await self._fetch("GET", address), self._oidc)
                self._places_at = now
            return self._places

    async def look(self) -> tuple[Places, int]:
        """Ask afresh where its endpoints are and how many keys it signs with; raises `CallerError` (502)."""
        self._places_at = self._keys_at = float("-inf")
        places = await self.places()
        return places, len((await self._jwks())["keys"])

    async def claims(self, code: str, *, verifier: str, nonce: str, redirect_uri: str) -> dict[str, Any]:
        """Exchange a code and return what the id token says; raises `CallerError` (403, 502)."""
        answer = await self._exchange(code, verifier=verifier, redirect_uri=redirect_uri)
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise refused("it sent no id token")
        told = access_token if isinstance(access_token, str) else None
        try:
            return self._verified(id_token, await self._jwks(), nonce=nonce, access_token=told)
        except StaleKeysError:
            keys = await self._jwks(again=True)
            return self._verified(id_token, keys, nonce=nonce, access_token=told)

    def _verified(
        self, id_token: str, keys: dict[str, Any], *, nonce: str, access_token: str | None
    ) -> dict[str, Any]:
        now = self._clock.now()
        return verified(id_token, keys, oidc=self._oidc, nonce=nonce, access_token=access_token, now=now)

    async def _exchange(self, code: str, *, verifier: str, redirect_uri: str) -> dict[str, Any]:
        places = await self.places()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if not self._oidc.client_secret:
            form["client_id"] = self._oidc.client_id
        elif "client_secret_basic" in places.token_endpoint_auth_methods_supported:
            headers["authorization"] = _basic(self._oidc)
        else:
            form |= {"client_id": self._oidc.client_id, "client_secret": self._oidc.client_secret}
        return await self._fetch("POST", places.token_endpoint, form=form, headers=headers)

    async def _jwks(self, *, again: bool = False) -> dict[str, Any]:
        places = await self.places()
        async with self._looking:
            age = self._clock.monotonic() - self._keys_at
            if not self._keys or age > (AGAIN_SECONDS if again else KEPT_SECONDS):
                found = await self._fetch("GET", places.jwks_uri)
                if not isinstance(found.get("keys"), list):
                    raise _unreachable("its list of keys is none")
                self._keys, self._keys_at = found, self._clock.monotonic()
            return self._keys

    async def _fetch(
        self,
        method: str,
        url: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        sent = {"accept": "application/json", "user-agent": f"flow-router/{__version__}", **(headers or {})}
        if form is not None:
            sent["content-type"] = _FORM
        request = HttpRequest(
            method=method,
            url=url,
            headers=tuple(sent.items()),
            body=b"" if form is None else urlencode(form).encode(),
        )
        try:
            async with asyncio.timeout(_SECONDS):
                status, body = await self._read(request)
        except (UpstreamError, TimeoutError) as error:
            raise _unreachable(str(error) or "it does not answer") from None
        return _object(status, body)

    async def _read(self, request: HttpRequest) -> tuple[int, bytes]:
        reply = await self._transport.send(request)
        try:
            body = bytearray()
            while piece := await reply.read():
                body += piece
                if len(body) > _LIMIT:
                    raise _unreachable("its answer is too large")
            return reply.status, bytes(body)
        finally:
            reply.close()


def _object(status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except json.JsonError:
        raise _unreachable(f"it answered {status} without JSON") from None
    if not isinstance(answer, dict):
        raise _unreachable(f"it answered {status} with JSON that is no object")
    found = cast("dict[str, Any]", answer)
    if status in (400, 401) and "error" in found:
        raise refused(f"it says {str(found['error'])[:100]!r}")
    if status != 200:
        raise _unreachable(f"it answered {status}")
    return found


def _checked(found: dict[str, Any], oidc: Oidc) -> Places:
    """Return what was published, if it is of the issuer asked for; raises `CallerError` (502)."""
    try:
        places = msgspec.convert(found, Places)
    except msgspec.ValidationError as error:
        raise _unreachable(f"what it publishes is incomplete: {error}") from None
    if places.issuer != oidc.issuer:
        raise _unreachable(f"it calls itself {places.issuer[:200]!r}, `admin.oidc.issuer` is {oidc.issuer!r}")
    for url in (places.authorization_endpoint, places.token_endpoint, places.jwks_uri):
        parts = urlsplit(url)
        local = is_loopback(parts.hostname or "") and is_loopback(urlsplit(oidc.issuer).hostname or "")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise _unreachable(f"{url[:200]!r} is not reached by TLS")
    return places


def _basic(oidc: Oidc) -> str:
    """Return the client's credentials in a header, each part encoded (RFC 6749, 2.3.1)."""
    pair = f"{quote(oidc.client_id, safe='')}:{quote(oidc.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _unreachable(why: str) -> CallerError:
    return refusal(
        f"the OpenID Connect provider cannot be asked: {why}",
        status=502,
        code="oidc_unreachable",
        fix="check `admin.oidc.issuer`; the local token opens /api meanwhile",
    )


__all__ = ["AGAIN_SECONDS", "KEPT_SECONDS", "Places", "Provider"]
