"""The page at `/`: the dashboard, and the address that signs a browser in.

`/?token=CODE` signs a browser in. The code leaves the address bar with the redirect, and no page
tells anyone where it came from (`Referrer-Policy`). What a link that does not do so is answered with is
written here, so that it reads well without any script.
"""

from __future__ import annotations

import contextlib
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from flowrouter import __version__
from flowrouter.api.admin.access import Knock
from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.knocking import address_of, knock_of
from flowrouter.api.admin.login.logins import Logins
from flowrouter.api.admin.sessions import Identity, cookie_name, set_cookie
from flowrouter.api.dashboard import Dashboard
from flowrouter.errors import StorageError
from flowrouter.gateway.people import LoginSession

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
p { margin: .5rem 0; }
code, pre { font: .9em ui-monospace, monospace; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; overflow-x: auto; }
.soft { color: var(--soft); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_HOME = "index.html"


class Page:
    """Answers `GET /`."""

    def __init__(self, deps: AdminDeps, logins: Logins, files: Dashboard) -> None:
        self._deps = deps
        self._logins = logins
        self._files = files

    async def answer(self, request: Request) -> Response:
        """Show the dashboard, or sign a browser in."""
        code = request.query_params.get("token")
        if code is None:
            return await self._files.answer(request, _HOME) or _html(
                "<p>The dashboard's files are gone.</p>", 500
            )
        knock = knock_of(request, self._deps.config.admin.public_url)
        if await self._session(knock) is not None:  # the link opened a second time
            return _home_again()
        if request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", ""):
            return _html("<p>Open this link to sign in.</p>", 503)
        if not await self._deps.handover.redeem(code):
            return _html(_wrong_code(address_of(request)), 401)
        return await self._signed_in(knock)

    async def _session(self, knock: Knock) -> LoginSession | None:
        """Return the browser's session, None while the store is away."""
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
            return _html("<p>The store does not answer; ask the gateway for another link later.</p>", 503)
        response = _home_again()
        name = cookie_name(secure=knock.secure)
        cookie = set_cookie(name, issued.token, seconds=issued.seconds, secure=knock.secure)
        response.headers.append("set-cookie", cookie)
        return response


def _html(content: str, status: int) -> Response:
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Flow Router</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>Flow Router <span class="soft">{escape(__version__)}</span></h1>\n{content}\n</body>\n</html>\n'
    )
    return HTMLResponse(text, status_code=status, headers={**_HEADERS, "content-security-policy": _POLICY})


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


__all__ = ["Page"]
