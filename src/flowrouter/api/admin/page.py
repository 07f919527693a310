"""The page at `/`: that the gateway runs, where clients find it, and, signed in, what it has.

`/?token=CODE` signs a browser in. The code leaves the address bar with the redirect, and no page
tells anyone where it came from (`Referrer-Policy`).
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from flowrouter import __version__
from flowrouter.api.admin.access import Knock, login_is_on
from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.knocking import knock_of
from flowrouter.api.admin.login.form import form, leaving
from flowrouter.api.admin.login.logins import Logins
from flowrouter.api.admin.login.routes import OIDC_START
from flowrouter.api.admin.sessions import Identity, cookie_name, set_cookie
from flowrouter.api.models import entries
from flowrouter.errors import StorageError
from flowrouter.gateway.people import LoginSession

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; }
code, pre { font: .9em ui-monospace, monospace; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: normal; }
.soft { color: var(--soft); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_MODELS_SHOWN = 12


class Page:
    """Answers `GET /`."""

    def __init__(self, deps: AdminDeps, logins: Logins) -> None:
        self._deps = deps
        self._logins = logins

    async def answer(self, request: Request) -> Response:
        """Show the page, or sign a browser in."""
        knock = knock_of(request, self._deps.config.admin.public_url)
        session = await self._session(knock)
        code = request.query_params.get("token")
        if code is None:
            nonce = secrets.token_urlsafe(16)
            return self._html(self._home(request, session, nonce=nonce), nonce=nonce)
        if session is not None:  # the link opened a second time
            return _home_again()
        if request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", ""):
            return self._html("<p>Open this link to sign in.</p>", status=503)
        if not await self._deps.handover.redeem(code):
            return self._html(_wrong_code(_address(request)), status=401)
        return await self._signed_in(knock)

    async def _session(self, knock: Knock) -> LoginSession | None:
        """Return the browser's session; while the store is away the page is that of a stranger."""
        with contextlib.suppress(StorageError):
            return await self._logins.sessions.find(knock.token)
        return None

    async def _signed_in(self, knock: Knock) -> Response:
        who = Identity(name="whoever opened the link", role="admin", via="link")
        try:
            issued = await self._logins.sessions.issue(
                who, address=knock.peer, client=knock.headers.get("user-agent")
            )
        except StorageError:
            return self._html(
                "<p>The store does not answer; ask the gateway for another link later.</p>", status=503
            )
        response = _home_again()
        name = cookie_name(secure=knock.secure)
        cookie = set_cookie(name, issued.token, seconds=issued.seconds, secure=knock.secure)
        response.headers.append("set-cookie", cookie)
        return response

    def _home(self, request: Request, session: LoginSession | None, *, nonce: str) -> str:
        address = escape(_address(request))
        lines = [
            "<p>The gateway is running.</p>",
            "<h2>Base URLs</h2>",
            "<table>",
            f"<tr><th>OpenAI clients</th><td><code>{address}/v1</code></td></tr>",
            f"<tr><th>Anthropic clients</th><td><code>{address}</code></td></tr>",
            "</table>",
        ]
        lines += [self._way_in(nonce)] if session is None else self._inventory()
        if session is not None:
            lines.append(leaving(session.name, nonce=nonce))
        lines.append('<p class="soft">Management: <a href="/api/openapi.json">/api/openapi.json</a>')
        lines.append("and the page <code>docs/api.md</code> of the guide.</p>")
        return "\n".join(lines)

    def _way_in(self, nonce: str) -> str:
        config = self._deps.config
        if not login_is_on(config):
            return _SIGN_IN
        oidc = config.admin.oidc
        return form(nonce=nonce, sso=(oidc.label, OIDC_START) if oidc.issuer else None)

    def _inventory(self) -> Iterable[str]:
        world = self._deps.world()
        yield "<h2>Accounts</h2>"
        if world.facts.accounts:
            yield "<table><tr><th>Name</th><th>Provider</th><th>Models</th><th>State</th></tr>"
            for account in world.facts.accounts:
                state = account.problem or ("on" if account.enabled else "off")
                known = (
                    len(account.names) if account.patterns or account.models is not None else "not known yet"
                )
                cells = (account.name, account.preset, str(known), state)
                yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
            yield "</table>"
        else:
            yield "<p>None yet. Add one: <code>flow-router providers add</code></p>"
        models = entries(world)
        if not models:
            return
        yield f"<h2>Models ({len(models)})</h2>"
        yield f"<p>{', '.join(f'<code>{escape(entry.id)}</code>' for entry in models[:_MODELS_SHOWN])}"
        yield "…</p>" if len(models) > _MODELS_SHOWN else "</p>"

    def _html(self, content: str, *, status: int = 200, nonce: str | None = None) -> Response:
        text = (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>Flow Router</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f'<h1>Flow Router <span class="soft">{escape(__version__)}</span></h1>\n{content}\n</body>\n</html>\n'
        )
        policy = _POLICY if nonce is None else f"{_POLICY}; script-src 'nonce-{nonce}'; connect-src 'self'"
        headers = {**_HEADERS, "content-security-policy": policy}
        return HTMLResponse(text, status_code=status, headers=headers)


_SIGN_IN = (
    '<p class="soft">To see accounts and models here, open the link that <code>flow-router serve</code> '
    "prints at its start.</p>"
)


def _wrong_code(address: str) -> str:
    command = (
        f"curl -X POST {address}/api/handover -H 'content-type: application/json' \\\n"
        '  -H "authorization: Bearer $(cat DATA/local.token)"'
    )
    return (
        "<p>This link does not sign you in: it was used before, has lapsed, or is incomplete.</p>\n"
        "<p>Start <code>flow-router serve</code> again and open the link it prints, or ask the running "
        "gateway for a new one (DATA is its data folder):</p>\n"
        f"<pre>{escape(command)}</pre>"
    )


def _home_again() -> Response:
    return RedirectResponse("/", status_code=303, headers=_HEADERS)


def _address(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


__all__ = ["Page"]
