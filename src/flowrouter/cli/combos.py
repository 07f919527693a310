"""`flow-router combos`: named groups of models that answer as one."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast, get_args

import msgspec
import typer

from flowrouter.api.admin.ownership import ownership
from flowrouter.cli import completion, output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import Desk, closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder, Detach
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import StoredCombo
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing.conditions import is_open, told
from flowrouter.routing.remarks import remarks
from flowrouter.settings.routing import (
    ComboConfig,
    ComboMember,
    Completion,
    Conditions,
    Strategy,
    check_combo_names,
)

app = typer.Typer(help="Named groups of models that answer as one.", no_args_is_help=True)

_WEIGHT = re.compile(r"(.+)\*([1-9]\d{0,6})")
_WHEN = re.compile(r"(.+?)\[([a-z_]+=[^\[\]]*)\]")
_DROPPED = "default"

ComboName = Annotated[str, typer.Argument(help="The combo.", autocompletion=completion.combos)]
Members = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL...",
        help="A model as a client would write it, or another combo; `*2` behind it is its weight, "
        "`[max_tokens=8000,tools=false]` what a request must be like.",
        autocompletion=completion.models,
    ),
]
HowChosen = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        metavar="NAME",
        help=f"How one is chosen: {', '.join(get_args(Strategy))}.",
        autocompletion=completion.strategies,
    ),
]
Tries = Annotated[
    str | None, typer.Option("--attempts", metavar="N", help="The most tries of one request; `default`.")
]
FirstToken = Annotated[
    str | None,
    typer.Option("--first-token", metavar="SECONDS", help="How long a member has to begin; `default`."),
]
Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="SECONDS", help="How long to wait where all pause; `default`."),
]
Broken = Annotated[
    str | None,
    typer.Option(
        "--completion",
        metavar="POLICY",
        help="What becomes of answers that break off: complete, best_effort, error or default.",
    ),
]


@app.command("list")
def list_combos(*, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None) -> None:
    """List the combos, those of the configuration file included."""
    with opened(config, data) as desk:
        rows = [_shown(combo, desk) for combo in desk.world.combos.values()]
    if as_json:
        output.as_json(rows)
        return
    if not rows:
        output.note("No combo yet. Make one: flow-router combos add NAME MODEL MODEL")
        return
    output.table(
        ("Combo", "Strategy", "Members", "From"),
        [(row["name"], row["strategy"], _members_of(row), _origin(row)) for row in rows],
    )
    _warn([f"{row['name']}: {warning}" for row in rows for warning in row["warnings"]])


@app.command()
def show(
    name: ComboName, *, as_json: AsJson = False, config: ConfigFile = None, data: DataFolder = None
) -> None:
    """Show one combo: its members, their weights and conditions, and its policy."""
    with opened(config, data) as desk:
        row = _shown(_combo(desk, name), desk)
    if as_json:
        output.as_json(row)
        return
    print(f"{row['name']}: {row['strategy']}, from {_origin(row)}")
    for member in cast("tuple[ComboMember, ...]", row["members"]):
        when = "" if is_open(member.when) else f"  where {told(member.when)}"
        print(f"  {_member_text(member)}{when}")
    for field in ("attempts", "first_token", "wait", "completion"):
        if row[field] is not None:
            print(f"{field}: {row[field]}")
    _warn(row["warnings"])


@app.command()
def add(  # noqa: PLR0917 - typer reads the options from here
    name: Annotated[str, typer.Argument(help="What to call it; clients ask for this name.")],
    members: Members,
    strategy: HowChosen = None,
    attempts: Tries = None,
    first_token: FirstToken = None,
    wait: Wait = None,
    broken: Broken = None,
    *,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make a combo."""
    settings = _config(
        None,
        members=_members(members),
        strategy=strategy,
        attempts=attempts,
        first_token=first_token,
        wait=wait,
        completion=broken,
    )
    with opened(config, data) as desk:
        _check_name(desk, name)
        made = desk.management.combos.create(name, settings, owner_id=LOCAL_OWNER)
        warnings = remarks(desk.world.facts, made.name, made.config, owner_id=made.owner_id)
    print(f"Added {made.name!r} ({made.config.strategy}, {len(made.config.members)} members).")
    _warn(warnings)
    output.note(f"See who would answer: flow-router explain {made.name}")


@app.command()
def edit(  # noqa: PLR0917 - typer reads the options from here
    name: ComboName,
    members: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL...]", help="New members in place of all.", autocompletion=completion.models
        ),
    ] = None,
    strategy: HowChosen = None,
    attempts: Tries = None,
    first_token: FirstToken = None,
    wait: Wait = None,
    broken: Broken = None,
    rename: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Its new name.")] = None,
    *,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Change a combo; what is not given stays."""
    with opened(config, data, detach=detach) as desk:
        combo = _stored(desk, name)
        settings = _config(
            combo.config,
            members=_members(members) if members else None,
            strategy=strategy,
            attempts=attempts,
            first_token=first_token,
            wait=wait,
            completion=broken,
        )
        if rename is not None and rename.lower() != combo.name.lower():
            _check_name(desk, rename)
        changed = desk.management.combos.update(combo.id, name=rename, config=settings)
        warnings = remarks(desk.world.facts, changed.name, changed.config, owner_id=changed.owner_id)
    print(f"Changed {changed.name!r}.")
    _warn(warnings)


@app.command()
def remove(
    name: ComboName,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    detach: Detach = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Remove a combo; its members stay what they are."""
    with opened(config, data, detach=detach) as desk:
        combo = _stored(desk, name)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Remove the combo {combo.name!r}?"):
            raise typer.Exit(FAILED)
        desk.management.combos.delete(combo.id)
    print(f"Removed {combo.name!r}.")


