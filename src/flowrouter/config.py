"""Typed settings from `config.toml`, then `FLOW_ROUTER_*`, then flags; the sole reader of the environment.

The file is checked alone first, so that its mistakes name file, line and fix; each override is then
checked by itself, so that its mistake names the variable or flag. Every scalar setting has a variable:
`[server] port` is `FLOW_ROUTER_SERVER_PORT`, a top-level `reply_model` is `FLOW_ROUTER_REPLY_MODEL`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from flowrouter import strict_toml
from flowrouter.errors import ConfigError
from flowrouter.settings import (
    AccountConfig,
    Admin,
    DialectName,
    Discovery,
    Local,
    Logs,
    Models,
    Retention,
    Section,
    Server,
    Settings,
    State,
    Store,
    Timeouts,
    Upstream,
)

FILE_NAME = "config.toml"
PREFIX = "FLOW_ROUTER_"

# Kubernetes gives each pod the addresses of every service as variables; a service that is called
# `flow-router` makes names that begin like ours.
_SERVICE_LINK = re.compile(r"SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?")
_ENV_REFERENCE = "env:"
_DATABASES = ("postgresql://", "postgres://")


class Config(Settings, frozen=True):
    """Settings in force: file, environment and flags put together; `data` is always an absolute path.

    `file` is the file that was read, None where there is none. `master_key` is the text of
    `FLOW_ROUTER_MASTER_KEY`, which no file may hold.
    """

    file: str | None = None
    master_key: str | None = None

    def __repr__(self) -> str:
        return f"Config(file={self.file!r}, data={self.data!r}, accounts={self.accounts!r})"

    @property
    def data_dir(self) -> Path:
        """Return the folder of the store, the key file and the local token."""
        return Path(self.data)


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    secrets: bool = True,
) -> Config:
    """Return the settings in force; raises `ConfigError`.

    `flags` are dotted (`server.port`), with `config` for the file; a None is a flag not given. With
    `secrets` false an `env:NAME` whose variable is missing leaves its account without a key.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    variables = _variables(environ)
    text, file = _read_file(
        str(given.pop("config", "")) or environ.get(f"{PREFIX}CONFIG", ""),
        data=str(given.get("data", "")) or variables.get("data", ""),
    )
    settings = strict_toml.read(text, Settings, file=file) if file else Settings()
    _check_names(settings.accounts, text=text, file=file)
    relative_to = Path(file).parent if file else Path()
    if settings.data:
        settings = msgspec.structs.replace(settings, data=str(relative_to / Path(settings.data).expanduser()))
    if settings.local.model:
        model = str(relative_to / Path(settings.local.model).expanduser())
        settings = msgspec.structs.replace(
            settings, local=msgspec.structs.replace(settings.local, model=model)
        )
    if settings.backups.folder:
        folder = str(relative_to / Path(settings.backups.folder).expanduser())
        settings = msgspec.structs.replace(
            settings, backups=msgspec.structs.replace(settings.backups, folder=folder)
        )
    for key, value in variables.items():
        settings = _override(settings, key, value=value, source=variable_names()[key])
    for key, value in given.items():
        settings = _override(
            settings, key, value=value, source=f"--{key.rpartition('.')[2].replace('_', '-')}"
        )
    values = msgspec.structs.asdict(settings)
    values["accounts"] = _with_secrets(settings.accounts, environ, text=text, file=file, strict=secrets)
    values["upstream"] = _with_proxy(settings.upstream, environ, strict=secrets)
    values["state"] = _with_address(settings.state, environ, strict=secrets)
    values["store"] = _with_database(settings.store, environ, strict=secrets)
    values["admin"] = _with_client_secret(settings.admin, environ, strict=secrets)
    values["data"] = str(Path(settings.data).expanduser().absolute()) if settings.data else default_data_dir()
    return Config(**values, file=file or None, master_key=environ.get(f"{PREFIX}MASTER_KEY") or None)


def default_data_dir() -> str:
    """Return the platform's folder for this user's data."""
    import platformdirs

    return platformdirs.user_data_dir("flow-router", appauthor=False)


def prepare_data_dir(config: Config) -> Path:
    """Return the data folder, made for its owner alone if it is missing; raises `ConfigError`."""
    path = config.data_dir
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fix = "name a folder you may write to: --data DIR"
        raise ConfigError(f"cannot make the data folder {path}: {error.strerror}", fix=fix) from error
    return path


