"""`/api/requests`, `/api/receipts` and `/api/usage`: what was asked for, what became of it, what it took."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply, page
from flowrouter.api.admin.paging import Cursor, Limit, bad_cursor
from flowrouter.api.admin.reading import moment_ms
from flowrouter.api.admin.request_sift import sifted
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss
from flowrouter.gateway.ports import (
    AttemptRow,
    Lane,
    Outcome,
    RequestFilter,
    RequestPage,
    RequestRow,
    Requests,
    UsageGroup,
    UsageLine,
)
from flowrouter.gateway.receipt_rows import receipt_of
from flowrouter.usage.pricing import usd

Account = Annotated[str, msgspec.Meta(description="id or name of an account")]
Program = Annotated[str, msgspec.Meta(description="what a client calls itself, with or without its version")]
Moment = Annotated[str, msgspec.Meta(description="RFC 3339, a date, or milliseconds since the epoch")]


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests; `since` is included, `until` is not."""

    outcome: Outcome | None = None
    model: str | None = None
    preset: str | None = None
    account: Account | None = None
    key: Annotated[str, msgspec.Meta(description="id of a gateway key")] | None = None
    session: str | None = None
    dialect: Dialect | None = None
    since: Moment | None = None
    until: Moment | None = None


class NamedQuery(LogQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests, of which client and combo."""

    client: Program | None = None
    combo: Annotated[str, msgspec.Meta(description="name of a combo")] | None = None


class RequestsQuery(NamedQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests, and which page of them; a page of one client or combo may be short before the end."""

    limit: Limit = 50
    cursor: Cursor | None = None


class UsageQuery(LogQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests to sum up, and by what; `utc_offset_minutes` (east is positive) says where days begin."""

    group_by: UsageGroup = "day"
    utc_offset_minutes: Annotated[int, msgspec.Meta(ge=-840, le=840)] = 0


class RequestShown(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange; times in milliseconds, `*_usd` decimal text of the exact `*_pusd` (10⁻¹² USD), null unknown."""

    id: str
    ts_ms: int
    owner_id: str
    key_id: str | None
    client: str | None
    client_dialect: Dialect
    endpoint: str
    requested_model: str | None
    account_id: str | None
    preset: str | None
    model: str | None
    dialect: Dialect | None
    stream: bool
    lane: Lane | None
    status: int
    outcome: Outcome
    error_type: str | None
    error_text: str | None
    attempts: tuple[AttemptRow, ...]
    losses: tuple[Loss, ...]
    ttft_ms: int | None
    duration_ms: int | None
    overhead_us: int | None
    input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    usage_estimated: bool
    cost_pusd: int | None
    cost_usd: str | None
    charge_pusd: int | None
    charge_usd: str | None
    session_id: str | None
    request_bytes: int | None
    response_bytes: int | None
    combo: str | None
    finish: str | None
    tools: str | None


class RequestDetail(RequestShown, frozen=True, kw_only=True):
    """One exchange with its receipt (null where it is no longer kept); `recorded`: its bodies are kept too."""

    receipt: msgspec.Raw | None
    recorded: bool


class UsageShown(UsageLine, frozen=True, kw_only=True):
    """Sums of one group; `name` is what people call an account or key; `*_usd` as in a request."""

    name: str | None
    cost_usd: str
    charge_usd: str


async def list_requests(call: Call) -> Reply:
    """Return requests, newest first."""
    query: RequestsQuery = call.query
    which = filter_of(query, call)
    try:
        found = await call.ask(lambda store: _listed(store.requests, which, query))
    except ValueError:
        raise bad_cursor() from None
    return page([RequestShown(**shown(row, RequestShown)) for row in found.rows], found.next_cursor)


def _listed(log: Requests, which: RequestFilter, query: RequestsQuery) -> RequestPage:
    if query.client is None and query.combo is None:
        return log.list(which, limit=query.limit, cursor=query.cursor)
    return sifted(log, which, query, limit=query.limit, cursor=query.cursor)


async def get_request(call: Call) -> Reply:
    """Return one request with its receipt."""
    owner_id = call.visitor.owner_id
    row, recorded = await call.ask(
        lambda store: (
            store.requests.get(call.rest, owner_id=owner_id),
            store.recordings.is_kept(call.rest, owner_id=owner_id),
        )
    )
    receipt = receipt_of(row)
    written = None if receipt is None else msgspec.Raw(receipt)
    return Reply(data=RequestDetail(receipt=written, recorded=recorded, **shown(row, RequestShown)))


async def get_receipt(call: Call) -> Reply:
    """Return the receipt of one request."""
    found = await call.deps.receipts.get(call.rest, owner_id=call.visitor.owner_id)
    if found is None:
        raise missing(f"no receipt of a request {call.rest[:100]}", code="receipt_not_found")
    return Reply(data=msgspec.Raw(found))


async def get_usage(call: Call) -> Reply:
    """Return sums per group."""
    return page(await sums(call))


async def sums(call: Call) -> list[UsageShown]:
    """Return the sums that a call asks for."""
    query: UsageQuery = call.query
    which = filter_of(query, call)
    lines = await call.ask(
        lambda store: store.requests.usage(
            which, group_by=query.group_by, offset_minutes=query.utc_offset_minutes
        )
    )
    names = await names_of(query.group_by, call)
    return [_line(line, names) for line in lines]


def filter_of(query: LogQuery, call: Call) -> RequestFilter:
    """Return which requests a query means, of those the visitor may see."""
    named = {account.name: account.id for account in reversed(call.accounts())}
    ids = {account.id for account in call.accounts()}
    account = query.account
    if account is not None and account not in ids:
        account = named.get(account, account)
    return RequestFilter(
        owner_id=call.visitor.owner_id,
        key_id=query.key,
        account_id=account,
        preset=query.preset,
        model=query.model,
        client_dialect=query.dialect,
        outcome=query.outcome,
        session_id=query.session,
        since_ms=moment_ms(query.since, "since"),
        until_ms=moment_ms(query.until, "until"),
    )


async def names_of(group_by: str, call: Call) -> dict[str, str]:
    """Return what people call the accounts or keys that something is grouped by, by their ids."""
    match group_by:
        case "account":
            return {account.id: account.name for account in call.accounts()}
        case "key":
            owner = call.visitor.owner_id
            return {key.id: key.name for key in await call.ask(lambda store: store.keys.list(owner_id=owner))}
        case _:
            return {}


def _line(line: UsageLine, names: dict[str, str]) -> UsageShown:
    values = {name: getattr(line, name) for name in line.__struct_fields__}
    return UsageShown(
        **values,
        name=names.get(str(line.group)),
        cost_usd=usd(line.cost_pusd) or "0",
        charge_usd=usd(line.charge_pusd) or "0",
    )


def shown(row: RequestRow, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return what is shown of a request, as the members of `kind`."""
    money = {"cost_usd": usd(row.cost_pusd), "charge_usd": usd(row.charge_pusd)}
    return money | {name: getattr(row, name) for name in kind.__struct_fields__ if name not in money}


__all__ = [
    "LogQuery",
    "NamedQuery",
    "RequestDetail",
    "RequestShown",
    "RequestsQuery",
    "UsageQuery",
    "UsageShown",
    "filter_of",
    "get_receipt",
    "get_request",
    "get_usage",
    "list_requests",
    "names_of",
    "shown",
    "sums",
]
