"""The shape of `config.toml`: one Struct per table, every setting with its default and its bounds.

`config.py` fills them from the file, the environment and flags.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from flowrouter.settings.admin import Admin, Oidc
from flowrouter.settings.backups import Backups
from flowrouter.settings.budgets import Budget
from flowrouter.settings.egress import Egress
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.settings.observability import Metrics, Tracing
from flowrouter.settings.prices import ModelPrice
from flowrouter.settings.quotas import QuotaLimit, Quotas, reserves
from flowrouter.settings.recording import Recording
from flowrouter.settings.routing import Routing
from flowrouter.settings.section import Count, Seconds, Section
from flowrouter.settings.store import Store
from flowrouter.settings.upstream import Upstream

DialectName = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
"""The names of `canonical.dialect.Dialect`, which stands on a floor above; a test holds the two equal."""

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Server(Section, frozen=True):
    """Where the gateway listens and what it accepts there.

    `allowed_hosts` and `allowed_origins` add to what loopback needs. `memory_share` is the part of the
    machine's memory that request bodies in flight may take together. A request's headers must be complete
    within `header_timeout`; of a body something substantial must arrive every `body_timeout`. `reload` says when
    the configuration file is read again: when it changes, or at SIGHUP only.
    """

    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 2402
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    body_limit_mib: Count = 64
    memory_share: Annotated[float, msgspec.Meta(gt=0, le=0.9)] = 0.25
    header_limit_kib: Count = 64
    header_count: Count = 200
    header_timeout: Seconds = 30.0
    body_timeout: Seconds = 60.0
    backlog: Count = 2048
    workers: Count = 1
    reload: Literal["watch", "signal"] = "watch"

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            if not host or "/" in host or any(character.isspace() for character in host):
                raise ValueError(f"allowed_hosts: {host!r} is no host name; write `router.example.com`")
        for origin in self.allowed_origins:
            if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]+", origin):
                raise ValueError(f"allowed_origins: {origin!r} is no origin; write `https://app.example.com`")

    @property
    def body_limit(self) -> int:
        """Return the largest request body in bytes, after decompression."""
        return self.body_limit_mib * 1024 * 1024


class Timeouts(Section, frozen=True):
    """Seconds per phase of an attempt, and of the gateway's own waits.

    `first_byte` and `first_event` hold for streams; `first_byte_plain` and `total` for replies that
    come in one piece; `stall` is the longest silence between events.
    """

    connect: Seconds = 10.0
    first_byte: Seconds = 120.0
    first_byte_plain: Seconds = 600.0
    first_event: Seconds = 60.0
    first_event_reasoning: Seconds = 300.0
    stall: Seconds = 120.0
    total: Seconds = 600.0
    head_grace: Seconds = 45.0
    heartbeat: Seconds = 15.0
    wait: Seconds = 30.0
    drain: Seconds = 30.0


class AccountConfig(Section, frozen=True):
    """One `[[accounts]]` table: a credentialed identity at a provider.

    What is left out is the preset's own: base URL, dialects, model list, concurrency. `api_key` and the
    values of `headers` may be `env:NAME`; after `load` they are the plain secrets, which `repr` hides.
    """

    name: str
    preset: str
    base_url: str | None = None
    api_key: str | None = None
    models: tuple[str, ...] = ()
    priority: Count = 1
    dialects: tuple[DialectName, ...] = ()
    enabled: bool = True
    headers: dict[str, str] = {}
    max_concurrency: Count | None = None
    unsupported: Literal["auto", "drop", "refuse"] | None = None
    tags: tuple[str, ...] = ()
    weight: Count = 1
    oauth: OAuthConfig | None = None
    quota: tuple[QuotaLimit, ...] = ()
    reserve: str = ""

    def __post_init__(self) -> None:
        reserves(self.reserve)
        if not _ACCOUNT_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no account name; use letters, digits, dots and dashes")
        if self.api_key and self.oauth is not None:
            raise ValueError("an account has either `api_key` or `oauth`")

    def __repr__(self) -> str:
        return f"AccountConfig(name={self.name!r}, preset={self.preset!r})"


class Models(Section, frozen=True):
    """Names for models: `aliases` maps a name of your own to an id, to `account/id`, or to several (a pool)."""

    aliases: dict[str, str | tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        for name, models in self.aliases.items():
            if not name.strip() or not models or not all(isinstance(each, str) and each for each in models):
                raise ValueError(f"aliases: {name!r} stands for nothing; name a model, or a list of models")


class Retention(Section, frozen=True):
    """How long the request log is kept: whichever of `days` and `rows` is reached first.

    Receipts, the largest part of it, leave after `receipt_days`.
    """

    days: Count = 400
    rows: Count = 5_000_000
    receipt_days: Count = 30


class Logs(Section, frozen=True):
    """What is written to stderr; `auto` is text on a terminal and JSON lines elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"
    access: bool = True


class Local(Section, frozen=True):
    """The embedded model: `auto` offers it where it is installed, `on` insists on it, `off` leaves it out.

    `model` is the file of another model (GGUF); empty is the small one that `local pull` fetches. It is
    loaded by the first request and let go after `idle_minutes` without one.
    """

    mode: Literal["auto", "on", "off"] = "auto"
    model: str = ""
    idle_minutes: Seconds = 10.0


class Discovery(Section, frozen=True):
    """Whether to look for provider keys in the environment and for model servers on this machine."""

    enabled: bool = True


class State(Section, frozen=True):
    """Where several workers and machines keep what they must know of each other; memory without `redis`.

    `redis` is an address such as `redis://127.0.0.1:6379/0`, which `repr` hides because it may hold a
    password; it may be `env:NAME`. `prefix` begins every key, so that several gateways can use one Redis.
    `timeout` is how long a request waits for Redis before its worker goes on alone.
    """

    redis: str = ""
    prefix: Annotated[str, msgspec.Meta(max_length=100)] = "flow-router:"
    timeout: Seconds = 0.25

    def __repr__(self) -> str:
        return f"State(redis={'***' if self.redis else ''!r}, prefix={self.prefix!r})"


class Settings(Section, frozen=True):
    """The whole of `config.toml`.

    `reply_model`: whether a reply names the model that answered or the name that was asked for. `prices`: what
    models cost, by name or glob. `budgets`: what all callers together may use, by a name of your own.
    """

    data: str = ""
    reply_model: Literal["answered", "asked"] = "answered"
    server: Server = Server()
    timeouts: Timeouts = Timeouts()
    local: Local = Local()
    discovery: Discovery = Discovery()
    models: Models = Models()
    routing: Routing = Routing()
    store: Store = Store()
    state: State = State()
    retention: Retention = Retention()
    upstream: Upstream = Upstream()
    recording: Recording = Recording()
    backups: Backups = Backups()
    logs: Logs = Logs()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()
    admin: Admin = Admin()
    egress: Egress = Egress()
    quotas: Quotas = Quotas()
    prices: dict[str, ModelPrice] = {}
    budgets: dict[str, Budget] = {}
    accounts: tuple[AccountConfig, ...] = ()


__all__ = [
    "AccountConfig",
    "Admin",
    "Backups",
    "Budget",
    "DialectName",
    "Discovery",
    "Egress",
    "Local",
    "Logs",
    "Metrics",
    "ModelPrice",
    "Models",
    "OAuthConfig",
    "Oidc",
    "QuotaLimit",
    "Quotas",
    "Recording",
    "Retention",
    "Routing",
    "Section",
    "Server",
    "Settings",
    "State",
    "Store",
    "Timeouts",
    "Tracing",
    "Upstream",
]