def environment(names: Iterable[str], *, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return those of the variables `names` that are set to something."""
    environ = os.environ if environ is None else environ
    return {name: value for name in names if (value := environ.get(name))}


def environment_with(
    changes: Mapping[str, str], *, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment for a child process: this one's own with `changes`."""
    return {**(os.environ if environ is None else environ), **changes}


def is_loopback(host: str) -> bool:
    """Return whether `host` is reachable from this machine only."""
    if host.lower().rstrip(".") == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def check_bind(config: Config, has_keys: bool) -> None:
    """Raise `ConfigError` where the gateway would listen beyond this machine with nothing to protect it."""
    if has_keys or is_loopback(config.server.host):
        return
    flag = "" if config.data == default_data_dir() else f" --data {config.data}"
    raise ConfigError(
        f"refusing to listen on {config.server.host}: no gateway key exists, so anyone who reaches this "
        "address could spend your accounts",
        fix=f"create a key first: flow-router keys create NAME{flag}; "
        "or stay on this machine: --host 127.0.0.1",
    )


def variable_names() -> dict[str, str]:
    """Return every setting that has a variable: dotted key → variable."""
    return {key: PREFIX + key.replace(".", "_").upper() for key in _scalars()}


def _scalars() -> dict[str, Any]:
    """Return each dotted key that one value can set, with its default; lists of tables need the file."""
    return dict(_scalars_of(Settings(), ""))


def _scalars_of(section: Section, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, default in msgspec.structs.asdict(section).items():
        if isinstance(default, Section):
            yield from _scalars_of(default, f"{prefix}{name}.")
        elif f"{prefix}{name}" not in _TABLES:
            yield f"{prefix}{name}", default


_TABLES = frozenset(
    {"accounts", "budgets", "prices", "routing.combos", "routing.mapping", "routing.intents", "routing.rules"}
)
"""Settings that are tables by name, or lists of tables."""


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the overrides found in `environ` by dotted key; raises `ConfigError` for an unknown name."""
    keys = {variable: key for key, variable in variable_names().items()}
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in (f"{PREFIX}CONFIG", f"{PREFIX}MASTER_KEY"):
            continue
        if name in keys:
            found[keys[name]] = value
        elif not _SERVICE_LINK.fullmatch(name.removeprefix(PREFIX)):
            close = get_close_matches(name, [*keys, f"{PREFIX}CONFIG", f"{PREFIX}MASTER_KEY"], n=1)
            fix = f"did you mean {close[0]}?" if close else "see docs/configuration.md for the names"
            raise ConfigError(f"environment: unknown setting {name}", fix=fix)
    return found


def _read_file(named: str, *, data: str) -> tuple[str, str]:
    """Return text and path of the configuration file; both are empty where none exists nor was named."""
    path = Path(named).expanduser() if named else Path(data or default_data_dir()).expanduser() / FILE_NAME
    try:
        return path.read_text("utf-8"), str(path)
    except (FileNotFoundError, NotADirectoryError):
        if not named:
            return "", ""
        raise ConfigError(f"there is no configuration file {path}", fix="check --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration file {path}: {error}") from error


def _override(settings: Settings, key: str, *, value: object, source: str) -> Settings:
    """Return `settings` with one dotted `key` set from text (or a typed value) that came from `source`."""
    *sections, name = key.split(".")
    holders: list[Any] = [settings]
    for section in sections:
        holders.append(getattr(holders[-1], section))
    holder = holders[-1]
    default = _scalars()[key]
    if isinstance(value, str) and isinstance(default, tuple):
        value = [item.strip() for item in value.split(",") if item.strip()]
    elif isinstance(value, str) and isinstance(default, dict):
        value = _pairs(value, source=source)
    try:
        converted = getattr(msgspec.convert({name: value}, type(holder), strict=False), name)
    except msgspec.ValidationError as error:
        problem = str(error).partition(" - at ")[0]
        raise ConfigError(f"{source} cannot be {value!r}: {problem[0].lower()}{problem[1:]}") from None
    changed = msgspec.structs.replace(holder, **{name: converted})
    for section, above in zip(reversed(sections), reversed(holders[:-1]), strict=True):
        changed = msgspec.structs.replace(above, **{section: changed})
    return changed


def _pairs(text: str, *, source: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if any(not (name.strip() and value.strip()) for name, _, value in pairs):
        raise ConfigError(f"{source} cannot be {text!r}", fix="write name=value,name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _check_names(accounts: tuple[AccountConfig, ...], *, text: str, file: str) -> None:
    seen: set[str] = set()
    for index, account in enumerate(accounts):
        if account.name in seen:
            line = strict_toml.line_of(text, ("accounts", index, "name"))
            message = f"a second account is named {account.name!r}"
            raise strict_toml.TomlError(message, file=file, line=line, fix="give one of them another name")
        seen.add(account.name)


def _with_secrets(
    accounts: tuple[AccountConfig, ...],
    environ: Mapping[str, str],
    *,
    text: str,
    file: str,
    strict: bool,
) -> tuple[AccountConfig, ...]:
    """Return `accounts` with every `env:NAME` replaced by the variable's value."""
    for index, account in enumerate(accounts) if strict else ():
        for path, value in _secrets(account):
            if account.enabled and _look_up(value, environ) is None:
                variable = value.removeprefix(_ENV_REFERENCE)
                raise strict_toml.TomlError(
                    f"account {account.name!r} needs the environment variable {variable}, which is not set",
                    file=file,
                    line=strict_toml.line_of(text, ("accounts", index, *path)),
                    fix=f"export {variable}=..., or set enabled = false",
                )
    return tuple(_resolved(account, environ) for account in accounts)


def _with_address(state: State, environ: Mapping[str, str], *, strict: bool) -> State:
    """Return `state` with an `env:NAME` replaced by the variable's value."""
    address = _look_up(state.redis, environ)
    if address is None and strict:
        variable = state.redis.removeprefix(_ENV_REFERENCE)
        fix = f"export {variable}=redis://..., or leave [state] redis out"
        raise ConfigError(
            f"[state] redis needs the environment variable {variable}, which is not set", fix=fix
        )
    return msgspec.structs.replace(state, redis=address or "")


def _with_proxy(upstream: Upstream, environ: Mapping[str, str], *, strict: bool) -> Upstream:
    """Return `upstream` with an `env:NAME` replaced by the variable's value; no message repeats the address."""
    proxy = _look_up(upstream.proxy, environ)
    if proxy is None and strict:
        variable = upstream.proxy.removeprefix(_ENV_REFERENCE)
        fix = f"export {variable}=http://..., or leave [upstream] proxy out"
        raise ConfigError(
            f"[upstream] proxy needs the environment variable {variable}, which is not set", fix=fix
        )
    return msgspec.structs.replace(upstream, proxy=proxy or "")


def _with_database(store: Store, environ: Mapping[str, str], *, strict: bool) -> Store:
    """Return `store` with an `env:NAME` replaced by the variable's value; no message repeats the address."""
    url = _look_up(store.url, environ)
    if url is None and strict:
        variable = store.url.removeprefix(_ENV_REFERENCE)
        fix = f"export {variable}=postgresql://..., or leave [store] url out"
        raise ConfigError(f"[store] url needs the environment variable {variable}, which is not set", fix=fix)
    if url and not url.startswith(_DATABASES):
        fix = "write postgresql://USER:PASSWORD@HOST/NAME, or leave it out for a file in the data folder"
        raise ConfigError("[store] url is no address of a PostgreSQL database", fix=fix)
    return msgspec.structs.replace(store, url=url or "")


def _with_client_secret(admin: Admin, environ: Mapping[str, str], *, strict: bool) -> Admin:
    """Return `admin` with an `env:NAME` replaced by the variable's value."""
    if admin.oidc.issuer and not admin.oidc.client_id:
        fix = "the provider names it when you register this gateway there"
        raise ConfigError("[admin.oidc] issuer needs client_id beside it", fix=fix)
    secret = _look_up(admin.oidc.client_secret, environ)
    if secret is None and strict:
        variable = admin.oidc.client_secret.removeprefix(_ENV_REFERENCE)
        raise ConfigError(
            f"[admin.oidc] client_secret needs the environment variable {variable}, which is not set",
            fix=f"export {variable}=...",
        )
    oidc = msgspec.structs.replace(admin.oidc, client_secret=secret or "")
    return msgspec.structs.replace(admin, oidc=oidc)


def _secrets(account: AccountConfig) -> list[tuple[tuple[str, ...], str]]:
    """Return the account's secrets as written, each with its place in the table."""
    key = [] if account.api_key is None else [(("api_key",), account.api_key)]
    headers = [(("headers", name), value) for name, value in account.headers.items()]
    return [*key, *headers, *((("oauth", name), value) for name, value in _oauth_secrets(account).items())]


def _oauth_secrets(account: AccountConfig) -> dict[str, str]:
    """Return the secrets among the account's OAuth terms, as written."""
    if account.oauth is None:
        return {}
    written = {name: getattr(account.oauth, name) for name in ("client_secret", "refresh_token")}
    return {name: value for name, value in written.items() if value is not None}


def _resolved(account: AccountConfig, environ: Mapping[str, str]) -> AccountConfig:
    found = {path: _look_up(value, environ) for path, value in _secrets(account)}
    headers = {path[-1]: value for path, value in found.items() if path[0] == "headers" and value is not None}
    resolved = msgspec.structs.replace(account, api_key=found.get(("api_key",)), headers=headers)
    if account.oauth is None:
        return resolved
    secrets = {path[-1]: value for path, value in found.items() if path[0] == "oauth"}
    try:
        return msgspec.structs.replace(resolved, oauth=msgspec.structs.replace(account.oauth, **secrets))
    except ValueError:  # a variable that is not set: such an account is switched off, or only looked at
        return msgspec.structs.replace(resolved, oauth=None)


def _look_up(value: str, environ: Mapping[str, str]) -> str | None:
    if not value.startswith(_ENV_REFERENCE):
        return value
    return environ.get(value.removeprefix(_ENV_REFERENCE)) or None


__all__ = [
    "AccountConfig",
    "Config",
    "DialectName",
    "Discovery",
    "Local",
    "Logs",
    "Models",
    "Retention",
    "Server",
    "Settings",
    "State",
    "Store",
    "Timeouts",
    "check_bind",
    "default_data_dir",
    "environment",
    "environment_with",
    "is_loopback",
    "load",
    "prepare_data_dir",
    "variable_names",
]
