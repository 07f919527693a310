"""Plain values in, one HTTP request out: the address, the headers and the secret, nothing else.

Where a request goes: `base` + the operation's path. `base` is the preset's for the dialect and holds
the version segment; the paths are in `_PATHS`. So Chat is `base/chat/completions`, Anthropic
`base/messages`. Gemini's paths carry the model's name.

What an account's own base URL means: it stands for the base of the preset's first dialect. Without a
path (`http://10.0.0.5:11434`) it takes the preset's path. If the preset's other dialects live at
other paths of the same host, they are moved along. Anthropic's and Google's clients write bases without
a version, so such a base gets the one they would add. A pasted full address loses its operation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, NoReturn
from urllib.parse import quote, urlencode, urljoin, urlsplit

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import ConfigError
from flowrouter.providers import headers as header_table
from flowrouter.providers.preset import Preset, check_base_url
from flowrouter.wire.http import HttpRequest

Operation = Literal[
    "generate", "embeddings", "embed_content", "batch_embed", "compact", "count_tokens", "models"
]

Headers = tuple[tuple[str, str], ...]

_PATHS: dict[tuple[Dialect, Operation], str] = {
    ("openai_chat", "generate"): "/chat/completions",
    ("openai_chat", "embeddings"): "/embeddings",
    ("openai_responses", "generate"): "/responses",
    ("openai_responses", "compact"): "/responses/compact",
    ("anthropic", "generate"): "/messages",
    ("anthropic", "count_tokens"): "/messages/count_tokens",
    ("gemini", "generate"): "/models/{model}:generateContent",
    ("gemini", "count_tokens"): "/models/{model}:countTokens",
    ("gemini", "embed_content"): "/models/{model}:embedContent",
    ("gemini", "batch_embed"): "/models/{model}:batchEmbedContents",
}
_GEMINI_STREAM = "/models/{model}:streamGenerateContent?alt=sse"

# The connection writes these itself; a second copy would desynchronise it from the server.
_CONNECTION = frozenset({"connection", "content-length", "host", "te", "transfer-encoding", "upgrade"})

_PASTED = re.compile(r"/(?:chat/completions|embeddings|messages|responses|models/[^/]+:[A-Za-z]+)$")
_VERSIONS: Mapping[Dialect, str] = {"anthropic": "/v1", "gemini": "/v1beta"}
_VERSION = re.compile(r"/v\d+[a-z0-9]*$")


class AdapterError(ConfigError):
    """The account or preset does not allow the request to be built; nothing was sent."""


def build(
    preset: Preset,
    dialect: Dialect,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    operation: Operation = "generate",
    model: str = "",
    body: bytes = b"",
    stream: bool = False,
    client_headers: Mapping[str, str] | None = None,
    same_dialect: bool = False,
    account_headers: Mapping[str, str] | None = None,
    page: tuple[tuple[str, str], ...] = (),
) -> HttpRequest:
    """Return the request for one attempt at `preset` in `dialect`; raises `AdapterError`.

    `base_url` and `account_headers` are the account's own; `client_headers` those of the caller, of
    which only the rows of `headers.FORWARDED` pass, and only if `same_dialect`. `model` is needed
    where the address carries it; `page` is the query of the next page of a model list. Streams ask
    for no compression, because a compressing proxy holds events back; otherwise the transport names
    the encodings that it can undo.
    """
    own = header_table.HeaderSet()
    own.set("accept", "text/event-stream" if stream else "application/json")
    if stream:
        own.set("accept-encoding", "identity")
    if operation != "models":
        own.set("content-type", "application/json")
    own.set("user-agent", header_table.USER_AGENT)
    own.update(header_table.DIALECT_DEFAULTS[dialect])
    own.update(preset.headers_for(dialect))
    if same_dialect and client_headers:
        own.update(header_table.forwarded(client_headers, dialect))
    own.update(_checked(account_headers or {}))
    own.update(_credentials(preset, dialect, api_key))
    return HttpRequest(
        method="GET" if operation == "models" else "POST",
        url=_url(preset, dialect, operation, base_url=base_url, model=model, stream=stream, page=page),
        headers=own.items(),
        body=b"" if operation == "models" else body,
    )


def passed_on(client_headers: Mapping[str, str], dialect: Dialect) -> Headers:
    """Return those of `client_headers` (names in lower case) that may go on to a provider speaking `dialect`."""
    allowed = header_table.FORWARDED[dialect]
    if allowed.isdisjoint(client_headers):
        return ()
    return tuple([(name, client_headers[name]) for name in allowed if name in client_headers])


def build_listing(
    preset: Preset,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    account_headers: Mapping[str, str] | None = None,
    page: tuple[tuple[str, str], ...] = (),
) -> HttpRequest:
    """Return the request for (one page of) the provider's model list; raises `AdapterError`."""
    return build(
        preset,
        preset.listing_dialect,
        api_key=api_key,
        base_url=base_url,
        operation="models",
        account_headers=account_headers,
        page=page,
    )


