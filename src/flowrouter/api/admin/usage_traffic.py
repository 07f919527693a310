"""`/api/usage/flow` and `/api/usage/sessions`: who asks whom at present, and the runs of agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, page
from flowrouter.api.admin.paging import Cursor, Limit, bad_cursor
from flowrouter.api.admin.request_log import LogQuery, filter_of, names_of
from flowrouter.api.admin.usage_charts import Sums
from flowrouter.gateway.ports import RequestFilter
from flowrouter.gateway.traffic import Passage, SessionLine
from flowrouter.usage.pricing import usd

PASSAGES_MAX = 5_000
"""How many of the newest requests a picture of the flow is made of."""

_DID_NOT_FAIL = frozenset({"answered", "ok", "open", "cancelled", "hedged"})
"""Attempts that were answered, or that ended because nobody waited for them any more."""

_Way = tuple[str | None, str | None, str | None, str | None, str | None]


class FlowQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far back to look."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 60


class FlowLink(msgspec.Struct, frozen=True, kw_only=True):
    """What went one way; `failed_attempts` at this account are also those of requests that another one answered."""

    client: str | None
    key_id: str | None
    key: str | None
    combo: str | None
    preset: str | None
    account_id: str | None
    account: str | None
    requests: int
    errors: int
    failed_attempts: int
    tokens: int
    charge_pusd: int


class UsageFlow(msgspec.Struct, frozen=True, kw_only=True):
    """The ways of the newest requests since `since_ms`, the widest first; `truncated`: there were more."""

    since_ms: int
    sampled: int
    truncated: bool
    links: list[FlowLink]


class SessionsQuery(LogQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests, and which page of their sessions."""

    limit: Limit = 50
    cursor: Cursor | None = None


class SessionUse(Sums, frozen=True, kw_only=True):
    """A session and its sums, of its newest requests where it is `truncated`; `cached_share` of its input."""

    session_id: str
    client: str | None
    models: tuple[str, ...]
    first_ms: int
    last_ms: int
    cached_share: float | None
    truncated: bool


class _Link:
    __slots__ = ("charge", "errors", "failed", "requests", "tokens")

    def __init__(self) -> None:
        self.requests = self.errors = self.failed = self.tokens = self.charge = 0


async def get_usage_flow(call: Call) -> Reply:
    """Return who asked whom lately."""
    query: FlowQuery = call.query
    since = int(call.deps.clock.now() * 1000) - query.minutes * 60_000
    which = RequestFilter(owner_id=call.visitor.owner_id, since_ms=since)
    found = await call.ask(lambda store: store.traffic.passages(which, limit=PASSAGES_MAX + 1))
    newest = found[:PASSAGES_MAX]
    links = _links(newest, await names_of("key", call), await names_of("account", call))
    truncated = len(found) > PASSAGES_MAX
    return Reply(data=UsageFlow(since_ms=since, sampled=len(newest), truncated=truncated, links=links))


async def list_usage_sessions(call: Call) -> Reply:
    """Return sessions, the one used last first."""
    query: SessionsQuery = call.query
    which = filter_of(query, call)
    try:
        found = await call.ask(
            lambda store: store.traffic.sessions(which, limit=query.limit, cursor=query.cursor)
        )
    except ValueError:
        raise bad_cursor() from None
    return page([_session(line) for line in found.rows], found.next_cursor)


def _links(
    passages: Iterable[Passage], keys: Mapping[str, str], accounts: Mapping[str, str]
) -> list[FlowLink]:
    found: dict[_Way, _Link] = {}
    for each in passages:
        begin = each.client, each.key_id, each.combo
        link = found.setdefault((*begin, each.preset, each.account_id), _Link())
        link.requests += 1
        link.errors += not each.ok
        link.tokens += each.tokens
        link.charge += each.charge_pusd or 0
        for tried in each.attempts:
            if tried.outcome not in _DID_NOT_FAIL:
                found.setdefault((*begin, tried.preset, tried.account_id), _Link()).failed += 1
    links = [
        FlowLink(
            client=client,
            key_id=key_id,
            key=keys.get(key_id or ""),
            combo=combo,
            preset=preset,
            account_id=account_id,
            account=accounts.get(account_id or ""),
            requests=link.requests,
            errors=link.errors,
            failed_attempts=link.failed,
            tokens=link.tokens,
            charge_pusd=link.charge,
        )
        for (client, key_id, combo, preset, account_id), link in found.items()
    ]
    return sorted(links, key=lambda link: (-link.tokens, -link.requests))


def _session(line: SessionLine) -> SessionUse:
    usage = line.usage
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    sums = {name: getattr(usage, name) for name in usage.__struct_fields__ if name != "group"}
    return SessionUse(
        **sums,
        session_id=line.session_id,
        client=line.client,
        models=line.models,
        first_ms=line.first_ms,
        last_ms=line.last_ms,
        cost_usd=usd(usage.cost_pusd) or "0",
        charge_usd=usd(usage.charge_pusd) or "0",
        cached_share=round(usage.cache_read_tokens / prompt, 4) if prompt else None,
        truncated=line.truncated,
    )


__all__ = [
    "FlowLink",
    "FlowQuery",
    "SessionUse",
    "SessionsQuery",
    "UsageFlow",
    "get_usage_flow",
    "list_usage_sessions",
]
