"""`flow-router explain` and `flow-router health`: who would answer and why, and how everybody does.

Turns, sessions, pauses and what was learned are known to the running gateway alone, so it is asked where
one runs over the same data folder; else the configuration tells what it can.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer

from flowrouter.canonical.dialect import Dialect
from flowrouter.cli import completion, output, running
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import Desk, opened
from flowrouter.cli.options import AsJson, ClientDialect, ConfigFile, DataFolder
from flowrouter.cli.receipts import explain_request
from flowrouter.dialects import available
from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.gateway.explain import Question
from flowrouter.gateway.explain import explain as explained
from flowrouter.httpkit.caller import LOCAL
from flowrouter.routing import Facts
from flowrouter.routing.order import dollars
from flowrouter.wire import json

_REQUEST = re.compile("req_[0-9a-f]{1,24}")


def explain(  # noqa: PLR0917 - typer reads the options from here
    model: Annotated[
        str | None,
        typer.Argument(
            help="The model, as a client would write it; or the id of a request, as with --request.",
            autocompletion=completion.models,
        ),
    ] = None,
    dialect: ClientDialect = "openai_chat",
    body: Annotated[
        str | None,
        typer.Option(
            "--body", metavar="FILE", help="A request as a client would send it (JSON); - reads stdin."
        ),
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="The session it would belong to.")
    ] = None,
    *,
    request: Annotated[
        str | None,
        typer.Option(
            "--request",
            metavar="ID",
            help="Explain a request that was answered, by its id.",
            autocompletion=completion.request_ids,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show who would be asked for MODEL, in which order, and why; or what became of a request.

    No provider is asked. With a body: how large it is, what it would cost where, and whether it fits.
    """
    if request is None and body is None and model is not None and _REQUEST.fullmatch(model):
        request = model
    if request is not None:
        explain_request(request, as_json=as_json, config=config, data=data)
        return
    if model is None and body is None:
        raise ConfigError("name a model, or a request", fix="flow-router explain MODEL, or --request ID")
    if dialect not in available():
        raise ConfigError(f"{dialect!r} is no dialect of a client", fix=f"known: {', '.join(available())}")
    question = Question(
        dialect=cast(Dialect, dialect),
        model=model,
        body=None if body is None else _read(body),
        headers={} if session is None else {"x-session-id": session},
    )
    with opened(config, data) as desk:
        facts = desk.world.facts
        found = _asked(desk, question)
    if as_json:
        output.as_json(found)
    else:
        _print_plan(found, facts)
    if not found["targets"]:
        raise typer.Exit(FAILED)


def health(
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Show how each account and model does: pauses, successes, waiting times, requests under way."""
    with opened(config, data) as desk:
        rows = running.pages(desk, "/api/health/targets")
    if rows is None:
        raise UpstreamError(
            "no gateway runs over this data folder; start one: flow-router serve", kind="connect"
        )
    if as_json:
        output.as_json(rows)
    elif rows:
        _print_health(rows)
    else:
        output.note("Nobody was asked yet, and nobody pauses.")


def _asked(desk: Desk, question: Question) -> dict[str, Any]:
    """Return the explanation of the running gateway, else what the configuration comes to."""
    asked: dict[str, Any] = {"dialect": question.dialect, "headers": dict(question.headers)}
    asked["body"] = {} if question.body is None else json.loads(question.body)
    if question.model is not None:
        asked["model"] = question.model
    found = running.ask(desk, "/api/plan", asked)
    if found is not None:
        return found
    output.note("No gateway runs over this data folder: turns, sessions and pauses are not known.")
    planner = desk.application.planner
    made = explained(planner, question, world=desk.world, caller=LOCAL, clock=desk.clock)
    return msgspec.to_builtins(asyncio.run(made))


def _read(file: str) -> bytes:
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        members = json.loads(text)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except json.JsonError as error:
        raise ConfigError(f"{file} is no JSON: {error}") from None
    if not isinstance(members, dict):
        raise ConfigError(f"{file} holds no request: a body is a JSON object")
    return text


def _print_plan(plan: dict[str, Any], facts: Facts) -> None:
    targets = plan["targets"]
    if targets:
        print(f"{plan['asked']}: found by {plan['step']}")
        for reason in plan["reasons"]:
            print(f"  {reason}")
        if plan["input_tokens"] is not None:
            print(f"  about {plan['input_tokens']} tokens in, {plan['output_tokens']} out")
        print()
        _print_targets(targets, measured=plan["input_tokens"] is not None)
    else:
        print(f"Nobody answers {plan['asked']!r}.")
        for reason in plan["reasons"]:
            print(f"  {reason}")
        if plan["suggestions"]:
            print(f"Close to it: {', '.join(plan['suggestions'])}")
    left_out = _left_out(plan, facts)
    if left_out:
        print("\nNot asked:")
        width = max(len(name) for name, _ in left_out)
        for name, reason in left_out:
            print(f"  {name:<{width}}  {reason}")


def _print_targets(targets: list[dict[str, Any]], *, measured: bool) -> None:
    headings = ["#", "Account", "Model there", "Dialect", "Lane", "Why"]
    if measured:
        headings[5:5] = ["Bill", "Window"]
    rows: list[list[object]] = []
    for number, target in enumerate(targets, start=1):
        row = [number, *(target[name] for name in ("account", "model", "dialect", "lane"))]
        if measured:
            bill = target["bill_pusd"]
            row += [None if bill is None else dollars(bill), _window(target)]
        rows.append([*row, target["reason"]])
    output.table(headings, rows, right=("#", "Bill", "Window"))


def _window(target: dict[str, Any]) -> str | None:
    if target["context_window"] is None:
        return None
    return f"{target['context_window']}{'' if target['fits'] else ', too small'}"


def _left_out(plan: dict[str, Any], facts: Facts) -> list[tuple[str, str]]:
    """Return every member and account that is not in the plan, with the reason."""
    notes = [note for note in plan["notes"] if not note["taken"]]
    asked = {target["account"] for target in plan["targets"]}
    found = [(_name(note), note["reason"]) for note in notes]
    told = {note["account"] for note in notes}
    for account in facts.accounts:
        if account.name in asked or account.name in told:
            continue
        reason = "does not list this name"
        if plan["step"].endswith("prefix"):
            reason = "not named"
        elif account.reserved:
            reason = "answers to its own name only"
        elif account.takes_any:
            reason = "takes every name, but only where no other account has it"
        found.append((account.name, reason))
    return found


def _name(note: dict[str, Any]) -> str:
    return "/".join(part for part in (note["account"], note["model"]) if part)


def _print_health(rows: list[dict[str, Any]]) -> None:
    shown = [
        (
            row["account"],
            row["model"],
            row["state"].replace("_", " "),
            None if row["success"] is None else f"{row['success']:.0%}",
            _seconds(row["first_token_p50_ms"]),
            _seconds(row["first_token_p95_ms"]),
            None if row["tokens_per_second"] is None else f"{row['tokens_per_second']:.0f}",
            f"{row['in_flight']}/{row['limit']}",
            row["reason"] or row["last_error"],
        )
        for row in rows
    ]
    headings = ("Account", "Model", "State", "Success", "First token", "95 %", "Tokens/s", "In flight", "Why")
    output.table(headings, shown, right=("Success", "First token", "95 %", "Tokens/s", "In flight"))


def _seconds(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else f"{milliseconds / 1000:.2f} s"


__all__ = ["explain", "health"]
