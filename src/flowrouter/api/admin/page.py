"""The page at `/`: that the gateway runs, where clients find it, and, signed in, what it has.

`/?token=CODE` signs a browser in. The code leaves the address bar with the redirect, and no page
tells anyone where it came from (`Referrer-Policy`).
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from flowrouter import __version__
from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.sessions import COOKIE, SESSION_SECONDS, Sessions
from flowrouter.api.models import entries

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
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_MODELS_SHOWN = 12


class Page:
    """Answers `GET /`."""

    def __init__(self, deps: AdminDeps, sessions: Sessions) -> None:
        self._deps = deps
        self._sessions = sessions

    async def answer(self, request: Request) -> Response:
        """Show the page, or sign a browser in."""
        signed_in = COOKIE in request.cookies and self._sessions.holds(request.cookies[COOKIE])
        code = request.query_params.get("token")
        if code is None:
            return self._html(self._home(request, signed_in))
        if signed_in:  # the link opened a second time
            return _home_again()
        if request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", ""):
            return self._html("<p>Open this link to sign in.</p>", status=503)
        if not self._deps.handover.redeem(code):
            return self._html(_wrong_code(_address(request)), status=401)
        response = _home_again()
        response.set_cookie(
            COOKIE,
            self._sessions.issue(),
            max_age=SESSION_SECONDS,
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def _home(self, request: Request, signed_in: bool) -> str:
        address = escape(_address(request))
        lines = [
            "<p>The gateway is running.</p>",
            "<h2>Base URLs</h2>",
            "<table>",
            f"<tr><th>OpenAI clients</th><td><code>{address}/v1</code></td></tr>",
            f"<tr><th>Anthropic clients</th><td><code>{address}</code></td></tr>",
            "</table>",
        ]
        lines += self._inventory() if signed_in else [_SIGN_IN]
        lines.append('<p class="soft">Management: <a href="/api/openapi.json">/api/openapi.json</a>')
        lines.append("and the page <code>docs/api.md</code> of the guide.</p>")
        return "\n".join(lines)

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

    def _html(self, content: str, *, status: int = 200) -> Response:
        text = (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>Flow Router</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f'<h1>Flow Router <span class="soft">{escape(__version__)}</span></h1>\n{content}\n</body>\n</html>\n'
        )
        return HTMLResponse(text, status_code=status, headers=_HEADERS)


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