def _combo(desk: Desk, name: str) -> StoredCombo:
    """Return the combo with this name or id; raises `ConfigError` naming the closest."""
    found = sorted(desk.world.combos.values(), key=lambda combo: combo.id in desk.world.hidden_combos)
    for combo in found:
        if name == combo.id or name.lower() == combo.name.lower():
            return combo
    fix = closest(name, [combo.name for combo in found]) or "see: flow-router combos list"
    raise ConfigError(f"there is no combo {name!r}", fix=fix)


def _stored(desk: Desk, name: str) -> StoredCombo:
    combo = _combo(desk, name)
    if combo.version == 0:
        where = desk.settings.file or "the configuration"
        raise ConfigError(f"{combo.name!r} is declared by {where}", fix="change it there")
    return combo


def _check_name(desk: Desk, name: str) -> None:
    try:
        check_combo_names([name])
    except ValueError as error:
        raise ConfigError(str(error).removeprefix("combos: ")) from None
    for combo in desk.world.combos.values():
        if combo.name.lower() == name.lower():
            where = f"in {desk.settings.file}" if combo.version == 0 else "already"
            fix = "choose another name" if combo.version == 0 else f"flow-router combos edit {combo.name}"
            raise ConfigError(f"there is a combo {combo.name!r} {where}", fix=fix)


def _config(before: ComboConfig | None, **given: Any) -> ComboConfig:
    """Return the combo that the options make of `before`; raises `ConfigError`."""
    values: dict[str, Any] = msgspec.to_builtins(before) if before is not None else {}
    for field, value in given.items():
        if value is None:
            continue
        if value == _DROPPED:
            values.pop(field, None)
        else:
            values[field] = msgspec.to_builtins(value)
    _check_word("strategy", values.get("strategy"), get_args(Strategy))
    _check_word("completion", values.get("completion"), get_args(Completion))
    try:
        return msgspec.convert(values, ComboConfig, strict=False)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise ConfigError(
            f"{place.strip('`').removeprefix('$.') or 'the combo'}: {problem.lower()}"
        ) from None


def _check_word(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise ConfigError(
            f"{value!r} is no {option}", fix=closest(value, known) or f"known: {', '.join(known)}"
        )


def _members(words: Sequence[str]) -> tuple[ComboMember, ...]:
    return tuple(_member(word) for word in words)


def _member(word: str) -> ComboMember:
    """Return the member that `model[condition=value]*weight` says; raises `ConfigError`."""
    weight, when = 1, Conditions()
    if (weighted := _WEIGHT.fullmatch(word)) is not None:
        word, weight = weighted[1], int(weighted[2])
    if (conditioned := _WHEN.fullmatch(word)) is not None:
        word, when = conditioned[1], _conditions(conditioned[2])
    if not word:
        raise ConfigError("a member has no model", fix="write provider/model or provider/model*2")
    return ComboMember(model=word, weight=weight, when=when)


def _conditions(text: str) -> Conditions:
    values: dict[str, Any] = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        values[name.strip()] = value.strip().split("+") if name.strip() == "tags" else value.strip()
    try:
        return msgspec.convert(values, Conditions, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(Conditions.__struct_fields__)
        raise ConfigError(
            f"[{text}]: {str(error).partition(' - at ')[0].lower()}", fix=f"known: {known}"
        ) from None


def _shown(combo: StoredCombo, desk: Desk) -> dict[str, Any]:
    world = desk.world
    return {
        "id": combo.id,
        "name": combo.name,
        **msgspec.structs.asdict(combo.config),
        "source": "store" if combo.version else "config",
        **msgspec.structs.asdict(
            ownership(
                combo.managed, declared_in=None if combo.version else desk.settings.file or "config.toml"
            )
        ),
        "hidden": combo.id in world.hidden_combos,
        "warnings": remarks(world.facts, combo.name, combo.config, owner_id=combo.owner_id),
    }


def _members_of(row: dict[str, Any]) -> list[str]:
    members = cast("tuple[ComboMember, ...]", row["members"])
    return [_member_text(member) + ("" if is_open(member.when) else " (if)") for member in members]


def _member_text(member: ComboMember) -> str:
    return member.model if member.weight == 1 else f"{member.model}*{member.weight}"


def _origin(row: dict[str, Any]) -> str:
    if row["hidden"]:
        return "hidden by the config file"
    return row["managed_in"] or "console"


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        output.note(f"note: {warning}")


__all__ = ["app"]
