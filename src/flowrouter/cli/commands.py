"""The typer application: every command but the running of `serve`, which has its own entry.

Errors of ours are printed by `main`; wrong use is typer's to explain.
"""

from __future__ import annotations

import copy
import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command_name
from typer.models import CommandInfo, TyperInfo

from flowrouter import __version__
from flowrouter.cli import (
    admin,
    aliases,
    apply,
    audit,
    backup,
    chat,
    combos,
    doctor,
    explain,
    export,
    key_budgets,
    keys,
    local,
    login,
    models,
    prices,
    providers,
    quota,
    rules,
    tail,
    translate,
    usage,
    vault,
)
from flowrouter.cli.options import ConfigFile, DataFolder

app = typer.Typer(
    name="flow-router",
    help="A self-hosted AI gateway: one endpoint for every dialect and every provider.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"flow-router {__version__}")
        raise typer.Exit


def _levels(incomplete: str) -> list[str]:
    return [name for name in ("debug", "info", "warning", "error") if name.startswith(incomplete)]


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """A self-hosted AI gateway: one endpoint for every dialect and every provider."""


@app.command(context_settings={"help_option_names": []})
def serve(  # noqa: PLR0917 - `main` starts it before typer is loaded; this is for lists and completion
    config: ConfigFile = None,
    data: DataFolder = None,
    host: Annotated[str | None, typer.Option("--host")] = None,
    port: Annotated[str | None, typer.Option("--port")] = None,
    workers: Annotated[str | None, typer.Option("--workers")] = None,
    log_level: Annotated[str | None, typer.Option("--log-level", autocompletion=_levels)] = None,
    model: Annotated[str | None, typer.Option("--model")] = None,
    *,
    local: Annotated[bool | None, typer.Option("--local/--no-local")] = None,
) -> None:
    """Start the gateway; `serve --help` lists its options."""
    from flowrouter.cli.serve import main

    given = {
        "--config": config,
        "--data": data,
        "--host": host,
        "--port": port,
        "--workers": workers,
        "--log-level": log_level,
        "--model": model,
    }
    words = [word for flag, value in given.items() if value for word in (flag, value)]
    raise typer.Exit(main([*words, *([] if local is None else ["--local" if local else "--no-local"])]))


app.add_typer(providers.app, name="providers")
app.add_typer(combos.app, name="combos")
app.add_typer(aliases.app, name="aliases")
app.add_typer(prices.app, name="prices")
app.add_typer(keys.app, name="keys")
app.add_typer(local.app, name="local")
app.add_typer(vault.app, name="vault")
app.add_typer(backup.app, name="backup")
app.add_typer(admin.app, name="admin")
app.command("audit")(audit.audit)
app.command("apply", epilog=apply.EPILOG)(apply.apply)
app.command("export")(export.export)
app.command("login")(login.login)
app.add_typer(models.app, name="models")
app.command("explain")(explain.explain)
app.command("health")(explain.health)
app.command("rules")(rules.rules)
app.command("quota")(quota.quota)
app.add_typer(usage.app, name="usage")
keys.app.command("budget")(key_budgets.budget)
app.add_typer(tail.app, name="requests")
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.command("chat", epilog=chat.EPILOG)(chat.chat)
app.command("translate", epilog=translate.EPILOG)(translate.translate)


def named(group: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """Return `group` with only the command that `words` begin with: typer examines every option of what it has."""
    for one in group.registered_groups:
        if words and one.name == words[0] and one.typer_instance is not None:
            kept = copy.copy(one)
            kept.typer_instance = named(one.typer_instance, words[1:])
            return _with(group, groups=[kept])
    for command in group.registered_commands:
        if words and _name_of(command) == words[0]:
            return _with(group, commands=[command])
    return group


def _with(
    group: typer.Typer, *, groups: list[TyperInfo] | None = None, commands: list[CommandInfo] | None = None
) -> typer.Typer:
    found = copy.copy(group)
    found.registered_groups, found.registered_commands = groups or [], commands or []
    return found


def _name_of(command: CommandInfo) -> str | None:
    return command.name or (command.callback and get_command_name(command.callback.__name__))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our letters is no reason to end
    try:
        result = named(app, arguments)(list(arguments), prog_name="flow-router", standalone_mode=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return result if isinstance(result, int) else 0


__all__ = ["app", "run"]
