"""A preset: the row that says where a provider is, which dialects it speaks there, and how it is asked.

A base URL already holds the version segment (`https://api.openai.com/v1`); the adapter appends only
the operation's path. One preset may serve several dialects at different bases and with different
authentication. A base URL of `""` means that each account brings its own.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from flowrouter.canonical.dialect import DIALECTS, Dialect, UpstreamDialect
from flowrouter.providers.headers import is_name, is_value
from flowrouter.providers.quirks import Quirk

QuotaShape = Literal["openrouter", "deepseek"]
"""How a provider's own account of a quota is written: `usage.quota_bodies` reads it."""

Kind = Literal["llm", "embedding", "image", "speech", "transcription"]
ListingShape = Literal["openai", "array", "anthropic", "gemini", "ollama", "none"]

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class DialectUrls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base URL of each dialect the provider speaks; None where it does not."""

    openai_chat: str | None = None
    openai_responses: str | None = None
    anthropic: str | None = None
    gemini: str | None = None

    def __post_init__(self) -> None:
        urls = [url for dialect in DIALECTS if (url := getattr(self, dialect)) is not None]
        if not urls:
            raise ValueError("at least one dialect must have a base URL")
        for url in urls:
            check_base_url(url)


class Auth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a secret is shown: `bearer` (`Authorization: {scheme} KEY`), `header` (`{header}: KEY`), `none`.

    `none` shows no secret even if there is one.
    """

    type: Literal["bearer", "header", "none"] = "bearer"
    header: str | None = None
    scheme: str = "Bearer"

    def __post_init__(self) -> None:
        if self.type == "header" and not (self.header and is_name(self.header)):
            raise ValueError('type "header" needs `header`, the name of the header')
        if self.type != "header" and self.header is not None:
            raise ValueError('`header` has a meaning only with type "header"')


class AuthOverrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Authentication that differs for one dialect of the same provider."""

    openai_chat: Auth | None = None
    openai_responses: Auth | None = None
    anthropic: Auth | None = None
    gemini: Auth | None = None


class PresetAuth(Auth, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The preset's authentication, where its keys come from, and what differs per dialect.

    `required` false: the provider also answers without a key. `env_names`: variables that usually
    hold one. `key_url`: the page where keys are made.
    """

    required: bool = True
    env_names: tuple[str, ...] = ()
    key_url: str | None = None
    dialects: AuthOverrides = AuthOverrides()


