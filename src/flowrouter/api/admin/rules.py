"""`/api/rules` and `/api/accounts/{id}/resume`: what a failure means, and who may be asked again at once."""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.paging import paged
from flowrouter.routing.rules import ShownRule


class RuleRow(ShownRule, frozen=True, kw_only=True):
    """A row of the table with its place in it; the first that fits decides."""

    place: Annotated[int, msgspec.Meta(ge=1)]


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """How many pauses of an account were ended."""

    account_id: str
    ended: int


async def list_rules(call: Call) -> Reply:
    """Return the table of failures: the owner's rows, then the shipped ones."""
    rows = [
        RuleRow(place=place, **{name: getattr(rule, name) for name in rule.__struct_fields__})
        for place, rule in enumerate(call.deps.world().rules, start=1)
    ]
    return paged(rows, call.query, key=lambda row: (row.place,))


async def resume_account(call: Call) -> Reply:
    """End the pauses of an account, so that the next request may ask it."""
    account = call.account()
    return Reply(data=Resumed(account_id=account.id, ended=await call.deps.resume(account.id)))


__all__ = ["Resumed", "RuleRow", "list_rules", "resume_account"]
