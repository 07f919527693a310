"""Every data-plane route, once: method, path, and what it is for.

Paths are read as forgivingly as users write them: base URLs come with, without and with two version
segments, and of several the last one counts. Gemini's verbs stand behind the model's name, which may
itself hold slashes and colons, so a verb begins at the path's last colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from flowrouter.canonical.dialect import Dialect


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route.

    A `{name}` takes one segment of the path where `/` follows it, else all up to what follows, slashes
    included. `stream` is what the address itself says of that (Gemini), None where the body says it.
    """

    method: str
    path: str
    purpose: str
    dialect: Dialect | None = None
    stream: bool | None = None


def _gemini_verbs() -> Iterator[Route]:
    """Yield Google's verbs at both versions: its newest SDK asks at /v1, the others at /v1beta."""
    verbs = (
        ("generateContent", "generate", False),
        ("streamGenerateContent", "generate", True),
        ("countTokens", "count_tokens", None),
        ("embedContent", "embed_content", None),
        ("batchEmbedContents", "batch_embed", None),
    )
    for version in ("v1beta", "v1"):
        for verb, purpose, stream in verbs:
            path = f"/{version}/models/{{model}}:{verb}"
            yield Route(method="POST", path=path, purpose=purpose, dialect="gemini", stream=stream)


ROUTES: tuple[Route, ...] = (
    Route(method="POST", path="/v1/chat/completions", purpose="generate", dialect="openai_chat"),
    Route(method="POST", path="/v1/messages", purpose="generate", dialect="anthropic"),
    Route(method="POST", path="/v1/responses", purpose="generate", dialect="openai_responses"),
    Route(method="GET", path="/v1/responses", purpose="upgrade", dialect="openai_responses"),
    Route(method="POST", path="/v1/responses/compact", purpose="compact", dialect="openai_responses"),
    Route(
        method="POST",
        path="/v1/responses/{id}/cancel",
        purpose="cancel_response",
        dialect="openai_responses",
    ),
    Route(
        method="GET",
        path="/v1/responses/{id}/input_items",
        purpose="list_input_items",
        dialect="openai_responses",
    ),
    Route(method="GET", path="/v1/responses/{id}", purpose="get_response", dialect="openai_responses"),
    Route(method="DELETE", path="/v1/responses/{id}", purpose="delete_response", dialect="openai_responses"),
    *_gemini_verbs(),
    Route(method="POST", path="/v1/completions", purpose="generate", dialect="openai_completions"),
    Route(method="POST", path="/v1/embeddings", purpose="embeddings", dialect="openai_chat"),
    Route(method="POST", path="/v1/messages/count_tokens", purpose="count_tokens", dialect="anthropic"),
    Route(method="GET", path="/v1/models", purpose="list_models"),
    Route(method="GET", path="/v1/models/info", purpose="describe_models"),
    Route(method="GET", path="/v1/models/{id}", purpose="get_model"),
    Route(method="GET", path="/v1beta/models", purpose="list_models", dialect="gemini"),
    Route(method="GET", path="/v1beta/models/{model}", purpose="get_model", dialect="gemini"),
    Route(method="GET", path="/v1/receipts/{request_id}", purpose="get_receipt"),
    Route(method="GET", path="/healthz", purpose="alive"),
    Route(method="GET", path="/readyz", purpose="ready"),
)


def _pattern(path: str) -> re.Pattern[str]:
    """Return the form of the paths a route with a `{name}` serves."""
    before, _, behind = path.partition("{")
    behind = behind.partition("}")[2]
    rest = "([^/]+)" if behind.startswith("/") else "(.+)"
    return re.compile(re.escape(before) + rest + re.escape(behind) + r"\Z", re.DOTALL)


_EXACT = {(route.method, route.path): (route, "") for route in ROUTES if "{" not in route.path}
_PATHS = {route.path for route in ROUTES if "{" not in route.path}
# The longest first, so that what stands behind a name is told from the name.
_NAMED = sorted(
    ((route, _pattern(route.path)) for route in ROUTES if "{" in route.path),
    key=lambda row: len(row[0].path.partition("}")[2]),
    reverse=True,
)
_VERSIONS = re.compile(
    r"(?:/v1(?:beta|alpha)?(?:/openai)*)*/v1(?P<early>beta|alpha)?(?P<openai>(?:/openai)+)?(?=/)"
)
_BARE = re.compile(r"/(?:chat/completions|completions|embeddings|messages|models|receipts|responses)(?:/|$)")
_VERB = re.compile(r"/v1(?:beta)?/models/.+:[A-Za-z]+\Z", re.DOTALL)


def normalise(path: str) -> str:
    """Return `path` as the table writes it."""
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    path = re.sub(r"/{2,}", "/", path) if "//" in path else path
    if (found := _VERSIONS.match(path)) is not None:
        # Google serves OpenAI's routes at /v1beta/openai.
        path = ("/v1beta" if found["early"] and not found["openai"] else "/v1") + path[found.end() :]
    return f"/v1{path}" if _BARE.match(path) else path


def find(method: str, path: str) -> tuple[str, tuple[Route, str] | None]:
    """Return `path` as the table writes it, and what `match` finds there; most paths come as they are written."""
    found = _EXACT.get((method, path))
    if found is not None:
        return path, found
    path = normalise(path)
    return path, match(method, path)


def match(method: str, path: str) -> tuple[Route, str] | None:
    """Return the route for a normalised path and what its `{name}` stands for, or None; HEAD goes with GET."""
    method = "GET" if method == "HEAD" else method
    found = _EXACT.get((method, path))
    if found is not None:
        return found
    for route, pattern in _NAMED:
        if method == route.method and (named := pattern.match(path)) is not None:
            return route, named[1]
    return None


def knows(path: str) -> bool:
    """Return whether some method serves `path`."""
    return path in _PATHS or any(pattern.match(path) for _, pattern in _NAMED)


def is_verb(path: str) -> bool:
    """Return whether `path` ends as a call of Gemini's does, known or not."""
    return _VERB.match(path) is not None


def dialect_of(path: str, headers: Mapping[str, str], *, keyed: bool = False) -> Dialect:
    """Return the dialect an answer on `path` is told in where no route says it.

    The path decides where it is one dialect's own, else the headers by which the vendors' SDKs are told
    apart; `keyed` says that the query holds a `key`, which only Gemini's clients send.
    """
    for prefix, dialect in _OWN_PATHS:
        if path.startswith(prefix):
            return dialect
    if "anthropic-version" in headers:
        return "anthropic"
    google = keyed or "x-goog-api-key" in headers or "google-genai" in headers.get("user-agent", "")
    return "gemini" if google else "openai_chat"


_OWN_PATHS: tuple[tuple[str, Dialect], ...] = (
    ("/v1beta", "gemini"),
    ("/v1/messages", "anthropic"),
    ("/v1/responses", "openai_responses"),
    ("/v1/chat/", "openai_chat"),
)


__all__ = ["ROUTES", "Route", "dialect_of", "find", "is_verb", "knows", "match", "normalise"]
