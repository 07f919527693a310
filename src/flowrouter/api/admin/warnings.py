"""What somebody should look at, for `/api/status`: each with a word for programs and what to do about it.

Everything but budgets and backups is read from memory. While the store does not answer those are left out,
and that it does not is a warning itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.deps import Repositories
from flowrouter.clock import iso
from flowrouter.config import is_loopback
from flowrouter.errors import StorageError
from flowrouter.gateway.budget_states import BudgetState, all_limits, state_of
from flowrouter.gateway.periods import span_of
from flowrouter.gateway.ports import LogHealth
from flowrouter.gateway.target_states import EVERY_MODEL, TargetState

Code = Literal[
    "account_problem",
    "account_paused",
    "account_used_up",
    "backup_failed",
    "backup_old",
    "budget_near",
    "budget_used_up",
    "config_not_loaded",
    "config_restart_needed",
    "configuration_problem",
    "key_needed",
    "log_behind",
    "log_lost",
    "no_accounts",
    "no_usable_account",
    "restore_failed",
    "snapshot_old",
    "state_away",
    "store_unavailable",
]
"""Every code; they are never given another meaning."""

STALE_SECONDS = 60.0
"""The age of the configuration in force from which it is told."""

BEHIND_ROWS = 5_000
"""Rows of the request log that wait for the store from which it is told."""

_LATE = 2.0
"""By how many times the backups' interval the newest may be old."""

