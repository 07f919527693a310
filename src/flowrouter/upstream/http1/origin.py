"""URLs taken apart: which host a request goes to, and what its first line says.

Hosts are understood by the URL library once and remembered; what follows them is sent as it stands
where it is made of what a request line may hold, else as the library writes it.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from flowrouter.errors import UpstreamError

_PLAIN = re.compile(r"/[A-Za-z0-9\-._~%!$&'()*+,;=:@/?]*")
_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True):
    """One host to connect to: its name or address as the URL library has it (IDNA, no brackets), and the port.

    `host_header` is what requests name it by. Connections are shared by equal origins.
    """

    secure: bool
    host: str
    port: int
    host_header: str


KEPT_MAX = 2_000
"""Longer addresses are not kept: they hold a model's name, which a caller may choose."""


def split_url(url: str) -> tuple[Origin, str]:
    """Return the origin of `url` and the target of the request line; raises `UpstreamError`."""
    return _split_kept(url) if len(url) <= KEPT_MAX else _split(url)


def _split(url: str) -> tuple[Origin, str]:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if "?" in authority or "#" in authority:
        authority, path, slash = _cut(rest)
    origin = _origin(scheme, authority)
    target = "/" + path if slash else path
    if _PLAIN.fullmatch(target):
        return origin, target
    return origin, _written(scheme, authority, target)


_split_kept = lru_cache(maxsize=1024)(_split)


def _cut(rest: str) -> tuple[str, str, str]:
    """Return authority and target of a URL whose path is empty."""
    at = min(index for index in (rest.find("?"), rest.find("#"), rest.find("/")) if index >= 0)
    return rest[:at], "/" + rest[at:], ""


@lru_cache(maxsize=1024)
def _origin(scheme: str, authority: str) -> Origin:
    from yarl import URL

    port = _PORTS.get(scheme.lower())
    try:
        url = URL(f"{scheme}://{authority}/")
        host = url.raw_host
    except ValueError as error:
        raise _no_address() from error
    if port is None or not host or url.user is not None or url.port is None:
        raise _no_address()
    named = f"[{host}]" if ":" in host else host
    header = named if url.port == port else f"{named}:{url.port}"
    return Origin(scheme.lower() == "https", host, url.port, header)


def _written(scheme: str, authority: str, target: str) -> str:
    from yarl import URL

    try:
        written = URL(f"{scheme}://{authority}{target}").raw_path_qs
    except ValueError as error:
        raise _no_address() from error
    if not _PLAIN.match(written) or any(character <= " " or character > "~" for character in written):
        raise _no_address()
    return written


def _no_address() -> UpstreamError:
    return UpstreamError("the provider could not be reached: its address is not one", kind="connect")


__all__ = ["KEPT_MAX", "Origin", "split_url"]