class ModelList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the live list of models is, how it looks, and the names known without asking.

    `endpoint` is a path appended to the base URL of `dialect` (the preset's first one if absent) or
    an absolute URL; `shape` "none" means that there is no list.
    """

    endpoint: str = "/models"
    shape: ListingShape = "openai"
    dialect: Dialect | None = None
    static: tuple[str, ...] = ()


class PresetHeaders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Headers sent on each call (`all`) or on calls of one dialect. Never a credential."""

    all: dict[str, str] = {}
    openai_chat: dict[str, str] = {}
    openai_responses: dict[str, str] = {}
    anthropic: dict[str, str] = {}
    gemini: dict[str, str] = {}

    def __post_init__(self) -> None:
        for table in (self.all, *(getattr(self, dialect) for dialect in DIALECTS)):
            for name, value in table.items():
                if not is_name(name) or not is_value(value):
                    raise ValueError(f"`{name}` is not a header that can be sent")


class QuotaList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the provider tells what is left of an account, and how that is written.

    `endpoints` are addresses relative to the base URL of the preset's first dialect (`key`, `../user/balance`); one
    that refuses is done without, as long as another answers.
    """

    shape: QuotaShape
    endpoints: tuple[str, ...]


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider as data; the vendor's pages behind it are named in a comment of its file.

    `class`: a = a documented public API, b = documented only by the vendor's own open client,
    c = undocumented. `local`: it runs on the user's machine or network, so slow first tokens and
    private addresses are normal. `max_concurrency`: requests in flight per account. `translate_to`: the
    dialect that requests of dialects it does not speak are translated to (default: its first).
    `prices`: the price list of `usage/rates.json` to look in (default: that of its id). `account_tags`:
    what rules may choose its accounts by, besides the tags an account has of its own. `quota`: where it tells what is
    left. `passes_on`: globs of
    the models that a server on the user's machine has answered elsewhere.
    """

    id: str
    name: str
    vendor: str
    dialects: DialectUrls
    aliases: tuple[str, ...] = ()
    class_: Literal["a", "b", "c"] = msgspec.field(default="a", name="class")
    kinds: tuple[Kind, ...] = ("llm",)
    auth: PresetAuth = PresetAuth()
    models: ModelList = ModelList()
    headers: PresetHeaders = PresetHeaders()
    quirks: tuple[Quirk, ...] = ()
    tag: Literal["cheap", "fast", "free", "premium", "local", "custom"] | None = None
    notes: str = ""
    local: bool = False
    max_concurrency: int = 64
    translate_to: UpstreamDialect | None = None
    prices: str = ""
    account_tags: tuple[str, ...] = ()
    quota: QuotaList | None = None
    passes_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.id, *self.aliases):
            if not _ID.fullmatch(name):
                raise ValueError(f"{name!r} is no id: use lower-case letters, digits and single dashes")
        if self.max_concurrency < 1:
            raise ValueError("`max_concurrency` must be at least 1")
        if self.translate_to is not None and self.base_url(self.translate_to) is None:
            raise ValueError("`translate_to` names a dialect that has no base URL")
        if self.models.dialect is not None and self.base_url(self.models.dialect) is None:
            raise ValueError("`models.dialect` names a dialect that has no base URL")

    @property
    def served_dialects(self) -> tuple[Dialect, ...]:
        """Return the dialects the provider speaks; the first is the one it is known for."""
        return tuple(dialect for dialect in DIALECTS if self.base_url(dialect) is not None)

    @property
    def preferred_dialects(self) -> tuple[Dialect, ...]:
        """Return the dialects the provider speaks, the one to translate to first."""
        served = self.served_dialects
        first = self.translate_to
        return served if first is None else (first, *(dialect for dialect in served if dialect != first))

    @property
    def listing_dialect(self) -> Dialect:
        """Return the dialect whose base URL and authentication the model list uses."""
        return self.models.dialect or self.served_dialects[0]

    @property
    def needs_url(self) -> bool:
        """Say whether an account of this preset must bring a base URL."""
        return all(self.base_url(dialect) == "" for dialect in self.served_dialects)

    def base_url(self, dialect: Dialect) -> str | None:
        """Return the base URL for `dialect`: None if not spoken, `""` if each account brings it."""
        return getattr(self.dialects, dialect, None)

    def auth_for(self, dialect: Dialect) -> Auth:
        """Return how a secret is shown when `dialect` is spoken."""
        return getattr(self.auth.dialects, dialect) or self.auth

    def headers_for(self, dialect: Dialect) -> dict[str, str]:
        """Return the preset's own headers for a call in `dialect`."""
        return {**self.headers.all, **getattr(self.headers, dialect)}

    def counts_tokens(self, dialect: Dialect) -> bool:
        """Say whether the provider is expected to count tokens for `dialect`."""
        return dialect in ("anthropic", "gemini") and "no_count_tokens" not in self.quirks


def check_base_url(url: str) -> None:
    """Raise `ValueError` unless `url` is `""` or an http(s) address without query and credentials."""
    if url == "":
        return
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("the base URL is not a valid address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise ValueError("the base URL must begin with http:// or https:// and name a host")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError("the base URL may hold no query, fragment or credentials")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError("the base URL may hold no blanks")


__all__ = [
    "Auth",
    "AuthOverrides",
    "DialectUrls",
    "Kind",
    "ListingShape",
    "ModelList",
    "Preset",
    "PresetAuth",
    "PresetHeaders",
    "QuotaList",
    "QuotaShape",
    "check_base_url",
]
