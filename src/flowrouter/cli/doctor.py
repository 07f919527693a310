"""`flow-router doctor`: look at everything a gateway needs, and say what to do about what is wrong."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated

import msgspec
import typer

from flowrouter import app, logs
from flowrouter.cli import output
from flowrouter.cli.checks import Finding, listening, machine
from flowrouter.cli.checks.finding import Area, said
from flowrouter.cli.checks.shared_state import shared_state
from flowrouter.cli.codes import FAILED, WRONG_USE
from flowrouter.cli.desk import Desk
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.cli.style import Style
from flowrouter.config import Config, default_data_dir
from flowrouter.errors import ConfigError, FlowRouterError
from flowrouter.features.local import weights

WARNED = FAILED
BROKEN = WRONG_USE
"""Exit codes: what may bite later, and what does not work."""

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red", "skipped": "dim"}
_WIDTH = 100
_EMBEDDED = "local"  # its server runs inside `serve` only
_INDENT = 11
_COMMAND = re.compile(r"flow-router (?:serve|(?:keys|local|providers) [a-z]+(?: [\w.]+)?)")
EPILOG = """\b
Examples:
  flow-router doctor              everything; asks each account a few words
  flow-router doctor --quick      spends nothing
  flow-router doctor --offline    asks no provider at all
"""


def doctor(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Ask no model anything: spends nothing at providers.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Look at this machine only.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Look for what is wrong, and say what to do about it.

    Exit code 0: all is well, 1: something may bite later, 2: something does not work.
    """
    found = asyncio.run(_examine(config, data, quick=quick, offline=offline, quiet=as_json))
    counts = {status: sum(each.status == status for each in found) for status in ("problem", "warning")}
    if as_json:
        report = {
            "ok": not any(counts.values()),
            "problems": counts["problem"],
            "warnings": counts["warning"],
        }
        output.as_json({**report, "findings": found})
    else:
        _show(found)
        print(_summary(counts["problem"], counts["warning"]))
    if counts["problem"] or counts["warning"]:
        raise typer.Exit(BROKEN if counts["problem"] else WARNED)


async def _examine(
    file: str | None, data: str | None, *, quick: bool, offline: bool, quiet: bool
) -> list[Finding]:
    """Return all findings, in the order they are shown."""
    settings, configured = listening.settings({"config": file, "data": data})
    if settings is None:  # the folder can be looked at all the same
        settings = Config(data=data or default_data_dir())
        usable = False
    else:
        usable = True
    logs.configure("error", format="text")
    state = app.look_at_store(settings)
    found = [*machine.program(), *_embedded(settings)]
    stored = [*machine.data_folder(settings.data_dir), *machine.store(state)]
    rest: list[Finding] = []
    if not usable or (state.exists and not state.usable):
        rest += await _gateway_alone(settings)
        rest += _unexamined()
    else:
        with _desk(settings, kept=state.exists) as (desk, problem):
            if desk is None:
                rest += await _gateway_alone(settings)
                rest += _unexamined(problem)
            else:
                clock, rest = await _with_desk(desk, quick=quick, offline=offline, quiet=quiet)
                found += clock
    return [_addressed(each, file, data) for each in (*found, *stored, *configured, *rest)]


def _addressed(finding: Finding, file: str | None, data: str | None) -> Finding:
    """Return `finding` with a cure that works on the gateway this command was pointed at."""
    flags = [
        f"{name} {shlex.quote(value)}" for name, value in (("--config", file), ("--data", data)) if value
    ]
    if not finding.cure or not flags or "--data" in finding.cure:
        return finding
    cure = _COMMAND.sub(lambda found: " ".join([found[0], *flags]), finding.cure)
    return msgspec.structs.replace(finding, cure=cure)


