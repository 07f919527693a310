"""The form on the page at `/` that logs somebody in; a few lines of script, allowed by a nonce."""

from __future__ import annotations

from html import escape

_SCRIPT = """
const form = document.getElementById("login");
const said = document.getElementById("said");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  said.textContent = "";
  const body = JSON.stringify({name: form.elements.name.value, password: form.elements.password.value});
  const reply = await fetch("/api/login", {
    method: "POST", headers: {"content-type": "application/json"}, body, credentials: "same-origin",
  });
  if (reply.ok) { location.assign("/"); return; }
  const told = await reply.json().catch(() => ({error: {message: "the gateway does not answer"}}));
  said.textContent = told.error.message;
});
document.getElementById("logout")?.addEventListener("click", async () => {
  const me = (await (await fetch("/api/me")).json()).data;
  await fetch("/api/logout", {
    method: "POST", body: "{}",
    headers: {"content-type": "application/json", "x-csrf-token": me.csrf_token},
  });
  location.assign("/");
});
"""

_PASSWORD = (
    '<p><label>Password <input name="password" type="password" autocomplete="current-password" required>'
    "</label></p>"
)


def form(*, nonce: str, sso: tuple[str, str] | None) -> str:
    """Return the form; `sso` is (label, address) of the other way in."""
    lines = [
        "<h2>Log in</h2>",
        '<form id="login">',
        '<p><label>Name <input name="name" value="admin" autocomplete="username" required></label></p>',
        _PASSWORD,
        '<p><button>Log in</button> <span id="said" role="alert"></span></p>',
        "</form>",
    ]
    if sso is not None:
        lines.append(f'<p><a href="{escape(sso[1])}">Log in with {escape(sso[0])}</a></p>')
    return "\n".join([*lines, script(nonce)])


def leaving(name: str, *, nonce: str) -> str:
    """Return who is logged in and the way out."""
    return f'<p class="soft">Logged in as {escape(name)}. <button id="logout">Log out</button></p>{script(nonce)}'


def script(nonce: str) -> str:
    """Return the script that the page's policy allows."""
    return f'<script nonce="{nonce}">{_SCRIPT}</script>'


__all__ = ["form", "leaving", "script"]
