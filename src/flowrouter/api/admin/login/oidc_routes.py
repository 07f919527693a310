"""`/api/login/oidc/…`: to the provider and back, with PKCE, state and nonce.

What an attempt must remember is in a signed cookie of the browser that began it, so any number of them
may be under way, any worker may end one, and a state that was not this browser's leads nowhere. An
attempt is good for ten minutes and for one return.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from urllib.parse import urlencode

import msgspec

from flowrouter.api.admin.access import login_is_on
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.handover import same
from flowrouter.api.admin.login.claims import identity, need_libraries, refused
from flowrouter.api.admin.login.provider import Provider
from flowrouter.api.admin.login.routes import begin, me, session_cookie
from flowrouter.api.admin.sessions import set_cookie
from flowrouter.errors import CallerError

ATTEMPT_SECONDS = 600
CALLBACK = "/api/login/oidc/callback"
COOKIE = "flow_router_login"

_PATH = "/api/login/oidc"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One login under way, as its cookie holds it."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    ends: float

    def __repr__(self) -> str:
        return f"Attempt(redirect_uri={self.redirect_uri!r})"


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider sends back with the browser; members that we do not know are its own business."""

    state: str = ""
    code: str = ""
    iss: str | None = None
    error: str | None = None
    error_description: str | None = None


class OidcChecked(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider published about itself just now, and how many `keys` it signs with."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    keys: int


async def start_oidc(call: Call) -> Reply:
    """Send the browser to the provider."""
    provider = await _provider(call)
    places = await provider.places()
    attempt = Attempt(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=f"{call.knock.base}{CALLBACK}",
        ends=call.deps.clock.now() + ATTEMPT_SECONDS,
    )
    oidc = call.deps.config.admin.oidc
    asked = {
        "response_type": "code",
        "client_id": oidc.client_id,
        "redirect_uri": attempt.redirect_uri,
        "scope": " ".join(dict.fromkeys(("openid", *oidc.scopes))),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in places.authorization_endpoint else "?"
    location = f"{places.authorization_endpoint}{joint}{urlencode(asked)}"
    return Reply(status=303, headers={"location": location}, cookies=(_keep(call, attempt),), bare=True)


async def finish_oidc(call: Call) -> Reply:
    """Take the browser back and sign it in."""
    provider = await _provider(call)
    answer: CallbackQuery = call.query
    attempt = await _attempt(call, answer)
    oidc = call.deps.config.admin.oidc
    if answer.iss is not None and answer.iss != oidc.issuer:  # RFC 9207: answers of another provider
        raise refused("the answer is another provider's")
    if answer.error is not None or not answer.code:
        raise refused(f"the provider says {(answer.error or 'nothing')[:100]!r}")
    claims = await provider.claims(
        answer.code, verifier=attempt.verifier, nonce=attempt.nonce, redirect_uri=attempt.redirect_uri
    )
    issued = await begin(call, identity(claims, oidc))
    # A redirect would still count as coming from the provider's site, and the strict cookie would stay
    # behind; this page of ours goes on by itself.
    return Reply(
        data=me(call.visitor, issued),
        headers={"refresh": "0; url=/"},
        cookies=(session_cookie(call, issued), _forget(call)),
        bare=True,
    )


def challenge(verifier: str) -> str:
    """Return what the provider is shown of a PKCE verifier (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def check_oidc(call: Call) -> Reply:
    """Look whether the provider can be asked, as far as that shows without a person."""
    call.operator_only("try how others log in")
    provider = await _provider(call)
    places, keys = await provider.look()
    data = OidcChecked(
        issuer=places.issuer,
        authorization_endpoint=places.authorization_endpoint,
        token_endpoint=places.token_endpoint,
        keys=keys,
    )
    return Reply(data=data)


async def _provider(call: Call) -> Provider:
    provider = call.logins.provider
    if provider is None or not login_is_on(call.deps.config):
        raise refusal(
            "logging in through OpenID Connect is off",
            status=403,
            code="login_off",
            fix='set `[admin] login = "on"` and `[admin.oidc] issuer` in config.toml',
        )
    await asyncio.to_thread(need_libraries)
    return provider


async def _attempt(call: Call, answer: CallbackQuery) -> Attempt:
    """Return the attempt that this browser began with this state, once; raises `CallerError` (400)."""
    text = call.logins.sessions.unsigned(call.knock.cookies.get(COOKIE, ""))
    if text is None:
        raise _stale("this browser began no login here, or a while ago")
    attempt = msgspec.json.decode(base64.urlsafe_b64decode(text), type=Attempt)
    if attempt.ends <= call.deps.clock.now():
        raise _stale("the login took longer than ten minutes")
    if not same(attempt.state, answer.state):
        raise _stale("the state is not that of the login this browser began")
    name = hashlib.sha256(attempt.state.encode()).hexdigest()
    if not await call.deps.state.put_if_absent(f"login:used:{name}", b"", ttl=ATTEMPT_SECONDS):
        raise _stale("this login has been used")
    return attempt


def _keep(call: Call, attempt: Attempt) -> str:
    text = base64.urlsafe_b64encode(msgspec.json.encode(attempt)).decode()
    # Lax: the provider's site sends the browser back, and this cookie has to come along.
    return set_cookie(
        COOKIE,
        call.logins.sessions.signed(text),
        seconds=ATTEMPT_SECONDS,
        secure=call.knock.secure,
        path=_PATH,
        lax=True,
    )


def _forget(call: Call) -> str:
    return set_cookie(COOKIE, "", seconds=0, secure=call.knock.secure, path=_PATH, lax=True)


def _stale(why: str) -> CallerError:
    return refusal(why, code="login_expired", fix="begin again: GET /api/login/oidc/start")


__all__ = [
    "ATTEMPT_SECONDS",
    "CALLBACK",
    "COOKIE",
    "Attempt",
    "CallbackQuery",
    "OidcChecked",
    "challenge",
    "check_oidc",
    "finish_oidc",
    "start_oidc",
]
