"""The typer application: every command but the running of `serve`, which has its own entry.

Errors of ours are printed by `main`; wrong use is typer's to explain.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from flowrouter import __version__
from flowrouter.cli import chat, doctor, keys, local, models, providers, usage

app = typer.Typer(
    name="flow-router",
    help="A self-hosted AI gateway: one endpoint for every dialect and every provider.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"flow-router {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """A self-hosted AI gateway: one endpoint for every dialect and every provider."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def serve(context: typer.Context) -> None:
    """Start the gateway; `serve --help` lists its options."""
    from flowrouter.cli.serve import main

    raise typer.Exit(main(context.args))


app.add_typer(providers.app, name="providers")
app.add_typer(keys.app, name="keys")
app.add_typer(local.app, name="local")
app.command("models")(models.models)
app.command("explain")(models.explain)
app.command("usage")(usage.usage)
app.command("requests")(usage.requests)
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.command("chat", epilog=chat.EPILOG)(chat.chat)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        result = app(list(arguments), prog_name="flow-router", standalone_mode=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return result if isinstance(result, int) else 0


__all__ = ["app", "run"]