async def _with_desk(
    desk: Desk, *, quick: bool, offline: bool, quiet: bool
) -> tuple[Sequence[Finding], list[Finding]]:
    """Return what the servers tell of the clock, and what was found of the gateway and the accounts."""
    from flowrouter.cli.checks import accounts

    transport = accounts.DatedTransport(desk.application.transport, desk.clock)
    try:
        found = [*await listening.gateway(desk.settings, desk.application.inside, keys=len(desk.world.ring))]
        found += await shared_state(desk.application)
        found += _world_problems(desk)
        known = [each for each in desk.world.accounts.values() if each.preset != _EMBEDDED]
        if not known:
            area = Area("Accounts")
            area.ok("accounts", "there is none yet", "flow-router providers add")
            found += area.found
        elif offline:
            area = Area("Accounts")
            area.skip("accounts", f"{len(known)} not asked (--offline)")
            found += area.found
        else:
            enabled = sum(each.enabled and not each.problem for each in known)
            if not quick and enabled and not quiet:
                most = enabled * accounts.MOST_TOKENS
                output.note(
                    f"Asking {enabled} account{'s' * (enabled > 1)} for a few words, under {most} tokens"
                    f"{' together' * (enabled > 1)}; --quick asks for none.\n"
                )
            found += await accounts.examine(desk, known, transport, spend=not quick)
        return accounts.clock(transport.offsets), found
    finally:
        await transport.close()
        await desk.application.inside.close()


async def _gateway_alone(settings: Config) -> Sequence[Finding]:
    from flowrouter.upstream.http1 import Http1Transport

    transport = Http1Transport(connect_timeout=settings.timeouts.connect)
    try:
        return await listening.gateway(settings, transport, keys=None)
    finally:
        await transport.close()


def _unexamined(problem: str | None = None) -> Sequence[Finding]:
    area = Area("Accounts")
    if problem is None:
        area.skip("accounts", "not looked at: first cure what stands above")
    else:
        area.fail("accounts", f"the gateway cannot start: {problem}", "cure it, then run the doctor again")
    return area.found


def _world_problems(desk: Desk) -> Sequence[Finding]:
    area = Area("Accounts")
    for problem in desk.world.problems:
        area.fail("settings", problem, "put in a new key, or remove what cannot be read")
    return area.found


def _embedded(settings: Config) -> Sequence[Finding]:
    """Look whether the embedded model could run; only one that was named has to."""
    area = Area("This machine")
    try:
        found = weights.require(settings.local.model, settings.data_dir)
    except ConfigError as error:
        if settings.local.model:
            area.fail("embedded-model", said(error), error.fix or "correct [local] model")
        else:
            area.skip("embedded-model", f"{said(error)} (it is optional)", error.fix)
    else:
        area.ok("embedded-model", f"the embedded model is ready ({found.model})")
    return area.found


@contextmanager
def _desk(settings: Config, *, kept: bool) -> Iterator[tuple[Desk | None, str | None]]:
    """Give a desk over the data folder, or over a passing one where the doctor would be the first to make it."""
    with tempfile.TemporaryDirectory(prefix="flow-router-doctor-") as passing:
        used = settings if kept else msgspec.structs.replace(settings, data=passing)
        try:
            desk = Desk(app.build(used))
        except FlowRouterError as error:
            yield None, error.message
            return
        try:
            yield desk, None
        finally:
            with suppress(FlowRouterError):
                desk.close()


def _show(found: Sequence[Finding]) -> None:
    style = Style()
    width = min(style.width or 10_000, _WIDTH) if style.terminal else 10_000
    areas = list(dict.fromkeys(each.area for each in found))
    for area in areas:
        print(style.paint(area, "bold"))
        for finding in found:
            if finding.area == area:
                _show_one(finding, style, width)
        print()


def _show_one(finding: Finding, style: Style, width: int) -> None:
    label = style.paint(f"{finding.status:<9}", _COLOURS[finding.status])
    print(f"  {label}{_folded(finding.text, width)}")
    if finding.cure:
        arrow = "→" if style.unicode else "->"
        print(f"{' ' * _INDENT}{style.paint(f'{arrow} ', 'cyan')}{_folded(finding.cure, width, more=2)}")


def _folded(text: str, width: int, *, more: int = 0) -> str:
    """Return `text` in lines under one another; commands and paths are not cut."""
    lines = textwrap.wrap(
        text, max(20, width - _INDENT - more), break_long_words=False, break_on_hyphens=False
    )
    return ("\n" + " " * (_INDENT + more)).join(lines)


def _summary(problems: int, warnings: int) -> str:
    counts = [(problems, "problem"), (warnings, "warning")]
    told = [f"{count} {word}{'s' * (count > 1)}" for count, word in counts if count]
    style = Style(sys.stdout)
    if not told:
        return style.paint("All is well.", "green")
    return style.paint(", ".join(told) + ".", "red" if problems else "yellow")


__all__ = ["EPILOG", "doctor"]
