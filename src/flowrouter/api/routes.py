"""Every data-plane route, once: method, path, and what it is for."""

from __future__ import annotations

import re

import msgspec

from flowrouter.canonical.dialect import Dialect


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route; a `{name}` at the path's end takes the rest of it, slashes included."""

    method: str
    path: str
    purpose: str
    dialect: Dialect | None = None


ROUTES: tuple[Route, ...] = (
    Route(method="POST", path="/v1/chat/completions", purpose="generate", dialect="openai_chat"),
    Route(method="POST", path="/v1/messages", purpose="generate", dialect="anthropic"),
    Route(method="POST", path="/v1/embeddings", purpose="embed", dialect="openai_chat"),
    Route(method="POST", path="/v1/messages/count_tokens", purpose="count_tokens", dialect="anthropic"),
    Route(method="GET", path="/v1/models", purpose="list_models"),
    Route(method="GET", path="/v1/models/{id}", purpose="get_model"),
    Route(method="GET", path="/v1/receipts/{request_id}", purpose="get_receipt"),
    Route(method="GET", path="/healthz", purpose="alive"),
    Route(method="GET", path="/readyz", purpose="ready"),
)

_EXACT = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}
_PATHS = {route.path for route in ROUTES if "{" not in route.path}
_PREFIXES = [(route, route.path.partition("{")[0]) for route in ROUTES if "{" in route.path]
_DOUBLED = re.compile(r"^(?:/v1)+(?=/)")
_BARE = re.compile(r"^/(?:chat/completions|embeddings|messages|models|receipts)(?:/|$)")


def normalise(path: str) -> str:
    """Return `path` as the table writes it: users paste base URLs with, without and with two `/v1`."""
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    path = re.sub(r"/{2,}", "/", path) if "//" in path else path
    if path.startswith("/v1/v1"):
        path = _DOUBLED.sub("/v1", path)
    return f"/v1{path}" if _BARE.match(path) else path


def match(method: str, path: str) -> tuple[Route, str] | None:
    """Return the route for a normalised path and what its `{name}` stands for, or None; HEAD goes with GET."""
    method = "GET" if method == "HEAD" else method
    found = _EXACT.get((method, path))
    if found is not None:
        return found, ""
    for route, prefix in _PREFIXES:
        if method == route.method and path.startswith(prefix) and len(path) > len(prefix):
            return route, path[len(prefix) :]
    return None


def knows(path: str) -> bool:
    """Return whether some method serves `path`."""
    return path in _PATHS or any(
        path.startswith(prefix) and len(path) > len(prefix) for _, prefix in _PREFIXES
    )


def dialect_of(path: str, headers: dict[str, str]) -> Dialect:
    """Return the dialect an error on `path` is told in: the route's own, else what the headers suggest."""
    if path.startswith("/v1/messages") or "anthropic-version" in headers:
        return "anthropic"
    return "openai_chat"


__all__ = ["ROUTES", "Route", "dialect_of", "knows", "match", "normalise"]