class Shown(NamedTuple):
    """What of an account its provider is shown."""

    api_key: str | None
    base_url: str | None
    headers: Mapping[str, str]


def build_quota(preset: Preset, endpoint: str, *, account: Shown) -> HttpRequest:
    """Return the request for what is left of an account; raises `AdapterError`."""
    listing = build(
        preset,
        preset.listing_dialect,
        api_key=account.api_key,
        base_url=account.base_url,
        operation="models",
        account_headers=account.headers,
    )
    base = resolve_base_url(preset, preset.served_dialects[0], override=account.base_url)
    return msgspec.structs.replace(listing, url=urljoin(f"{base}/", endpoint))


def resolve_base_url(preset: Preset, dialect: Dialect, *, override: str | None = None) -> str:
    """Return the address that operation paths of `dialect` are appended to; raises `AdapterError`."""
    own = preset.base_url(dialect)
    if own is None:
        spoken = ", ".join(preset.served_dialects)
        raise AdapterError(f"preset {preset.id!r} does not speak {dialect}", fix=f"it speaks {spoken}")
    if not override:
        if not own:
            _refuse(preset, "needs a base URL", "set `base_url` on the account")
        return own.rstrip("/")
    try:
        first = preset.base_url(preset.served_dialects[0]) or ""
        return _overridden(first, own, override=override, dialect=dialect)
    except ValueError as error:
        raise AdapterError(f"the account's base URL: {error}") from None


@lru_cache(maxsize=512)
def _overridden(first: str, own: str, *, override: str, dialect: Dialect) -> str:
    """Return the base for `dialect`, whose preset base is `own` and the first dialect's is `first`."""
    override = override.strip()
    check_base_url(override)
    base = _moved(first, own, override=_PASTED.sub("", override.rstrip("/")))
    version = _VERSIONS.get(dialect)
    return base + version if version is not None and not _VERSION.search(base) else base


def _moved(first: str, own: str, *, override: str) -> str:
    """Return where the dialect at `own` is, if the one at `first` is at `override`."""
    own_path, first_path = urlsplit(own).path.rstrip("/"), urlsplit(first).path.rstrip("/")
    path = urlsplit(override).path.rstrip("/")
    if not path:
        return override + own_path
    if first_path and path.endswith(first_path) and not (own_path and path.endswith(own_path)):
        return override[: len(override) - len(first_path)] + own_path
    return override


def _url(
    preset: Preset,
    dialect: Dialect,
    operation: Operation,
    *,
    base_url: str | None,
    model: str,
    stream: bool,
    page: tuple[tuple[str, str], ...],
) -> str:
    base = resolve_base_url(preset, dialect, override=base_url)
    if operation == "models":
        return _listing_url(preset, base, page)
    path = _PATHS.get((dialect, operation))
    if path is None:
        _refuse(preset, f"has no {operation.replace('_', ' ')} route in {dialect}", None)
    if dialect == "gemini" and operation == "generate" and stream:
        path = _GEMINI_STREAM
    if "{model}" in path:
        if not model:
            _refuse(preset, "needs the model's name in the address", None)
        path = path.replace("{model}", quote(model.removeprefix("models/"), safe=""))
    return base + path


def _listing_url(preset: Preset, base: str, page: tuple[tuple[str, str], ...]) -> str:
    if preset.models.shape == "none":
        _refuse(preset, "has no model list", "name the models on the account")
    endpoint = preset.models.endpoint
    url = endpoint if "://" in endpoint else base + endpoint
    if not page:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(page)}"


def _credentials(preset: Preset, dialect: Dialect, api_key: str | None) -> dict[str, str]:
    auth = preset.auth_for(dialect)
    key = (api_key or "").strip()
    if auth.type == "none":
        return {}
    if not key:
        if preset.auth.required:
            names = " or ".join(preset.auth.env_names) or "an API key"
            _refuse(preset, "needs an API key", f"set {names}")
        return {}
    if not all("!" <= c <= "~" for c in key):
        _refuse(preset, "was given an API key with characters that no key has", "paste it again")
    if auth.type == "header":
        return {auth.header or "": key}
    return {"authorization": f"{auth.scheme} {key}"}


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        sendable = header_table.is_name(name) and header_table.is_value(value)
        if not sendable or name.lower() in _CONNECTION:
            raise AdapterError(f"the account's header {name!r} cannot be sent")
    return headers


def _refuse(preset: Preset, why: str, fix: str | None) -> NoReturn:
    raise AdapterError(f"preset {preset.id!r} {why}", fix=fix)


__all__ = [
    "AdapterError", "Headers", "Operation", "Shown", "build", "build_listing", "build_quota", "passed_on",
    "resolve_base_url",
]  # fmt: skip