_BUDGETS = 500
"""Budgets that are looked at."""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at: what is so, what to do, and whose it is where it is an account's or a key's."""

    code: Code
    text: str
    fix: str
    account_id: str | None = None
    key_id: str | None = None


async def warnings_of(call: Call, *, health: LogHealth, store_ok: bool) -> tuple[Warned, ...]:
    """Return what the visitor should look at, the gravest first; `health` is as the visitor may see it."""
    found = [*_of_store(call, health=health, store_ok=store_ok), *_of_file(call), *_of_gateway(call)]
    found += [*_of_accounts(call), *_of_pauses(call), *_of_quotas(call)]
    if store_ok:
        found += await _of_budgets(call)
    found += await _of_backups(call)
    return tuple(found)


def _of_store(call: Call, *, health: LogHealth, store_ok: bool) -> Iterator[Warned]:
    if not store_ok:
        yield Warned(
            code="store_unavailable",
            text="the store does not answer; requests go on, changes wait",
            fix="find out why: flow-router doctor",
        )
    if not call.visitor.is_operator:
        return
    reason = f" ({health.last_error})" if health.last_error else ""
    if health.lost or health.rejected:
        yield Warned(
            code="log_lost",
            text=f"{health.lost + health.rejected} rows of the request log are lost{reason}",
            fix="give the store's disk room, and see the log for the reason",
        )
    if health.queued >= BEHIND_ROWS or health.spilled:
        yield Warned(
            code="log_behind",
            text=f"{health.queued + health.spilled} rows of the request log wait for the store{reason}",
            fix="nothing, if it passes; else look at the disk or the database",
        )
    away = call.deps.state_away() if call.deps.state_away is not None else None
    if away is not None:
        yield Warned(
            code="state_away",
            text=f"the shared state has been out of reach for {away:.0f} s; each worker counts by itself",
            fix="look at the server that `[state]` names",
        )
    age = call.deps.snapshot_age()
    if age > STALE_SECONDS:
        yield Warned(
            code="snapshot_old",
            text=f"the configuration in force was read {age:.0f} s ago and cannot be read again",
            fix="find out why: flow-router doctor",
        )


def _of_file(call: Call) -> Iterator[Warned]:
    state = call.deps.reloads() if call.deps.reloads is not None else None
    if state is None or not call.visitor.is_operator:
        return
    where = state.file or "config.toml"
    if state.error is not None:
        yield Warned(
            code="config_not_loaded",
            text=f"{where} as it stands is not in force: {state.error}",
            fix="mend it; it is read again as soon as it changes",
        )
    if state.restart_needed:
        names = ", ".join(state.restart_needed)
        yield Warned(
            code="config_restart_needed",
            text=f"changes of {names} wait for the next start",
            fix="restart the gateway",
        )


def _of_gateway(call: Call) -> Iterator[Warned]:
    world, config = call.deps.world(), call.deps.config
    own = call.world.facts.accounts
    if not any(account.source != "found" for account in call.accounts()):
        yield Warned(
            code="no_accounts",
            text="there is no account yet, so no model can answer",
            fix="add one: flow-router providers add",
        )
    elif not any(account.enabled and not account.problem for account in own):
        yield Warned(
            code="no_usable_account",
            text="none of the accounts can be used",
            fix="enable one, or mend what is wrong with it",
        )
    if not call.visitor.is_operator:
        return
    if world.protected and not len(world.ring) and not is_loopback(config.server.host):
        yield Warned(
            code="key_needed",
            text=f"the gateway listens on {config.server.host} and there is no key, so nobody may call it",
            fix="make one: flow-router keys create NAME",
        )
    known = {f"account {account.name}: " for account in world.accounts.values()}
    for problem in dict.fromkeys(world.problems):
        if not problem.startswith(tuple(known)):
            yield Warned(
                code="configuration_problem",
                text=problem,
                fix="see GET /api/settings and GET /api/keys, or flow-router doctor",
            )


def _of_accounts(call: Call) -> Iterator[Warned]:
    facts = {each.id: each for each in call.world.facts.accounts}
    for account in call.accounts():
        known = facts.get(account.id)
        problem = (known.problem if known is not None else None) or (
            account.trouble if account.enabled else None
        )
        if problem:
            yield Warned(
                code="account_problem",
                text=f"{account.name} cannot be used: {problem}",
                fix="mend the account, or disable it",
                account_id=account.id,
            )


def _of_pauses(call: Call) -> Iterator[Warned]:
    """Yield one for each account that pauses as a whole or with some of its models."""
    paused: dict[str, list[TargetState]] = {}
    accounts = call.deps.world().accounts
    for row in call.deps.targets():
        account = accounts.get(row.account_id)
        if row.state == "paused" and row.paused_until_ms and account and call.visitor.owns(account.owner_id):
            paused.setdefault(row.account_id, []).append(row)
    for account_id, rows in paused.items():
        first = rows[0]
        until = iso(int(max(row.paused_until_ms or 0 for row in rows) / 1000))
        names = sorted({row.model for row in rows})
        what = "" if EVERY_MODEL in names else f" with {_listed(names)}"
        yield Warned(
            code="account_paused",
            text=f"{first.account} pauses{what} until {until}: {first.reason or 'it failed'}",
            fix=f"wait, or end the pause: flow-router providers resume {first.account}",
            account_id=account_id,
        )


def _of_quotas(call: Call) -> Iterator[Warned]:
    quotas = call.deps.quotas
    for account in call.accounts() if quotas is not None else ():
        state = quotas.summary(account) if quotas is not None and account.enabled else None
        if state is None or state.state not in ("used_up", "reserve"):
            continue
        until = f" until {iso(int(state.resets_at_ms / 1000))}" if state.resets_at_ms else ""
        left = "nothing is left" if state.state == "used_up" else "only the reserve is left"
        yield Warned(
            code="account_used_up",
            text=f"{account.name}: {left} of its quota{until}",
            fix="wait for the reset, or let another account answer",
            account_id=account.id,
        )


async def _of_budgets(call: Call) -> list[Warned]:
    try:
        states = await call.ask(lambda store: _near(call, store))
    except StorageError:
        return []
    found: list[Warned] = []
    for state in states:
        used_up = state.state == "used_up"
        of = f"of the key {state.name}" if state.of == "key" else f"{state.name} of the gateway"
        text = f"the budget {of} is {'used up' if used_up else 'nearly used up'}: {state.summary}"
        resets = iso(int(state.resets_at_ms / 1000))
        found.append(
            Warned(
                code="budget_used_up" if used_up else "budget_near",
                text=f"{text}, until {resets}",
                fix="raise it, or wait for the next period",
                key_id=state.key_id,
            )
        )
    return sorted(found, key=lambda warned: warned.code, reverse=True)


def _near(call: Call, store: Repositories) -> list[BudgetState]:
    """Return the budgets that are used up or nearly so; blocks."""
    deps, now = call.deps, call.deps.clock.now()
    keys = store.keys.list(owner_id=call.visitor.owner_id)
    found: list[BudgetState] = []
    for named in all_limits(keys, deps.world(), whole=call.visitor.is_operator)[:_BUDGETS]:
        start_ms = span_of(named.limit.budget, now).start_ms
        stands = store.ledger.standing(named.limit.id, start_ms, now_ms=int(now * 1000), holder=deps.holder)
        found.append(state_of(named, stands, 0, now=now))
    return [state for state in found if state.state != "ok"]


async def _of_backups(call: Call) -> list[Warned]:
    if not call.visitor.is_operator or call.visitor.role != "admin" or call.deps.backups is None:
        return []
    try:
        return await asyncio.to_thread(lambda: [*_backups(call)])
    except StorageError as error:
        return [Warned(code="backup_failed", text=error.message, fix="see GET /api/backups")]


def _backups(call: Call) -> Iterator[Warned]:
    deps = call.deps
    shelf, settings = deps.backups, deps.config.backups
    assert shelf is not None
    staged = shelf.staged()
    if staged is not None and staged.error is not None:
        yield Warned(
            code="restore_failed",
            text=f"the backup {staged.id} was not put back: {staged.error}",
            fix="see GET /api/backups; the store is as it was",
        )
    trouble = deps.backup_trouble() if deps.backup_trouble is not None else None
    if trouble is not None:
        yield Warned(
            code="backup_failed",
            text=f"the scheduled backup was not made: {trouble}",
            fix="give its disk room, or name another `[backups] folder`",
        )
    if not settings.scheduled:
        return
    every = settings.every_hours * 3600
    newest = max((each.created_at_ms for each in shelf.list()), default=0) / 1000
    late = deps.clock.now() - newest > _LATE * every
    # A gateway that has just begun has had no time to make one.
    if late and trouble is None and deps.clock.monotonic() - deps.started > _LATE * every:
        age = f"is of {iso(int(newest))}" if newest else "was never made"
        yield Warned(
            code="backup_old",
            text=f"the newest backup {age}",
            fix="make one: flow-router backup create; the log says why none was made",
        )


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    return known[0] if len(known) == 1 else f"{len(known)} models"


__all__ = ["BEHIND_ROWS", "STALE_SECONDS", "Code", "Warned", "warnings_of"]
