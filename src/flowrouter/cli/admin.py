"""`flow-router admin`: who may log in to `/api`, with which password, and who is signed in."""

from __future__ import annotations

import sys
from typing import Annotated, cast, get_args

import typer

from flowrouter.cli import output
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder, Detach
from flowrouter.errors import ConfigError
from flowrouter.gateway.people import User, UserChange
from flowrouter.settings.admin import Role

app = typer.Typer(help="Who may log in, and who is.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(help="The user.")]


@app.command()
def password(
    name: UserName = "admin",
    *,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ROLE", help="viewer, operator or admin; a new user's is admin."),
    ] = None,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Set a user's password, asked for or read from stdin; makes the user where there is none."""
    with opened(config, data, detach=detach) as desk:
        wanted = None if role is None else _role(role)
        hashed = _hashed(desk)
        found = {user.name.casefold(): user for user in desk.management.users.list()}.get(name.casefold())
        if found is None:
            user = desk.management.users.create(name, role=wanted or "admin", password_hash=hashed)
            print(f"{user.name!r} may log in, with the role {user.role}.")
        else:
            change = UserChange(password_hash=hashed, role=wanted, enabled=True)
            user = desk.management.users.update(found.id, change)
            print(f"{user.name!r} has a new password and is signed out everywhere.")
        _tell_if_off(desk)


@app.command()
def users(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """List who may log in with a password."""
    with opened(config, data) as desk:
        found = desk.management.users.list()
    if as_json:
        output.as_json(found)
        return
    rows = [
        (user.name, user.role, "" if user.enabled else "off", output.moment(user.seen_at_ms))
        for user in found
    ]
    output.table(("Name", "Role", "State", "Last login"), rows)


@app.command()
def role(
    name: UserName,
    role: Annotated[str, typer.Argument(help="viewer, operator or admin.")],
    *,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Change what a user may do; it holds at once."""
    with opened(config, data, detach=detach) as desk:
        user = desk.management.users.update(_user(desk, name).id, UserChange(role=_role(role)))
    print(f"{user.name!r} has the role {user.role}.")


@app.command()
def remove(
    name: UserName, *, detach: Detach = False, config: ConfigFile = None, data: DataFolder = None
) -> None:
    """Remove a user and sign the user out everywhere."""
    with opened(config, data, detach=detach) as desk:
        user = _user(desk, name)
        desk.management.users.delete(user.id)
    print(f"Removed {user.name!r}.")


@app.command()
def sessions(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """List the browsers that are signed in."""
    with opened(config, data) as desk:
        found = desk.management.sessions.list()
    if as_json:
        hidden = {"token_hash"}
        names = [name for name in (found[0].__struct_fields__ if found else ()) if name not in hidden]
        output.as_json([{name: getattr(session, name) for name in names} for session in found])
        return
    rows = [
        (each.id, each.name, each.role, each.via, each.address, output.moment(each.seen_at_ms))
        for each in found
    ]
    output.table(("Session", "Name", "Role", "By", "From", "Last used"), rows)


@app.command()
def logout(
    session: Annotated[str | None, typer.Argument(help="A session; see: admin sessions.")] = None,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Sign every browser out.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Sign a browser out, or all of them."""
    if (session is None) != everybody:
        raise ConfigError("name a session, or --all", fix="flow-router admin sessions lists them")
    with opened(config, data) as desk:
        if session is None:
            print(f"Signed out: {desk.management.sessions.end_all()}.")
            return
        ended = desk.management.sessions.end(session)
    print(f"Signed {ended.name!r} out.")


def _hashed(desk: Desk) -> str:
    """Return the hash of a password that is asked for twice, or read from stdin where nobody is there."""
    from flowrouter.api.admin.login.passwords import checked, hashed

    if sys.stdin.isatty():
        text = str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    return hashed(checked(text, least=desk.settings.admin.password_length))


def _user(desk: Desk, name: str) -> User:
    found = {user.name.casefold(): user for user in desk.management.users.list()}
    user = found.get(name.casefold())
    if user is None:
        fix = closest(name, [known.name for known in found.values()]) or "see: flow-router admin users"
        raise ConfigError(f"there is no user {name!r}", fix=fix)
    return user


def _role(text: str) -> Role:
    if text in get_args(Role):
        return cast("Role", text)
    raise ConfigError(f"{text!r} is no role", fix="write viewer, operator or admin")


def _tell_if_off(desk: Desk) -> None:
    from flowrouter.api.admin.access import login_is_on

    if not login_is_on(desk.settings):
        output.note('Logging in is off on this machine: set `login = "on"` below `[admin]` in config.toml.')


__all__ = ["app"]
