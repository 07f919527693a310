"""Refuses what no honest local client sends: foreign hosts, foreign web pages, form posts.

A gateway on loopback is reachable from every page the user's browser opens. Three checks, on every
route, close that door: the `Host` must be loopback or configured (DNS rebinding), an `Origin` or a
cross-site `Sec-Fetch-Site` must be allow-listed (pages of other sites, WebSockets included), and a
body must be declared as JSON (simple cross-site posts can only be forms or text).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address

import msgspec

# A name or address, then perhaps a port. Anything else in a `Host` (user names, lists) is refused, since
# what one reader takes for the port another may take for the host.
_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[^\s\[\]:/@,]+)(?::[0-9]*)?")
_KEPT_MAX = 256
_KEPT_LENGTH = 400
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts and origins allowed besides loopback hosts and same-origin pages (lower case)."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    passed: set[tuple[str | None, ...]] = msgspec.field(default_factory=set[tuple[str | None, ...]])
    """What has passed, all but landings: the same few headers come with every request."""

    def objection(self, method: str, headers: Mapping[str, str], *, path: str = "") -> tuple[int, str] | None:
        """Return (status, message) for a request that must be refused; header names in lower case."""
        get = headers.get
        asked = (method, get("host"), get("origin"), get("sec-fetch-site"), get("content-type"))
        if asked in self.passed:
            return None
        found = self._found(method, headers, path)
        if found is None and path not in LANDINGS and sum(len(text or "") for text in asked) <= _KEPT_LENGTH:
            if len(self.passed) >= _KEPT_MAX:
                self.passed.clear()
            self.passed.add(asked)
        return found

    def _found(self, method: str, headers: Mapping[str, str], path: str) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        if not self._host_allowed(host):
            return 421, (
                f"the host {_quoted(host)} is not served here; call 127.0.0.1 or localhost, "
                "or add the name to `server.allowed_hosts`"
            )
        origin = headers.get("origin")
        if origin is not None:
            if not self._origin_allowed(origin.lower(), host):
                return 403, (
                    f"web pages of {_quoted(origin)} may not call this gateway; "
                    "add the origin to `server.allowed_origins` to allow them"
                )
        elif headers.get("sec-fetch-site", "").lower() in ("cross-site", "same-site") and not _lands(
            method, headers, path=path
        ):
            return 403, "web pages of other sites may not call this gateway"
        if method in ("POST", "PUT", "PATCH") and not _is_json(headers.get("content-type", "")):
            return 415, "send the body as JSON, with the header `content-type: application/json`"
        return None

    def _host_allowed(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        return found is not None and (is_loopback(found[1]) or found[1] in self.hosts or host in self.hosts)

    def _origin_allowed(self, origin: str, host: str) -> bool:
        if origin in self.origins:
            return True
        return origin in (f"http://{host}", f"https://{host}")


LANDINGS = frozenset({"/api/login/oidc/callback"})
"""Where another site may send a browser to, and where nothing happens without this browser's own cookie."""


def _lands(method: str, headers: Mapping[str, str], *, path: str) -> bool:
    """Return whether a browser as a whole comes from another site, rather than a part of a page there."""
    return method == "GET" and path in LANDINGS and headers.get("sec-fetch-mode") == "navigate"


@lru_cache(maxsize=256)
def is_loopback(name: str) -> bool:
    """Return whether `name` is a host name or address that never leaves the machine."""
    name = name.strip("[]").lower().removesuffix(".")
    if name in _LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _quoted(text: str) -> str:
    return repr(text[:120])


__all__ = ["LANDINGS", "Guard", "is_loopback"]
