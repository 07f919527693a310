"""From Starlette's request to what is looked at at the door."""

from __future__ import annotations

from starlette.requests import Request

from flowrouter.api.admin.access import Knock


def address_of(request: Request) -> str:
    """Return the gateway's address as the caller wrote it."""
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def knock_of(request: Request, public_url: str) -> Knock:
    """Return what a request shows at the door; forwarded-for headers are not looked at."""
    host = request.headers.get("host", "").lower()
    behind_tls = public_url.startswith("https://") and public_url.removeprefix("https://").lower() == host
    return Knock(
        method=request.method,
        headers=joined(request),
        cookies=request.cookies,
        peer=request.client.host if request.client else None,
        base=public_url or address_of(request),
        secure=behind_tls or request.url.scheme == "https",
    )


def joined(request: Request) -> dict[str, str]:
    """Return the headers by lower-case name; repeated ones are joined as HTTP allows."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


__all__ = ["address_of", "joined", "knock_of"]
