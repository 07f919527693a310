"""What only the configuration file, variables and flags set: shown beside the settings that can be changed here.

Credentials are left out: of an address that may hold one, only that there is one, or where it leads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from flowrouter.api.admin.access import login_is_on
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.declaration.units import compact
from flowrouter.api.admin.login.oidc_routes import CALLBACK
from flowrouter.api.admin.roles import covers
from flowrouter.config import Config
from flowrouter.settings import (
    Backups,
    Discovery,
    Egress,
    Local,
    Logs,
    Metrics,
    Quotas,
    Retention,
    Server,
    Timeouts,
    Tracing,
)
from flowrouter.settings.admin import Role


class OidcShown(msgspec.Struct, frozen=True, kw_only=True):
    """The OpenID Connect provider; `redirect_uri` is what it must be told. `roles` and `emails` are for admins."""

    issuer: str
    client_id: str
    has_secret: bool
    redirect_uri: str
    scopes: tuple[str, ...]
    name_claim: str
    role_claim: str
    roles: dict[str, Role] | None
    emails: dict[str, Role] | None
    algorithms: tuple[str, ...]
    label: str


class AdminShown(msgspec.Struct, frozen=True, kw_only=True):
    """Who may log in and for how long; `on` is whether people must."""

    login: str
    on: bool
    public_url: str
    idle_minutes: float
    session_hours: float
    audit_days: int
    password_length: int
    free_attempts: int
    require_if_match: bool
    oidc: OidcShown | None


class UpstreamShown(msgspec.Struct, frozen=True, kw_only=True):
    """The way to providers; `proxy` without what it is entered with."""

    client: str
    proxy: str
    direct: tuple[str, ...]


class StateShown(msgspec.Struct, frozen=True, kw_only=True):
    """Where workers and machines keep what they must know of each other."""

    redis: bool
    prefix: str
    timeout: float


class FileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the process started with and no call changes.

    `file` is where it stands, `given` names the settings that are not as they are by default.
    """

    file: str | None
    given: tuple[str, ...]
    server: Server
    timeouts: Timeouts
    retention: Retention
    backups: Backups
    egress: Egress
    upstream: UpstreamShown
    admin: AdminShown
    state: StateShown
    local: Local
    discovery: Discovery
    quotas: Quotas
    logs: Logs
    metrics: Metrics
    tracing: Tracing


def file_settings(call: Call) -> FileSettings:
    """Return what the configuration file says."""
    config = call.deps.config
    folder = config.backups.folder or str(config.data_dir / "backups")
    upstream, state = config.upstream, config.state
    return FileSettings(
        file=config.file,
        given=tuple(_given(config)),
        server=config.server,
        timeouts=config.timeouts,
        retention=config.retention,
        backups=msgspec.structs.replace(config.backups, folder=folder),
        egress=config.egress,
        upstream=UpstreamShown(
            client=upstream.client, proxy=_without_login(upstream.proxy), direct=upstream.direct
        ),
        admin=_admin(call),
        state=StateShown(redis=bool(state.redis), prefix=state.prefix, timeout=state.timeout),
        local=config.local,
        discovery=config.discovery,
        quotas=config.quotas,
        logs=call.deps.present.logs,
        metrics=config.metrics,
        tracing=config.tracing,
    )


def _admin(call: Call) -> AdminShown:
    admin = call.deps.config.admin
    names = [name for name in AdminShown.__struct_fields__ if name not in ("on", "oidc")]
    plain: dict[str, Any] = {name: getattr(admin, name) for name in names}
    return AdminShown(on=login_is_on(call.deps.config), oidc=_oidc(call), **plain)


def _oidc(call: Call) -> OidcShown | None:
    oidc = call.deps.config.admin.oidc
    if not oidc.issuer:
        return None
    admin = covers(call.visitor.role, "admin")
    return OidcShown(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        has_secret=bool(oidc.client_secret),
        redirect_uri=f"{call.knock.base}{CALLBACK}",
        scopes=oidc.scopes,
        name_claim=oidc.name_claim,
        role_claim=oidc.role_claim,
        roles=oidc.roles if admin else None,
        emails=oidc.emails if admin else None,
        algorithms=oidc.algorithms,
        label=oidc.label,
    )


def _without_login(address: str) -> str:
    """Return an address without name and password."""
    if not address:
        return ""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _given(config: Config) -> Iterator[str]:
    """Yield the dotted names of what is not as it is by default."""
    document = cast("Mapping[str, Any]", compact(config))
    sections = set(FileSettings.__struct_fields__)
    for name, value in document.items():
        if name in sections and isinstance(value, dict):
            yield from _paths(cast("dict[str, Any]", value), name)


def _paths(value: Mapping[str, Any], stem: str) -> Iterator[str]:
    for name, each in value.items():
        if isinstance(each, dict) and stem == "admin":
            yield from _paths(cast("dict[str, Any]", each), f"{stem}.{name}")
        else:
            yield f"{stem}.{name}"


__all__ = ["AdminShown", "FileSettings", "OidcShown", "StateShown", "UpstreamShown", "file_settings"]
